import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { MINUTE, NOW, policyOf, SECOND, SUPERNODE_ID } from "../../decision/builders.ts"
import type { TrueOrder } from "../../world/order.ts"
import { Scheduler } from "../../world/scheduler.ts"
import { arrivalsOf } from "../../world/servers.ts"
import { TrueSupernode } from "../../world/supernode.ts"
import { loadedOf } from "../../world/task.ts"
import type { Script } from "./scripts.ts"

// One supernode of two servers under a load that needs four, until four run: exactly one purchase is due. Time
// is virtual, and nothing is left to chance: the same script plays the same way for every pattern.

/** What the load needs in all. */
export const NEEDED_SERVERS = 4
/** What each order is for. */
export const PLAN = { flavor: "rung-4", from: 2, to: NEEDED_SERVERS, cost: null }
/** A new server runs this long after its order. */
const PROVISIONING_MS = 8 * MINUTE

/** No cooldown, and limits far beyond the one purchase that is due: what stops a second one is the ledger alone. */
export const POLICY: Policy = policyOf({
  ladder: [1, 2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers })),
  limits: { actions: "20 per 24h", servers: 48 },
  cooldown: "0s",
  min_interval: "0s",
  warmup: "0s",
})

export class World {
  readonly scheduler = new Scheduler(NOW)
  /** Percent; high until what the load needs is running. */
  readonly #load = (): number => {
    const running = this.supernode.present().filter(({ status }) => status === "RUNNING")
    return running.length < NEEDED_SERVERS ? 97 : 50
  }
  readonly supernode = new TrueSupernode({
    loaded: loadedOf(POLICY),
    now: () => this.now,
    load: this.#load,
    servers: PLAN.from,
  })
  storeIsDownUntil: number
  readonly script: Script
  readonly #listedAfterMs: number
  /** What each host keeps in memory, as long as its process lives. */
  readonly #memories = new Map<string, Set<string>>()
  #calls = 0
  #ids = 0

  /** `listedAfterMs`: how long after its order a new server appears in the cloud's list. The documents do not say. */
  constructor(script: Script, listedAfterMs: number) {
    this.script = script
    this.#listedAfterMs = listedAfterMs
    this.storeIsDownUntil = NOW + (script.store?.isDownForMs ?? 0)
  }

  get now(): number {
    return this.scheduler.now
  }

  newId = (): string => `id-${++this.#ids}`

  /** How this purchase request goes, by its number and by the time. */
  nextCall() {
    return this.script.call?.({ nth: this.#calls++, atMs: this.now - NOW }) ?? {}
  }

  /** The cloud takes every order: no document says that it would refuse the second. */
  takeOrder(order: TrueOrder): void {
    const { now, supernode } = this
    const listedAt = now + this.#listedAfterMs
    const endsAt = Math.max(now + PROVISIONING_MS, listedAt)
    supernode.accept(order, arrivalsOf(order, { createdAt: now, listedAt, endsAt }))
    const downMs = this.script.store?.isDownAfterPurchaseForMs
    if (downMs !== undefined && supernode.accepted.length === 1) this.storeIsDownUntil = now + downMs
  }

  get storeLosesAnswers(): boolean {
    return this.now < NOW + (this.script.store?.losesAnswersForMs ?? 0)
  }

  memoryOf(host: string): Set<string> {
    const memory = this.#memories.get(host) ?? new Set()
    this.#memories.set(host, memory)
    return memory
  }

  forgetMemory(host?: string): void {
    if (host === undefined) this.#memories.clear()
    else this.#memories.delete(host)
  }
}

/** The body of a documented 200. */
export const ACCEPTED_BODY = JSON.stringify({ id: SUPERNODE_ID, order_id: "CS2401120001", servers: [] })

/** Late enough for two looks of a person and what follows from them. */
export const SCRIPT_ENDS_MS = 180 * MINUTE
/** One packet's way, one answer of a store. */
export const HOP_MS = 10
/** When an order is accepted, and when its answer comes, after the request. */
export const TAKEN_MS = 2 * SECOND
export const ANSWER_MS = 3 * SECOND
