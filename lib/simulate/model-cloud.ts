import type { Offer } from "../decision/inputs/supernode.ts"
import type { Policy } from "../decision/policy/policy.ts"
import type { BuyOrder, Cloud, MetricQuery, Read } from "../ports.ts"
import type { HistoryMeter } from "./history-meter.ts"
import { ModelSupernode } from "./model-supernode.ts"
import { type OrderEnding, outcomeOf, takesEffect } from "./order-ending.ts"

/** A time window: `from` inclusive, `to` exclusive, epoch milliseconds. */
export interface TimeWindow {
  from: number
  to: number
}

/** Window in which a flavor is sold out; `null` means every flavor. */
export interface SoldOutWindow extends TimeWindow {
  flavor: string | null
}

/** Window in which orders end with `ending`. */
export interface FailureWindow extends TimeWindow {
  ending: Exclude<OrderEnding, "accepted">
}

export interface ModelCloudOptions {
  policy: Policy
  /** Servers at the start. */
  servers: number
  /** Creation time of these servers, epoch milliseconds. */
  since: number
  provisioningMs: number
  soldOut: readonly SoldOutWindow[]
  failures: readonly FailureWindow[]
  now(): number
}

/** Cloud of a simulation: one supernode whose orders add servers after a while. */
export class ModelCloud {
  readonly #supernode: ModelSupernode
  readonly #options: ModelCloudOptions
  /** Number of running servers from each time on, oldest first. */
  readonly #running: { at: number; count: number }[]
  #orders = 0
  #settledRead: Read<ReturnType<ModelSupernode["at"]>> | null = null
  #lastArrival = Number.NEGATIVE_INFINITY

  constructor(options: ModelCloudOptions) {
    const { policy, servers: count, since } = options
    this.#options = options
    this.#supernode = new ModelSupernode({ name: policy.name, id: policy.id, count, since })
    this.#running = [{ at: Number.NEGATIVE_INFINITY, count }]
  }

  /** Number of servers that run at that time, which may be in the past. */
  runningAt = (at: number): number => this.#running.findLast((since) => since.at <= at)?.count ?? 0

  /** Changes of the number of running servers, oldest first. The first entry is the start. */
  get running(): readonly { at: number; count: number }[] {
    return this.#running
  }

  /** Cloud port for a run: this model, with readings from `meter`. */
  portWith(meter: HistoryMeter): Cloud {
    return {
      readSupernode: async () => this.#read(),
      readOffers: async (policy) => this.#answer(this.#offers(policy)),
      readMetrics: async (query: MetricQuery) => meter.read(query),
      buy: async (order) => this.#buy(order),
    }
  }

  #read(): Read<ReturnType<ModelSupernode["at"]>> {
    const now = this.#options.now()
    // Usually no order is in progress; then one object serves every read.
    if (now < this.#lastArrival) return this.#answer(this.#supernode.at(now))
    this.#settledRead ??= this.#answer(this.#supernode.at(now))
    return { ...this.#settledRead, date: now }
  }

  #answer<T>(value: T): Read<T> {
    return { ok: true, value, skewMs: 0, date: this.#options.now() }
  }

  #offers({ ladder }: Policy): Offer[] {
    const now = this.#options.now()
    const open = this.#options.soldOut.filter((one) => isWithin(one, now))
    return ladder.map(({ flavor }) => ({
      flavor,
      soldOut: open.some((one) => one.flavor === null || one.flavor === flavor),
    }))
  }

  #buy({ plan }: BuyOrder): ReturnType<typeof outcomeOf> {
    const now = this.#options.now()
    const ending = this.#options.failures.find((one) => isWithin(one, now))?.ending ?? "accepted"
    this.#orders += 1
    const servers = takesEffect(ending) ? this.#arrive(plan.to - plan.from, now) : []
    return outcomeOf(ending, { orderId: `SIM${this.#orders}`, servers })
  }

  #arrive(count: number, now: number): string[] {
    const runsAt = now + this.#options.provisioningMs
    this.#lastArrival = Math.max(this.#lastArrival, runsAt)
    this.#settledRead = null
    this.#running.push({ at: runsAt, count: (this.#running.at(-1)?.count ?? 0) + count })
    return this.#supernode.arrive(count, { now, runsAt })
  }
}

function isWithin({ from, to }: TimeWindow, at: number): boolean {
  return at >= from && at < to
}
