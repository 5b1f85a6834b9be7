import { whyNotSent } from "../decision/decide.ts"
import type { AttemptTiming } from "../decision/state/attempt.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import { digest } from "../digest.ts"
import type { Ports } from "../ports.ts"
import { readControl } from "./heads.ts"
import { whyNotOnThisLedger } from "./ledger-trust.ts"
import { timeToBuy } from "./preconditions.ts"
import type { PurchaseIntent } from "./reserve.ts"
import type { RunTask } from "./task.ts"

/** Sends the one purchase request, unless a last check forbids it, such as a new pause by an operator. Never throws. */
export async function sendOnce(
  ports: Ports,
  task: RunTask,
  sending: PurchaseIntent & { attempt: AttemptTiming; sendBeforeMonotonic: number },
): Promise<Outcome> {
  const { situation, plan, attempt, sendBeforeMonotonic } = sending
  const control = await readControl(ports, situation.policy).catch((error: unknown) => ({
    state: "unreadable" as const,
    why: String(error),
    credentials: false,
  }))
  const finalInputs = { control, now: Math.max(ports.clock.now(), attempt.openedAt) }
  const stopped = whyNotSent(situation, finalInputs, digest)
  if (stopped) return { kind: "not-sent", reason: stopped.reason ?? stopped.gate, says: stopped.says }
  const untrusted = whyNotOnThisLedger(situation, control)
  if (untrusted) return { kind: "not-sent", reason: untrusted.reason, says: untrusted.says }
  // If the function ended between the order and its record, the outcome would stay unknown.
  if (ports.timeLeftMs() <= Math.max(0, attempt.sendBefore - ports.clock.now()) + timeToBuy(task)) {
    const says = "too little time is left in the function to complete the purchase"
    return { kind: "not-sent", reason: "no-time", says }
  }
  try {
    const { policy } = situation
    return await ports.cloud.buy({
      attempt: attempt.id,
      policy,
      plan,
      userdata: task.loaded.userdata,
      sendBefore: attempt.sendBefore,
      sendBeforeMonotonic,
      timeoutMs: task.buyTimeoutMs,
    })
  } catch (error) {
    // A client that throws against its contract may have sent the request, so the outcome is unknown.
    return {
      kind: "unknown",
      reason: "client-failure",
      says: String(error),
      status: null,
      code: null,
      requestId: null,
      raw: null,
    }
  }
}
