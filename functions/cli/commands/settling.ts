import { clocksAgree, earliestNow } from "../../../lib/decision/inputs/clock.ts"
import { includesId } from "../../../lib/decision/inputs/id.ts"
import { presentServers, type Server } from "../../../lib/decision/inputs/supernode.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { counted } from "../../../lib/decision/policy/units.ts"
import type { StandingAttempt } from "../../../lib/decision/state/attempt.ts"
import type { Cloud } from "../../../lib/ports.ts"
import { sayAttempt } from "../print/state.ts"
import { type Cell, instantOf, tableOf } from "../print/table.ts"

export type SettleAs = "accepted" | "completed" | "absent"

/** The servers that are there now, or why nobody knows. */
export type Look = { ok: true; servers: Server[]; skewMs: number | null } | { ok: false; why: string }

export async function lookNow(cloud: Cloud, policy: Policy): Promise<Look> {
  const read = await cloud.readSupernode(policy)
  if (!read.ok) return { ok: false, why: read.why }
  if (read.value.servers === null) return { ok: false, why: "the answer has no list of servers" }
  return { ok: true, servers: presentServers(read.value), skewMs: read.skewMs }
}

export interface Shown {
  name: string
  attempt: StandingAttempt
  look: Look
  now: number
}

/** What a person must have seen before saying what became of an attempt. */
export function settlingLines({ name, attempt, look, now }: Shown): string[] {
  const { before, orderId, cost, id } = attempt
  const rows = [
    ["  attempt", id],
    ["  state", sayAttempt(attempt, now)],
    ["  cost", cost ? sayMoney(cost) : "unknown"],
    ["  before", listed(before)],
    ["  now", sayNow(attempt, look)],
    [
      "  payment",
      `${orderId === null ? "an order whose number is not known" : `order ${orderId}`} may await payment: see the unpaid orders in the Billing Center`,
    ],
  ]
  return [`${name}: what is to be settled`, ...tableOf(rows)]
}

function sayNow({ before }: StandingAttempt, look: Look): Cell {
  if (!look.ok) return `could not be read: ${look.why}. Settling without a look`
  const servers = look.servers.map(
    ({ id, status }) => `${id} ${status}${includesId(before, id) ? "" : " (new)"}`,
  )
  return listed(servers)
}

function listed(servers: readonly string[]): Cell {
  return [`${counted(servers.length, "server")}:`, ...(servers.length > 0 ? servers : ["none"])]
}

export interface Wish {
  name: string
  as: SettleAs
  /** The attempt that the person saw. */
  shown: StandingAttempt
  current: StandingAttempt | null
  look: Look
  now: number
}

/** Why this may not be said now, and what to do instead; null where it may. */
export function whyNotSettled({ name, as, shown, current, look, now: ours }: Wish): string | null {
  const clocks = { now: ours, cloudSkewMs: look.ok ? look.skewMs : null }
  const now = earliestNow(clocks)
  if (current?.id !== shown.id) return `the attempt is over or another one by now: look at \`status ${name}\``
  if (current.state === "open" && now <= current.deadline) {
    return `the request may be on its way this very moment: an attempt cannot be settled before its deadline, ${instantOf(current.deadline)}. Look again then; it may have settled itself`
  }
  if (as === "completed" && clocks.cloudSkewMs !== null && !clocksAgree(clocks)) {
    return `the cooldown would begin at a wrong time: this machine's clock and the cloud's differ by ${Math.round(Math.abs(clocks.cloudSkewMs) / 1000)} s. Set this machine's clock, then settle again`
  }
  const newcomers = look.ok ? look.servers.filter(({ id }) => !includesId(current.before, id)) : []
  if (as === "absent" && newcomers.length > 0) {
    const ids = newcomers.map(({ id }) => id).join(", ")
    return `--as absent contradicts the cloud: ${counted(newcomers.length, "server")} not there before the attempt (${ids}). Use --as accepted while more are coming up, --as completed when all are there`
  }
  return null
}
