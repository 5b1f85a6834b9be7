import type { Settings } from "../../../lib/app/settings.ts"
import type { Signal } from "../../../lib/decision/inputs/signal.ts"
import type { armingUntil } from "../../../lib/decision/pacing/arming.ts"
import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import type { CommonOptions } from "../context.ts"
import { instantOf } from "./table.ts"

/** A manual request that buys the plan that was shown, or nothing. */
export interface ReadyRequest {
  supernode: string
  mode: "live"
  servers: number
  requestedBy: string
  why: string
  planHash: string
  bypassCooldown?: true
}

export interface Asker {
  requestedBy: string
  why: string
}

/** What buys just this, where nothing but approval is in the way; null where more is. */
export function readyRequest(
  { supernode, decision, plan }: RunResult,
  signal: Signal | undefined,
  asker: Asker,
): ReadyRequest | null {
  if (!plan || (decision.kind !== "scale-up" && decision.heldBy !== "approval-needed")) return null
  const isBypassed = signal?.kind === "request" && signal.bypassCooldown
  return {
    supernode,
    mode: "live",
    servers: plan.to,
    ...asker,
    planHash: plan.hash,
    ...(isBypassed ? { bypassCooldown: true } : {}),
  }
}

export interface Circumstances {
  mode: Settings["mode"]
  arming: ReturnType<typeof armingUntil>
  /** --policy and --ledger, which the next command needs as well. */
  options: CommonOptions
}

/** After a dry run: the line that buys just what was shown, and the one that approves it, where that is missing. */
export function nextStepLines(
  { decision, plan }: RunResult,
  request: ReadyRequest | null,
  circumstances: Circumstances,
): string[] {
  if (!plan || !request) return armingLines(circumstances)
  const wantsApproval = decision.heldBy === "approval-needed"
  return [
    ...(wantsApproval ? approvalLines(plan, circumstances) : []),
    `to buy exactly this${wantsApproval ? " once it is approved" : ""}, or nothing if anything changed${whyNotBought(circumstances)}:`,
    // printf, since some shells' echo turns the \n of a JSON text into a line's end.
    `  printf %s ${quoted(JSON.stringify(request))} | supernode-autoscaler run --event -${placesOf(circumstances)}`,
  ]
}

function approvalLines({ hash }: ScaleUpPlan, circumstances: Circumstances): string[] {
  return ["to approve it:", `  supernode-autoscaler approve ${hash} --by WHO${placesOf(circumstances)}`]
}

function placesOf({ options: { policy, ledger } }: Circumstances): string {
  const given = { "--policy": policy, "--ledger": ledger }
  return Object.entries(given)
    .flatMap(([flag, value]) => (value === undefined ? [] : [` ${flag} ${quoted(value)}`]))
    .join("")
}

/** As one word of a POSIX shell, whatever is in it. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** A dry run asks as if it were live; what would keep a real run from buying all the same must be said. */
function whyNotBought({ mode, arming }: Circumstances): string {
  if (mode === "observe") return " (here it would be recorded and not bought: SUPERNODE_MODE is not live)"
  return arming === null ? "" : ` (${sayArming(arming)})`
}

/** Whatever holds now: nothing would be bought before that either. */
function armingLines({ arming }: Circumstances): string[] {
  return arming === null ? [] : ["", sayArming(arming)]
}

function sayArming(arming: number | "unseen"): string {
  return arming === "unseen"
    ? "the policy is new: runs only observe for arm_after, counted from the first recorded one"
    : `the policy is new: until ${instantOf(arming)} runs only observe`
}
