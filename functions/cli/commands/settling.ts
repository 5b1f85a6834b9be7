import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import {
  CLOCK_TOLERANCE_MS,
  type Clocks,
  clocksAgree,
  confirmedTime,
  earliestNow,
} from "../../../lib/decision/inputs/clock.ts"
import { includesId } from "../../../lib/decision/inputs/id.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { sayTime } from "../../../lib/decision/verdict.ts"
import { sayAttempt } from "../print/state.ts"
import { type Cell, tableOf } from "../print/table.ts"
import type { Timeframe } from "../print/time.ts"
import type { Look } from "./look-now.ts"
import { traceRows, type Witnesses } from "./witnesses.ts"

export type SettleAs = "accepted" | "completed" | "absent"

export interface SettlementFacts {
  name: string
  attempt: OpenAttempt
  look: Look
  witnesses: Witnesses
  frame: Timeframe
}

/** Facts that an operator must see before settling an attempt. */
export function settlingLines({ name, attempt, look, witnesses, frame }: SettlementFacts): string[] {
  const { before, cost, id } = attempt
  const rows = [
    ["  attempt", id],
    ["  state", sayAttempt(attempt, frame)],
    ["  cost", cost ? sayMoney(cost) : "unknown"],
    ["  before", listed(before)],
    ["  now", sayNow(attempt, look)],
    ...traceRows(witnesses, { attempt, zone: frame.zone }),
    ["  payment", sayPayment(witnesses)],
  ]
  return [`${name}: the attempt to settle`, ...tableOf(rows)]
}

function sayPayment({ orders }: Witnesses): Cell {
  if (orders.length > 0) return orders
  return "an order whose number is not known may await payment: see the unpaid orders in the Billing Center"
}

function sayNow({ before }: OpenAttempt, look: Look): Cell {
  if (!look.ok) return `could not be read: ${look.why}. The settlement continues without them`
  const servers = look.servers.map(
    ({ id, status }) => `${id} ${status}${includesId(before, id) ? "" : " (new)"}`,
  )
  return listed(servers)
}

function listed(servers: readonly string[]): Cell {
  return [`${counted(servers.length, "server")}:`, ...(servers.length > 0 ? servers : ["none"])]
}

export interface SettleRequest {
  name: string
  as: SettleAs
  /** The attempt that was shown to the operator. */
  shown: OpenAttempt
  current: OpenAttempt | null
  /** True if the run that opened the attempt recorded its outcome. Its request can then no longer be sent. */
  isAnswered: boolean
  look: Look
  now: number
}

/**
 * Returns the reason why the request may still be sent, or still be in transit; `null` if neither is
 * possible. A run whose clock was ahead may have called the attempt unknown too early, so only a time that
 * the cloud confirmed counts. The clock that dated the deadline may be off by CLOCK_TOLERANCE_MS.
 */
function whyStillOpen({ state, deadline }: OpenAttempt, clocks: Clocks): string | null {
  if (state !== "open" && state !== "unknown") return null
  const until = deadline + CLOCK_TOLERANCE_MS
  const confirmed = confirmedTime(clocks)
  if (confirmed !== null && Math.min(confirmed, clocks.now) > until) return null
  const unconfirmed =
    confirmed === null
      ? ", and no response of the cloud confirms the time: check the connection and this machine's clock"
      : ""
  return `the request may still be in transit until ${sayTime(until)}${unconfirmed}. Settle again then`
}

/**
 * Returns the reason why the attempt may not be settled in this way now, and what to do instead; `null` if it
 * may. Its times are in UTC.
 */
export function whyNotSettled({
  name,
  as,
  shown,
  current,
  isAnswered,
  look,
  now: ours,
}: SettleRequest): string | null {
  const clocks = { now: ours, cloudSkewMs: look.skewMs, cloudDate: look.date }
  const now = earliestNow(clocks)
  if (current?.id !== shown.id)
    return `the attempt has ended or was replaced meanwhile. To see the present state, run: ${operatorCommand.status(name)}`
  if (current.state === "open" && now <= current.deadline) {
    return `the request may be in transit right now: an attempt cannot be settled before its deadline, ${sayTime(current.deadline)}. Run the command again then; the attempt may have settled itself`
  }
  if (as === "completed" && clocks.cloudSkewMs !== null && !clocksAgree(clocks)) {
    return `the cooldown would begin at a wrong time: this machine's clock and the cloud's differ by ${Math.round(Math.abs(clocks.cloudSkewMs) / 1000)} s. Set this machine's clock, then settle again`
  }
  const newcomers = look.ok ? look.servers.filter(({ id }) => !includesId(current.before, id)) : []
  if (as === "absent" && newcomers.length > 0) {
    const ids = newcomers.map(({ id }) => id).join(", ")
    return `--as absent contradicts the cloud: ${counted(newcomers.length, "server")} not present before the attempt (${ids}). Use --as accepted while more are starting, --as completed when all are present`
  }
  return as === "accepted" || isAnswered ? null : whyStillOpen(current, clocks)
}
