import { sayOrder } from "../../../lib/decision/explain/order.ts"
import { sayTraces } from "../../../lib/decision/explain/witness.ts"
import { includesId } from "../../../lib/decision/inputs/id.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { OrderRecord } from "../../../lib/decision/state/order.ts"
import {
  hasOwnTrace,
  TOO_OLD,
  type TracesSeen,
  tracesSeen,
  traceWindow,
} from "../../../lib/decision/state/witness.ts"
import type { Cloud } from "../../../lib/ports.ts"
import { inZone } from "../print/time.ts"
import type { Look } from "./look-now.ts"

// Independent sources about an attempt, read right before a person settles it. They are only shown and decide
// nothing.

export interface Witnesses {
  /** Traces in CTS; `null` if CTS was not read, since the outcome was known. */
  traces: TracesSeen | null
  /** Sentences about the orders of the attempt, or of servers that appeared since the attempt. */
  orders: string[]
}

/**
 * Maximum number of orders to read. An attempt's servers belong to one order; other orders are purchases by
 * hand.
 */
const MAX_ORDERS = 2

interface WitnessQuery {
  policy: Policy
  attempt: OpenAttempt
  /** The supernode's newest order, as a run last read it. */
  order: OrderRecord | undefined
  look: Look
  now: number
}

/** Reads all sources. Never throws: the result names each source that could not be read. */
export async function readWitnesses(cloud: Cloud, query: WitnessQuery): Promise<Witnesses> {
  const { policy, attempt, look, now } = query
  const added = look.ok ? look.servers.filter(({ id }) => !includesId(attempt.before, id)) : []
  const found = attempt.orderId === null ? added.flatMap(({ orderId }) => orderId ?? []) : [attempt.orderId]
  const orderIds = [...new Set(found)].slice(0, MAX_ORDERS)
  const [traces, ...orders] = await Promise.all([
    readTracesOf(cloud, { policy, attempt, now }),
    ...orderIds.map((orderId) => sayOrderNow(cloud, orderId, query)),
  ])
  return { traces, orders }
}

async function readTracesOf(
  cloud: Cloud,
  { policy, attempt, now }: Pick<WitnessQuery, "policy" | "attempt" | "now">,
): Promise<TracesSeen | null> {
  if (attempt.state !== "unknown" && attempt.state !== "open") return null
  const window = traceWindow(attempt, now)
  if (!window) return TOO_OLD
  return tracesSeen((await cloud.readTraces?.(policy, window)) ?? null, attempt)
}

/**
 * The order's present state. If it cannot be read, returns the state that was read last, or else a hint that the
 * order may await payment.
 */
async function sayOrderNow(
  cloud: Cloud,
  orderId: string,
  { policy, attempt, order, now }: WitnessQuery,
): Promise<string> {
  const read = (await cloud.readOrder?.(policy, orderId)) ?? null
  const record: OrderRecord = {
    attempt: attempt.id,
    orderId,
    status: null,
    amount: null,
    planned: attempt.cost,
    at: now,
  }
  if (read?.ok) return sayOrder({ ...record, ...read.value })
  if (order?.orderId === orderId && order.status !== null) return `${sayOrder(order)}, as last read`
  const why = read === null ? "" : `; it cannot be read: ${read.why}`
  return `order ${orderId} may await payment: see the unpaid orders in the Billing Center${why}`
}

/** Rows about the traces, for the table of facts; empty if CTS was not read. */
export function traceRows(
  { traces }: Witnesses,
  { attempt, zone }: { attempt: OpenAttempt; zone: string },
): [string, string][] {
  return traces === null ? [] : [["  traces", inZone(sayTraces(traces, attempt), zone)]]
}

/** The reason to doubt `absent`; null if no source shows a purchase. */
export function whyNotAbsent({ traces }: Witnesses, attempt: OpenAttempt): string | null {
  if (traces === null || !hasOwnTrace({ traces }, attempt)) return null
  return "CTS shows that the order arrived. Settle the attempt as absent only if that order was cancelled"
}
