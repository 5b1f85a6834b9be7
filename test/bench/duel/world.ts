import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { MINUTE, NOW, policyOf, SECOND, SUPERNODE_ID } from "../../decision/builders.ts"
import type { TrueOrder } from "../../world/order.ts"
import { Scheduler } from "../../world/scheduler.ts"
import { arrivalsOf } from "../../world/servers.ts"
import { TrueSupernode } from "../../world/supernode.ts"
import { loadedOf } from "../../world/task.ts"
import type { Script } from "./scripts.ts"

// One supernode of two servers under a load that needs four, until four run: exactly one purchase is due.
// Time is virtual and nothing is random: the same script plays the same way for every pattern.

/** Total number of servers that the load needs. */
export const NEEDED_SERVERS = 4
/** Plan of each order. */
export const PLAN = { flavor: "rung-4", from: 2, to: NEEDED_SERVERS, cost: null }
/** Time from an order until its servers run, in milliseconds. */
const PROVISIONING_MS = 8 * MINUTE

/** No cooldown, and limits far above the one purchase that is due: only the ledger prevents a second one. */
export const POLICY: Policy = policyOf({
  ladder: [1, 2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers })),
  limits: { actions: "20 per 24h", servers: 48 },
  cooldown: "0s",
  min_interval: "0s",
  warmup: "0s",
})

export class World {
  readonly scheduler = new Scheduler(NOW)
  /** Load in percent; high until the needed servers run. */
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
  /** Memory of each host, as long as its process lives. */
  readonly #memories = new Map<string, Set<string>>()
  #calls = 0
  #ids = 0

  /**
   * `listedAfterMs`: time from an order until the cloud lists its servers. The cloud's documents do not state
   * it.
   */
  constructor(script: Script, listedAfterMs: number) {
    this.script = script
    this.#listedAfterMs = listedAfterMs
    this.storeIsDownUntil = NOW + (script.store?.isDownForMs ?? 0)
  }

  get now(): number {
    return this.scheduler.now
  }

  newId = (): string => `id-${++this.#ids}`

  /** Course of the next purchase request, by its number and by the time. */
  nextCall() {
    return this.script.call?.({ nth: this.#calls++, atMs: this.now - NOW }) ?? {}
  }

  /** The cloud accepts every order, since no document says that it refuses the second. */
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

/** Late enough for two looks of an operator and their consequences. */
export const SCRIPT_ENDS_MS = 180 * MINUTE
/** Time of one packet's way, in milliseconds. */
export const HOP_MS = 10
/** Times from a request until its order is accepted, and until its response arrives. */
export const TAKEN_MS = 2 * SECOND
export const ANSWER_MS = 3 * SECOND
