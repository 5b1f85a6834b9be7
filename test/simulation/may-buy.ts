import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { BuyOrder } from "../../lib/ports.ts"
import type { TrueOrder } from "../world/order.ts"
import type { Book, Trade } from "./book.ts"
import { mostRungsAskedFor } from "./load.ts"
import { rollingMs } from "./policies.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
/** Tolerance: two clocks may each be a minute wrong, and a run reads its time before it sends. */
const SLACK_MS = 4 * MINUTE
/** Age after which the product's own rules call a signal stale. */
const EVIDENCE_MS = 15 * MINUTE

export interface Sending {
  world: World
  supernode: SimulatedSupernode
  book: Book
  trade: Trade
  order: BuyOrder
}

type Reason = [rule: string, says: string]

/** Reasons of the policy against this purchase, by true times, true load and true orders. */
export function whyNotToBuy(sending: Sending): Reason[] {
  return [
    ...newLedger(sending),
    ...pacing(sending),
    ...efficacy(sending),
    ...money(sending),
    ...evidence(sending),
    ...plan(sending),
  ]
}

/** Allows a second, because the cloud confirms times in whole seconds, never later than the true time. */
function newLedger({ world, trade }: Sending): Reason[] {
  if (world.scheduler.now + 1_000 >= world.newLedgerUntil) return []
  return [["new-ledger", `${trade.id} was sent within 45 minutes of the ledger's beginning`]]
}

function pacing({ world, supernode, book, trade }: Sending): Reason[] {
  const { now } = world.scheduler
  const { policy } = supernode
  const { signal } = trade.entry
  const isBypassed = signal?.kind === "request" && signal.bypassCooldown
  const last = Math.max(-Infinity, ...costly(supernode, book).map((order) => order.postedAt))
  const found: Reason[] = []
  if (!isBypassed && now + SLACK_MS < (book.completedAt ?? -Infinity) + policy.cooldownMs)
    found.push(["cooldown", `${trade.id} was sent ${ago(now, book.completedAt)} after the last completion`])
  if (!isBypassed && now + SLACK_MS < last + policy.minIntervalMs)
    found.push(["cooldown", `${trade.id} was sent ${ago(now, last)} after the last request`])
  if (policy.armAfterMs > 0 && now + SLACK_MS < (book.firstPolicyAt ?? now) + policy.armAfterMs)
    found.push(["arming", `${trade.id} was sent before its policy was armed`])
  if (book.breakerSince !== null) found.push(["breaker", `${trade.id} was sent with the breaker open`])
  if (now + SLACK_MS < book.throttledUntil) found.push(["throttle", `${trade.id} was sent while throttled`])
  if (now + SLACK_MS < (book.blockedUntil.get(trade.entry.plan?.flavor ?? "") ?? -Infinity))
    found.push(["blocked", `${trade.id} was sent for a blocked flavor`])
  return found
}

/** Efficacy stop, by the entries: none of the last purchases by rules helped, and no person has reset it. */
function efficacy({ supernode, book, trade }: Sending): Reason[] {
  const { efficacy } = supernode.policy
  if (!efficacy || trade.entry.signal?.kind === "request") return []
  const row = book.effects.slice(-efficacy.purchases)
  if (row.length < efficacy.purchases || row.some(({ gain }) => (gain ?? -1) >= efficacy.minGain)) return []
  return [["efficacy", `${trade.id} was sent after ${row.map(({ id }) => id).join()} had not helped`]]
}

/**
 * Orders in the present ledger that cost money or may do so. Excludes orders that were refused or lost, and
 * those that a person settled as absent.
 */
export function costly({ orders }: SimulatedSupernode, { trades }: Book): TrueOrder[] {
  return orders.filter(
    ({ attempt, fate, wasTakenForAbsent }) =>
      trades.has(attempt) && fate !== "refused" && fate !== "lost" && !wasTakenForAbsent,
  )
}

