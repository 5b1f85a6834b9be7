import { type Amount, moneyOf, sayMoney } from "../policy/money.ts"
import type { ChainEvent } from "../transitions/ledger-event.ts"
import { sayTime } from "../verdict.ts"

/** Purchase notification for people and machines. */
export interface PurchaseMessage {
  from: number
  to: number
  flavor: string
  cost: Amount | null
  orderId: string | null
  /**
   * False if the ledger has no acceptance by the cloud. Then a person settled the attempt, or new servers
   * proved the purchase.
   */
  isAnswered: boolean
  /** Name of the person who requested it; `null` if an alarm or a tick led to it. */
  requestedBy: string | null
  approvedBy: string[]
  /** Signal and evidence that led to the purchase, as a sentence. */
  cause: string
}

/** Purchase message of one attempt, from its entries; `null` if its `opened` entry is not among them. */
export function purchaseMessage(entries: readonly ChainEvent[], attemptId: string): PurchaseMessage | null {
  const opened = entries.find(({ kind, attempt }) => kind === "opened" && attempt?.id === attemptId)
  if (!opened?.plan) return null
  const { plan, signal, decision } = opened
  const outcome = entries.find(({ attempt, outcome: one }) => one && attempt?.id === attemptId)?.outcome
  // Only approvals that counted. The state may hold others: by people who are not listed, or without a
  // signature.
  const approvedBy = decision?.findings.find(({ gate }) => gate === "approved")?.facts["approvedBy"]
  return {
    from: plan.from,
    to: plan.to,
    flavor: plan.flavor,
    cost: plan.cost,
    orderId: outcome?.kind === "accepted" ? outcome.orderId : null,
    isAnswered: outcome?.kind === "accepted",
    requestedBy: signal?.kind === "request" ? signal.requestedBy : null,
    approvedBy: Array.isArray(approvedBy) ? approvedBy.map(String) : [],
    cause: causeOf(opened),
  }
}

function causeOf({ signal, decision }: ChainEvent): string {
  const { rules = [], schedules = [] } = decision?.target ?? {}
  const evidence = decision?.findings.find(({ gate }) => gate === "evidence")?.says
  const demands = [
    ...(rules.length > 0 ? [`rule ${rules.join(", ")}`] : []),
    ...(schedules.length > 0 ? [`schedule ${schedules.map(({ schedule }) => schedule).join(", ")}`] : []),
  ]
  const because = demands.length > 0 && evidence ? [`${demands.join(" and ")} (${evidence})`] : demands
  return [...sayWaker(signal), ...because].join("; ") || "no cause is on record"
}

function sayWaker(signal: ChainEvent["signal"]): string[] {
  switch (signal?.kind) {
    case undefined:
      return []
    case "request":
      return [`requested by ${signal.requestedBy}: ${signal.why}`]
    case "alarm":
      return [`${signal.source} alarm ${signal.alarm} of ${sayTime(signal.at)}`]
    case "tick":
      return [`tick ${signal.name} of ${sayTime(signal.at)}`]
    default:
      return signal satisfies never
  }
}

/** `the cloud accepted the order to go from 2 to 4 servers (flavor): 120000 CNY, order CS1. Cause: …`. */
export function sayPurchase(message: PurchaseMessage): string {
  const { from, to, flavor, cost, orderId, isAnswered, approvedBy, cause } = message
  const price = cost ? sayMoney(moneyOf(cost)) : "price unknown"
  const order = orderId === null ? "no order id was given" : `order ${orderId}`
  const approved = approvedBy.length > 0 ? ` Approved by ${approvedBy.join(", ")}.` : ""
  const going = `to go from ${from} to ${to} servers (${flavor})`
  const happened = isAnswered
    ? `the cloud accepted the order ${going}: ${price}, ${order}`
    : `the order ${going} is recorded as accepted without a response from the cloud: ${price}`
  return `${happened}. Cause: ${cause}.${approved}`
}
