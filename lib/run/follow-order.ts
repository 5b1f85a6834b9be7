import { sayOrder } from "../decision/explain/order.ts"
import { type CloudOrder, isOrderNews, type OrderRecord } from "../decision/state/order.ts"
import { type OrderToRead, orderToRead } from "../decision/state/order-to-read.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports, Read } from "../ports.ts"
import { appendObservation } from "./append-observation.ts"
import type { FinishedRun } from "./notify.ts"
import { LEDGER_WRITE_MS, type RunTask } from "./task.ts"

/** Time that must be left besides two ledger writes. Reading an order takes at most 5 s, and notifications follow. */
const MIN_READ_MS = 8_000

/**
 * After a tick or a purchase, reads the newest unfinished order from the billing service, and records a change of its state. Never
 * settles, buys or throws. If it fails, a later tick reads the order again.
 */
export async function followOrder(ports: Ports, task: RunTask, ended: FinishedRun): Promise<FinishedRun> {
  const { tail, result } = ended
  const isItsTurn = task.signal.kind === "tick" || result.outcome?.kind === "accepted"
  if (!tail?.head || !isItsTurn) return ended
  const state = stateOf(tail.head)
  const toRead = orderToRead(state, tail.at)
  if (!toRead || ports.timeLeftMs() <= MIN_READ_MS + 2 * LEDGER_WRITE_MS) return ended
  try {
    const read = await ports.cloud.readOrder?.(task.loaded.policy, toRead.orderId)
    if (!read) return ended
    const order = recordOf(toRead, read, { before: state.order, at: tail.at })
    if (!order || !isOrderNews(state.order, order)) return ended
    const about = { attempt: order.attempt, servers: [], present: null, at: Math.max(tail.at, tail.head.at) }
    const observation = { ...about, kind: "order" as const, says: sayOrder(order), order }
    return await appendObservation(ports, task, { tail, newest: tail.head, result, observation })
  } catch {
    return ended
  }
}

interface Known {
  before: OrderRecord | undefined
  at: number
}

/** The order after one more read; null if the read added nothing. A read that failed or shows less removes no known fact. */
function recordOf(toRead: OrderToRead, read: Read<CloudOrder>, { before, at }: Known): OrderRecord | null {
  const earlier = before?.attempt === toRead.attempt ? before : null
  const known = earlier !== null && earlier.status !== null ? earlier : null
  if (read.ok) return { ...toRead, ...read.value, amount: read.value.amount ?? known?.amount ?? null, at }
  if (known !== null) return null
  // The reason of a first failed read is recorded. Without a record, no later tick would read the order of a completed purchase.
  const unreadable = read.credentials ? "no-right" : read.refused ? "refused" : "no-answer"
  const since = earlier?.at ?? at
  return { ...toRead, status: null, why: read.why.slice(0, 300), unreadable, amount: null, at: since }
}
