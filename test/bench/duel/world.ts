import type { Server, Supernode } from "../../../lib/decision/inputs/supernode.ts"
import { MINUTE, NOW, SECOND, SUPERNODE_ID, serverOf, supernodeOf } from "../../decision/builders.ts"
import { Scheduler } from "../../world/scheduler.ts"
import type { Script } from "./scripts.ts"

// One supernode of two servers under a load that needs four, until four run: exactly one purchase is due. Time
// is virtual, and nothing is left to chance: the same script plays the same way for every pattern.

/** What the load needs in all. */
export const NEEDED_SERVERS = 4
const FIRST_SERVERS = [serverOf("s1"), serverOf("s2")]
/** A new server runs this long after its order. */
const PROVISIONING_MS = 8 * MINUTE

export class World {
  readonly scheduler = new Scheduler(NOW)
  /** When the cloud took each order. It takes every one: no document says that it would refuse the second. */
  readonly orders: { at: number; label: string }[] = []
  /** Every purchase request that left a worker; `label` distinguishes attempts. */
  readonly posts: { at: number; label: string }[] = []
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

  takeOrder(label: string): void {
    this.orders.push({ at: this.now, label })
    const downMs = this.script.store?.isDownAfterPurchaseForMs
    if (downMs !== undefined && this.orders.length === 1) this.storeIsDownUntil = this.now + downMs
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

  /** What the cloud lists now. */
  supernode(): Supernode {
    const newcomers = this.orders.flatMap(({ at }, nth) =>
      at + this.#listedAfterMs > this.now ? [] : [1, 2].map((i) => this.#serverOf(`o${nth}-${i}`, at)),
    )
    return supernodeOf({ servers: [...FIRST_SERVERS, ...newcomers] })
  }

  #serverOf(id: string, orderedAt: number): Server {
    const runsAt = orderedAt + Math.max(PROVISIONING_MS, this.#listedAfterMs)
    const status = runsAt <= this.now ? "RUNNING" : "CREATING"
    return serverOf(id, { status, createAt: orderedAt, updateAt: Math.min(runsAt, this.now) })
  }

  listedCount(): number {
    return (this.supernode().servers ?? []).length
  }

  /** Percent; high until what the load needs is running. */
  get load(): number {
    const running = (this.supernode().servers ?? []).filter(({ status }) => status === "RUNNING")
    return running.length < NEEDED_SERVERS ? 97 : 50
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