/** Caps on purchases, of one supernode or across all. */
interface Caps {
  actions: Policy["limits"]["actions"] | null
  budget: Policy["limits"]["budget"]
}

function money({ world, supernode, book, order }: Sending): Reason[] {
  const { limits, fleet } = supernode.policy
  const { now } = world.scheduler
  const all = world.supernodes.flatMap((one) => costly(one, world.watch.bookOf(one)))
  return [
    ...overspent(limits, costly(supernode, book), { order, now, rules: ["actions", "spend"] }),
    ...(fleet ? overspent(fleet, all, { order, now, rules: ["fleet-actions", "fleet-spend"] }) : []),
  ]
}

function overspent(
  { actions, budget }: Caps,
  orders: TrueOrder[],
  {
    order,
    now,
    rules: [rate, spend],
  }: { order: BuyOrder; now: number; rules: [rate: string, spend: string] },
): Reason[] {
  const within = (ms: number) => orders.filter(({ postedAt }) => postedAt > now - ms + SLACK_MS)
  const found: Reason[] = []
  const used = actions ? within(actions.perMs).length : 0
  if (actions && used >= actions.count)
    found.push([rate, `${order.attempt} is purchase ${used + 1} of ${actions.count}`])
  if (budget) {
    const spent = within(rollingMs(budget.per)).reduce((sum, { costMinor }) => sum + costMinor, 0)
    const cost = Math.round((order.plan.cost?.amount ?? Infinity) * 100)
    if (spent + cost > budget.minor)
      found.push([spend, `${spent} and ${cost} for ${order.attempt} are above ${budget.minor}`])
  }
  return found
}

function evidence({ world, supernode, trade, order }: Sending): Reason[] {
  const { policy, load } = supernode
  const { signal } = trade.entry
  if (signal?.kind === "request" && signal.servers !== null) return []
  const up = mostRungsAskedFor(policy, load, { now: world.scheduler.now, forMs: EVIDENCE_MS })
  if (up === 0) return [["evidence", `${order.attempt} was sent, and no load has asked for it in 15 minutes`]]
  const rung = (servers: number) => policy.ladder.findIndex((candidate) => candidate.servers === servers)
  const steps = rung(order.plan.to) - rung(order.plan.from)
  const isLarger = policy.soldOut === "next-larger"
  return steps <= up || isLarger
    ? []
    : [["evidence", `${order.attempt} goes up ${steps} rungs, the load asks for ${up}`]]
}

function plan({ world, supernode, book, trade, order }: Sending): Reason[] {
  const { policy } = supernode
  const { signal } = trade.entry
  const { flavor, to, hash, cost } = order.plan
  const found: Reason[] = []
  if (to > policy.limits.servers) found.push(["servers-limit", `${order.attempt} is for ${to} servers`])
  if (policy.ladder.find((rung) => rung.servers === to)?.flavor !== flavor)
    found.push(["rung", `${order.attempt} is for ${flavor}, which has not ${to} servers`])
  if (signal?.kind === "request" && signal.planHash !== hash)
    found.push(["plan-as-shown", `${order.attempt} is not what was shown`])
  if (policy.approval && (cost?.amount ?? Infinity) * 100 > policy.approval.above.minor) {
    const { approvers, expires } = policy.approval
    const { now } = world.scheduler
    const before = [...book.trades.values()].filter(({ id }) => id !== trade.id)
    const since = Math.max(now - expires - SLACK_MS, ...before.map(({ openedAt }) => openedAt))
    const said = world.watch.stops.approvals.filter((one) => one.planHash === hash && one.at > since)
    if (new Set(said.map(({ by }) => by)).size < approvers)
      found.push(["approval", `${order.attempt} has not its ${approvers} approvals`])
  }
  return found
}

function ago(now: number, then: number | null): string {
  return `${Math.round((now - (then ?? now)) / MINUTE)} minutes`
}
