import { type Amount, amountOf } from "../../../lib/decision/policy/money.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { saySignal } from "./entry.ts"

/** Why an order was tried or would have been, in a sentence's part; null for entries that order nothing. */
export function causeOf({ signal, decision, attempt }: LedgerEntry): string | null {
  const { rules = [], schedules = [] } = decision?.target ?? {}
  const asking = [
    ...rules.map((rule) => `rule ${rule}`),
    ...schedules.map(({ schedule }) => `schedule ${schedule}`),
  ]
  if (asking.length > 0) return asking.join("; ")
  return signal?.kind === "request" && (decision?.target || attempt) ? `request: ${signal.why}` : null
}

/** The person who asked; null where an alarm or a tick did. */
export function requesterOf({ signal }: LedgerEntry): string | null {
  return signal?.kind === "request" ? signal.requestedBy : null
}

/** The price of the order; null where it is unknown or was released, and where the entry is about no order. */
export function priceOf({ plan, attempt, standing }: LedgerEntry): Amount | null {
  if (plan) return plan.cost
  const purchases = attempt && "purchases" in standing ? standing.purchases : []
  const cost = purchases.find((purchase) => purchase.attempt === attempt?.id)?.cost
  return cost ? amountOf(cost) : null
}

/** `, for 120000 CNY, because of rule npu-busy (cloud-eye alarm al1 (alarm) of …)`; empty for entries that order nothing. */
export function sayWhy(entry: LedgerEntry): string {
  const cause = causeOf(entry)
  if (cause === null || !entry.plan) return ""
  const { cost } = entry.plan
  const price = cost ? `for ${cost.amount} ${cost.currency}` : "for an unknown price"
  const woken = entry.signal ? ` (${saySignal(entry.signal)})` : ""
  return `, ${price}, because of ${cause}${woken}`
}
