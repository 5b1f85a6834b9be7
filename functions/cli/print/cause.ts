import { type Amount, amountOf } from "../../../lib/decision/policy/money.ts"
import { sayTime } from "../../../lib/decision/verdict.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { OrderEntries } from "../audit/order-entries.ts"
import { saySignal } from "./entry.ts"

/**
 * Cause of an order, whether or not it was tried, as part of a sentence; `null` if the entry orders nothing.
 */
export function causeOf({ signal, decision, attempt }: LedgerEntry): string | null {
  const { rules = [], schedules = [] } = decision?.target ?? {}
  const proposers = [
    ...rules.map((rule) => `rule ${rule}`),
    ...schedules.map(({ schedule }) => `schedule ${schedule}`),
  ]
  if (proposers.length > 0) return proposers.join("; ")
  return signal?.kind === "request" && (decision?.target || attempt) ? `request: ${signal.why}` : null
}

/** The person who sent the request; `null` for an alarm or a tick. */
export function requesterOf({ signal }: LedgerEntry): string | null {
  return signal?.kind === "request" ? signal.requestedBy : null
}

/** Price of the order; `null` if it is unknown or was released, or if the entry is about no order. */
export function priceOf({ plan, attempt, standing }: LedgerEntry): Amount | null {
  if (plan) return plan.cost
  const purchases = attempt && "purchases" in standing ? standing.purchases : []
  const cost = purchases.find((purchase) => purchase.attempt === attempt?.id)?.cost
  return cost ? amountOf(cost) : null
}

/**
 * A purchase in one sentence: `At …, cloud-eye alarm al1 (alarm) of … and rule npu-busy (5 of 5 points …)
 * raised the demand of train-a from 2 to 4 servers, so an order of … was sent and accepted: CS….`
 * Its times are in UTC. Empty if the entry has no plan.
 */
export function sayActivity(name: string, { opened, settled }: OrderEntries): string {
  const { at, plan, signal } = opened
  if (!plan) return ""
  const trigger = signal && signal.kind !== "request" ? [saySignal(signal)] : []
  const requester = signal?.kind === "request" ? [`${signal.requestedBy} (${signal.why})`] : []
  const causes = [...requester, ...trigger, ...evidenceOf(opened)].join(" and ")
  const { from, to, flavor } = plan
  return `At ${sayTime(at)}, ${causes || "an unrecorded cause"} raised the demand of ${name} from ${from} to ${to} servers, so an order of ${flavor} ${sayPrice(plan.cost)} ${sayEnd(settled)}.`
}

/** Rules and schedules of an order, with their evidence at that time. */
function evidenceOf(opened: LedgerEntry): string[] {
  const { rules = [], schedules = [] } = opened.decision?.target ?? {}
  if (rules.length + schedules.length === 0) return []
  const evidence = opened.decision?.findings.find(({ gate }) => gate === "evidence")?.says
  return [evidence ?? causeOf(opened) ?? ""].filter((text) => text !== "")
}

function sayEnd(settled: LedgerEntry | null): string {
  const outcome = settled?.outcome
  if (!outcome) return "was opened, and its outcome is not recorded"
  switch (outcome.kind) {
    case "accepted":
      return `was sent and accepted${outcome.orderId === null ? "" : ` (${outcome.orderId})`}`
    case "rejected":
      return `was sent and refused (${outcome.class})`
    case "not-sent":
      return `was not sent (${outcome.reason})`
    case "unknown":
      return `was sent, and its outcome is unknown (${outcome.reason})`
    default:
      return outcome satisfies never
  }
}

function sayPrice(cost: Amount | null): string {
  return cost ? `for ${cost.amount} ${cost.currency}` : "for an unknown price"
}

/**
 * Cause of an entry, for its row: `, for 120000 CNY, because of rule npu-busy (cloud-eye alarm al1 (alarm) of
 * …)`. `opened`: the entry that opened the order; `null` if the entry is about no order.
 */
export function sayWhy(entry: LedgerEntry, opened: LedgerEntry | null): string {
  const { signal } = entry
  const orderEntry = opened ?? entry
  const cause = causeOf(orderEntry)
  const trigger = orderEntry.signal ? ` (${saySignal(orderEntry.signal)})` : ""
  if (orderEntry.plan && cause !== null)
    return `, ${sayPrice(priceOf(orderEntry))}, because of ${cause}${trigger}`
  return entry.kind === "decided" && signal ? trigger : ""
}
