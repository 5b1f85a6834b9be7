import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { NotifyTopic } from "../../lib/decision/policy/notify.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { BuyOrder, Delivery, Notification } from "../../lib/ports.ts"
import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import { MINUTE, NOW, type PolicyInput, policyOf, ruleInput } from "../decision/builders.ts"
import { initEntryAt } from "../ledger/initialised.ts"
import { Chains } from "../world/chains.ts"
import type { TrueOrder } from "../world/order.ts"
import { arrivalsOf } from "../world/servers.ts"
import { TrueSupernode } from "../world/supernode.ts"
import { Watch } from "./watch.ts"

// State that outlives a worker: the ledger's entries, a cloud that sells servers, and the time. Every effect
// here is one step. Faults on the way to it or back are in worker.ts.

/** Price of one server, from which the ladder's prices are computed. */
export const SERVER_PRICE = 60_000
/** Time from an order until its new servers run. */
export const PROVISIONING_MS = 5 * MINUTE

const RUNGS = [2, 4, 8, 16, 32]

/** Allows two purchases a day, so that a lost or a doubled one shows at the end. */
export function crashPolicy(over: Partial<PolicyInput> = {}): Policy {
  return policyOf({
    cooldown: "20m",
    min_interval: "10m",
    warmup: "0s",
    rules: [ruleInput({ points: "1 of 1" })],
    ladder: RUNGS.map((servers) => ({
      flavor: `rung-${servers}`,
      servers,
      price: { amount: servers * SERVER_PRICE, currency: "CNY", per: "month" },
    })),
    limits: {
      actions: "2 per 24h",
      servers: 48,
      budget: { amount: 14 * SERVER_PRICE, currency: "CNY", per: "30d" },
    },
    ...over,
  })
}

/** The true cost of an order, independent of its plan. */
export function costOf({ from, to }: TrueOrder): number {
  return (to - from) * SERVER_PRICE
}

export class Environment {
  now = NOW
  load = 97
  /** Counts every effect, so that "before" and "after" have a meaning within one instant. */
  step = 0
  /** Duration of every I/O. */
  ioMs = 20
  /** Topics for which the policy names a recipient. */
  notifies: readonly NotifyTopic[] = []
  /** Endings of the next purchases; after them, accepted. */
  endings: OrderEnding[] = []
  watch: Watch
  /** The supernodes of the policy file; most histories use only the first. */
  readonly supernodes: readonly [TrueSupernode, ...TrueSupernode[]]
  readonly #chains = new Chains<LedgerEntry>()
  #ids = 0

  constructor(first: LoadedPolicy, ...others: LoadedPolicy[]) {
    const made = (loaded: LoadedPolicy) =>
      new TrueSupernode({ loaded, now: () => this.now, load: () => this.load, servers: 2 })
    this.supernodes = [made(first), ...others.map(made)]
    this.watch = new Watch(this)
    this.append(initEntryAt(this.now))
  }

  /** A copy with an independent future. */
  fork(): Environment {
    const [first, ...others] = this.supernodes
    const other = new Environment(first.loaded, ...others.map(({ loaded }) => loaded))
    const { now, load, step, ioMs } = this
    Object.assign(other, { now, load, step, ioMs, endings: [...this.endings] })
    other.#chains.restore(this.#chains.copy())
    for (const [nth, supernode] of this.supernodes.entries()) other.supernodes[nth]?.become(supernode)
    other.#ids = this.#ids
    other.watch = this.watch.forkFor(other)
    return other
  }

  get policy(): Policy {
    return this.supernodes[0].policy
  }

  get stream(): string {
    return this.supernodes[0].stream
  }

  newId = (): string => `id-${++this.#ids}`

  head(stream: string): LedgerEntry | undefined {
    return this.#chains.newest(stream)
  }

  append(entry: LedgerEntry): "appended" | "conflict" {
    const answer = this.#chains.append(entry.stream, entry)
    if (answer === "appended") this.watch.appended(entry)
    return answer
  }

  entries(stream: string, fromSeq?: number, toSeq?: number): LedgerEntry[] {
    return this.#chains.within(stream, { fromSeq, toSeq })
  }

  streams(): string[] {
    return this.#chains.streams()
  }

  supernodeOf({ id }: Pick<Policy, "id">): TrueSupernode {
    const found = this.supernodes.find(({ policy }) => policy.id === id)
    if (!found) throw new RangeError(`there is no supernode ${id}`)
    return found
  }

  /**
   * The request arrives. The check that it may still be sent was made right before (worker.ts), as in the
   * real client.
   */
  post(order: BuyOrder, controlReadAt: number): Outcome {
    const supernode = this.supernodeOf(order.policy)
    this.watch.sending(order, { controlReadAt, present: supernode.count })
    const arrivals = arrivalsOf(order.plan, { listedAt: this.now, endsAt: this.now + PROVISIONING_MS })
    const outcome = supernode.end(supernode.place(order), this.endings.shift() ?? "accepted", arrivals)
    this.watch.checkMoney("a purchase")
    return outcome
  }

  tell(notification: Notification): Delivery {
    this.watch.notified(notification)
    return { ok: true }
  }

  /** All requests that reached the cloud. */
  get posts(): TrueOrder[] {
    return this.supernodes.flatMap(({ orders }) => orders)
  }

  /** Orders that were accepted and are paid for. */
  get taken(): TrueOrder[] {
    return this.supernodes.flatMap(({ accepted }) => accepted)
  }
}
