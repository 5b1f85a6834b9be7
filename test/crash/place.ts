import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { Offer, Supernode } from "../../lib/decision/inputs/supernode.ts"
import type { NotifyTopic } from "../../lib/decision/policy/notify.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { digest } from "../../lib/digest.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { BuyOrder, Delivery, Notification } from "../../lib/ports.ts"
import { ModelSupernode } from "../../lib/simulate/model-supernode.ts"
import { type OrderEnding, outcomeOf, takesEffect } from "../../lib/simulate/order-ending.ts"
import { DAY, MINUTE, NOW, offersOf, type PolicyInput, policyOf, ruleInput } from "../decision/builders.ts"
import { initEntryAt } from "../ledger/initialised.ts"
import { Chains } from "../world/chains.ts"
import { readingsOf } from "../world/meters.ts"
import { Watch } from "./watch.ts"

// State that outlives a worker: the ledger's texts, a cloud that sells servers, and the time. Everything here
// happens at once, as one step; every fault on the way to it or back happens in worker.ts.

/** What one server costs; the ladder's prices are made of it. */
export const SERVER_PRICE = 60_000
/** Time from an order until its new servers run. */
export const PROVISIONING_MS = 5 * MINUTE

const RUNGS = [2, 4, 8, 16, 32]

/** Two purchases a day: so a lost or a doubled one shows at the end. */
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

/** One request that reached the cloud. */
export interface Post {
  attempt: string
  /** Id of the supernode that it is for. */
  supernode: string
  to: number
  /** The order was accepted and is paid for. */
  isTaken: boolean
  cost: number
  at: number
}

/** One supernode and its policy. */
export interface Site {
  policy: Policy
  hash: string
  stream: string
}

export function siteOf(policy: Policy): Site {
  return { policy, hash: digest(policy), stream: supernodeStream(policy.id) }
}

export class Place {
  now = NOW
  load = 97
  /** Counts every effect, so that "before" and "after" have a meaning within one instant. */
  step = 0
  /** How long every I/O takes. */
  ioMs = 20
  posts: Post[] = []
  /** Topics for which the policy names a recipient. */
  notifies: readonly NotifyTopic[] = []
  /** Endings of the next purchases; after them, accepted. */
  endings: OrderEnding[] = []
  watch: Watch
  /** Supernodes of the policy file; most histories use the first alone. */
  readonly sites: readonly [Site, ...Site[]]
  readonly policy: Policy
  readonly policyHash: string
  readonly stream: string
  readonly #chains = new Chains<LedgerEntry>()
  readonly #supernodes: Map<string, ModelSupernode>
  #ids = 0

  constructor({ policy, hash }: { policy: Policy; hash: string }, ...others: Site[]) {
    this.policy = policy
    this.policyHash = hash
    this.stream = supernodeStream(policy.id)
    this.sites = [{ policy, hash, stream: this.stream }, ...others]
    const since = NOW - 30 * DAY
    this.#supernodes = new Map(
      this.sites.map((site) => [site.policy.id, new ModelSupernode({ ...site.policy, count: 2, since })]),
    )
    this.watch = new Watch(this)
    this.append(initEntryAt(this.now))
  }

  /** A copy with an independent future. */
  fork(): Place {
    const [, ...others] = this.sites
    const other = new Place({ policy: this.policy, hash: this.policyHash }, ...others)
    const { now, load, step, ioMs } = this
    Object.assign(other, { now, load, step, ioMs, posts: [...this.posts], endings: [...this.endings] })
    other.#chains.restore(this.#chains.copy())
    for (const [id, { servers }] of this.#supernodes) other.#supernode({ id }).servers = [...servers]
    other.#ids = this.#ids
    other.watch = this.watch.forkFor(other)
    return other
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

  #supernode({ id }: Pick<Policy, "id">): ModelSupernode {
    const found = this.#supernodes.get(id)
    if (!found) throw new RangeError(`there is no supernode ${id}`)
    return found
  }

  supernode(policy: Policy = this.policy): Supernode {
    return this.#supernode(policy).at(this.now)
  }

  readings(policy: Policy = this.policy): Reading[] {
    const servers = this.#supernode(policy).servers.map((server) => server.id)
    return readingsOf({ policy, servers, load: this.load, now: this.now })
  }

  offers(): Offer[] {
    return offersOf(...this.policy.ladder.map((rung) => rung.flavor))
  }

  /**
   * The request arrives. The check that it may still be sent was made right before (worker.ts), as in the
   * real client.
   */
  post(order: BuyOrder, controlReadAt: number): Outcome {
    const ending = this.endings.shift() ?? "accepted"
    const supernode = this.#supernode(order.policy)
    const present = supernode.servers.length
    const isTaken = takesEffect(ending)
    const { attempt, plan, policy } = order
    const count = plan.to - plan.from
    const cost = isTaken ? count * SERVER_PRICE : 0
    const sent: Post = { attempt, supernode: policy.id, to: plan.to, isTaken, cost, at: this.now }
    this.watch.sending(order, { controlReadAt, present })
    this.posts.push(sent)
    if (isTaken) supernode.arrive(count, { now: this.now, runsAt: this.now + PROVISIONING_MS })
    this.watch.checkMoney("a purchase")
    return outcomeOf(ending, { orderId: "CS1", servers: [] })
  }

  tell(notification: Notification): Delivery {
    this.watch.notified(notification)
    return { ok: true }
  }

  get serverCount(): number {
    return this.#supernode(this.policy).servers.length
  }

  get taken(): Post[] {
    return this.posts.filter((post) => post.isTaken)
  }
}
