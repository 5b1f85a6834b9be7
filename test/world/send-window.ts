import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { BuyOrder, Clock } from "../../lib/ports.ts"

/** Checks both clocks right before the first byte, as `buy` in lib/huawei/purchase/live-scale-up.ts does. */
export function isTooLate(
  { sendBefore, sendBeforeMonotonic }: Pick<BuyOrder, "sendBefore" | "sendBeforeMonotonic">,
  clock: Clock,
): boolean {
  return clock.now() > sendBefore || clock.monotonic() > sendBeforeMonotonic
}

export const TOO_LATE: Outcome = {
  kind: "not-sent",
  reason: "too-late",
  says: "the last moment to send has passed",
}
