import type { Reading } from "../../lib/decision/inputs/reading.ts"
import {
  type Offer,
  presentServers,
  type Server,
  type Supernode,
} from "../../lib/decision/inputs/supernode.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { MetricQuery } from "../../lib/ports.ts"
import { type OrderEnding, outcomeOf, takesEffect } from "../../lib/simulate/order-ending.ts"
import { DAY } from "../decision/builders.ts"
import { readingsOf } from "./meters.ts"
import { type OrderRequest, orderOf, type TrueOrder } from "./order.ts"
import { type Arrival, Servers } from "./servers.ts"

export interface SupernodeStart {
  loaded: LoadedPolicy
  now: () => number
  /** Number of servers that have been running for 30 days. */
  servers: number
  /** Load of every server in percent; `null` if there are no datapoints. */
  load?: () => number | null
  idPrefix?: string
  flavor?: string
}

/** True state of one supernode: its servers, its orders and its load. */
export class TrueSupernode {
  readonly loaded: LoadedPolicy
  readonly stream: string
  orders: readonly TrueOrder[] = []
  readonly soldOutUntil = new Map<string, number>()
  readonly #start: SupernodeStart
  #servers: Servers

  constructor(start: SupernodeStart) {
    const { loaded, idPrefix = "s", flavor = null } = start
    this.#start = start
    this.loaded = loaded
    this.stream = supernodeStream(loaded.policy.id)
    this.#servers = new Servers(idPrefix, flavor)
    for (let nth = 0; nth < start.servers; nth++) this.add(start.now() - 30 * DAY)
  }

  get policy(): Policy {
    return this.loaded.policy
  }

  protected get now(): number {
    return this.#start.now()
  }

  /** The response of GET hyperinstance. */
  view(): Supernode {
    const { id, name } = this.policy
    return { id, name, status: "ACTIVE", servers: this.#servers.listedAt(this.now) }
  }

  /** Listed servers that are not deleted. */
  present(): Server[] {
    return presentServers(this.view())
  }

  get count(): number {
    return this.present().length
  }

  offers(): Offer[] {
    return this.policy.ladder.map(({ flavor }) => ({ flavor, soldOut: this.isSoldOut(flavor) }))
  }

  isSoldOut(flavor: string): boolean {
    return (this.soldOutUntil.get(flavor) ?? -Infinity) > this.now
  }

  readings({ policy, supernode, now }: MetricQuery): Reading[] {
    const servers = presentServers(supernode).map(({ id }) => id)
    return readingsOf({ policy, servers, load: this.#start.load?.() ?? null, now })
  }

  /** Adds a server in the console, running since that time. */
  add(since = this.now): void {
    this.#servers.arrive({ listedAt: since, endsAt: since })
  }

  change(id: string, status: string): void {
    this.#servers.change(id, { status, at: this.now })
  }

  /** A purchase request leaves its sender. */
  place(request: OrderRequest): TrueOrder {
    const order = orderOf(request, this.now)
    this.orders = [...this.orders, order]
    return order
  }

  /** The cloud accepts the order: its servers appear, and later run or fail. */
  accept(order: TrueOrder, arrivals: readonly Arrival[]): void {
    order.fate = "accepted"
    order.acceptedAt = this.now
    order.resolvedAt = Math.max(this.now, ...arrivals.map(({ endsAt }) => endsAt)) + 1_000
    const inTurn = [...arrivals].sort((a, b) => a.listedAt - b.listedAt)
    order.servers = inTurn.map((arrival) => this.#servers.arrive(arrival))
  }

  /**
   * Ends the request at once, and returns the outcome that its sender reports. `arrivals` count if it takes
   * effect.
   */
  end(order: TrueOrder, ending: OrderEnding, arrivals: readonly Arrival[]): Outcome {
    if (takesEffect(ending)) this.accept(order, arrivals)
    else order.fate = ending === "vanished" || ending === "not-sent" ? "lost" : "refused"
    return outcomeOf(ending, { orderId: "CS1", servers: [] })
  }

  get accepted(): TrueOrder[] {
    return this.orders.filter(({ fate }) => fate === "accepted")
  }

  /** Accepted orders whose servers have not all arrived. */
  get delivering(): TrueOrder[] {
    return this.accepted.filter(({ resolvedAt }) => resolvedAt > this.now)
  }

  /** Orders that may still add servers. */
  get pending(): TrueOrder[] {
    return [...this.orders.filter(({ fate }) => fate === "travelling"), ...this.delivering]
  }

  orderFor(attempt: string): TrueOrder | undefined {
    return this.orders.find((order) => order.attempt === attempt)
  }

  /** Copies the state of another supernode. From then on both change independently. */
  become(other: TrueSupernode): void {
    this.#servers = other.#servers.copy()
    this.orders = other.orders.map((order) => ({ ...order }))
  }
}
