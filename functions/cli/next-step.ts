import type { RunResult } from "../../lib/result.ts"
import type { Settings } from "../../lib/settings.ts"
import type { armingUntil } from "./arming.ts"
import { instantOf } from "./table.ts"

export interface Circumstances {
  mode: Settings["mode"]
  arming: ReturnType<typeof armingUntil>
}

/** After a dry run: the line that buys just what was shown, or approves it, where that is all that is missing. */
export function nextStepLines(
  { supernode, decision, plan }: RunResult,
  circumstances: Circumstances,
): string[] {
  if (!plan) return []
  if (decision.heldBy === "approval-needed") {
    return ["to approve it:", `  supernode-autoscaler approve ${plan.hash} --by WHO`]
  }
  if (decision.kind !== "scale-up") return []
  const who = { requestedBy: "WHO", why: "TEXT" }
  const request = { supernode, mode: "live", servers: plan.to, ...who, planHash: plan.hash }
  return [
    `to buy exactly this, or nothing if anything changed${whyNotBought(circumstances)}:`,
    `  echo '${JSON.stringify(request)}' | supernode-autoscaler run --event -`,
  ]
}

/** A dry run asks as if it were live; what would keep a real run from buying all the same must be said. */
function whyNotBought({ mode, arming }: Circumstances): string {
  if (mode === "observe") return " (here it would be recorded and not bought: SUPERNODE_MODE is not live)"
  if (arming === "unseen")
    return " (the policy is new: runs only observe for arm_after, counted from the first recorded one)"
  return arming === null ? "" : ` (the policy is new: until ${instantOf(arming)} runs only observe)`
}
