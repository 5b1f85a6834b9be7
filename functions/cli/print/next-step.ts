import type { Settings } from "../../../lib/app/settings.ts"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import type { Signal } from "../../../lib/decision/inputs/signal.ts"
import type { armingUntil } from "../../../lib/decision/pacing/arming.ts"
import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import { ledgerPlace, parseLedgerUrl } from "../../../lib/ledger/open.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import type { CommonOptions } from "../context.ts"
import { instantOf } from "./time.ts"

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

/**
 * Requester and reason; `null` if not given. No buying command is printed without both, since a person must
 * state them.
 */
export interface Requester {
  requestedBy: string | null
  why: string | null
}

/**
 * The request that buys exactly this plan if nothing or only approval is missing. `null` if more is missing,
 * or if the requester or the reason is.
 */
export function readyRequest(
  { supernode, decision, plan }: RunResult,
  signal: Signal | undefined,
  requester: Requester,
): ReadyRequest | null {
  const { requestedBy, why } = requester
  if (!plan || !mayBeAskedFor(decision) || requestedBy === null || why === null) return null
  const isBypassed = signal?.kind === "request" && signal.bypassCooldown
  return {
    supernode,
    mode: "live",
    servers: plan.to,
    requestedBy,
    why,
    planHash: plan.hash,
    ...(isBypassed ? { bypassCooldown: true } : {}),
  }
}

/** Reason why there is no such request, as an error message. */
export function whyNotReady({ decision, plan }: RunResult, { requestedBy }: Requester): string {
  if (!plan || !mayBeAskedFor(decision))
    return `nothing would be bought: held (${decision.heldBy ?? "no rung"})`
  return requestedBy === null
    ? "--by is missing: a plan must name the person who requests it"
    : "--why is missing: a plan must give the reason for the purchase"
}

/** True if a person may request the plan as it is. */
function mayBeAskedFor({ kind, heldBy }: RunResult["decision"]): boolean {
  return kind === "scale-up" || heldBy === "approval-needed"
}

export interface Circumstances {
  mode: Settings["mode"]
  arming: ReturnType<typeof armingUntil>
  /** IANA zone of the times that are shown. */
  zone: string
  /** --policy and --ledger, which the next command needs as well. */
  options: CommonOptions & { bypassCooldown?: true }
  /** Path of the plan file with the request; `null` if there is none. */
  plan: string | null
}

/**
 * Lines after a dry run: the command that buys exactly what was shown and, if approval is missing, the
 * command that approves it.
 */
export function nextStepLines(
  { supernode, decision, plan }: RunResult,
  request: ReadyRequest | null,
  circumstances: Circumstances,
): string[] {
  if (!plan || !mayBeAskedFor(decision)) return armingLines(circumstances)
  if (!request) {
    const again = `${operatorCommand.dryRun(supernode)} --servers ${plan.to}${bypassOf(circumstances)}`
    return [
      `to get the line that buys exactly this, add the requester and the reason${whyNotBought(circumstances)}:`,
      `  ${again} --by WHO --why TEXT${placesOf(circumstances)}`,
    ]
  }
  const wantsApproval = decision.heldBy === "approval-needed"
  return [
    ...(wantsApproval ? approvalLines(plan, circumstances) : []),
    `to buy exactly this${wantsApproval ? " once it is approved" : ""}, or nothing if anything changed${whyNotBought(circumstances)}:`,
    `  ${buyingLine(request, circumstances)}${placesOf(circumstances)}`,
  ]
}

/**
 * The command that buys. It uses printf, since some shells' echo turns the \n of a JSON text into a line end.
 */
function buyingLine(request: ReadyRequest, { plan }: Circumstances): string {
  return plan === null
    ? `printf %s ${quoted(JSON.stringify(request))} | supernode-autoscaler run --event -`
    : operatorCommand.apply(quoted(plan))
}

function approvalLines({ hash }: ScaleUpPlan, circumstances: Circumstances): string[] {
  return ["to approve it:", `  ${operatorCommand.approve(hash)}${placesOf(circumstances)}`]
}

function bypassOf({ options }: Circumstances): string {
  return options.bypassCooldown ? " --bypass-cooldown" : ""
}

function placesOf({ options: { policy, ledger } }: Circumstances): string {
  const given = { "--policy": policy, "--ledger": ledger === undefined ? undefined : shownUrl(ledger) }
  return Object.entries(given)
    .flatMap(([flag, value]) => (value === undefined ? [] : [` ${flag} ${quoted(value)}`]))
    .join("")
}

/**
 * The ledger as it was given, without a password. The next command takes the password from PGPASSWORD or the
 * secret.
 */
function shownUrl(ledger: string): string {
  return parseLedgerUrl(ledger).kind === "postgres" ? ledgerPlace(ledger) : ledger
}

/** Quotes a text as one word of a POSIX shell. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}

/** Reason why a real run would not buy. It must be shown, since a dry run decides as if it were live. */
function whyNotBought({ mode, arming, zone }: Circumstances): string {
  if (mode === "observe") return " (SUPERNODE_MODE is not live here, so it would only be recorded)"
  return arming === null ? "" : ` (${sayArming(arming, zone)})`
}

/** Shown with every hold, since nothing is bought before arming ends. */
function armingLines({ arming, zone }: Circumstances): string[] {
  return arming === null ? [] : ["", sayArming(arming, zone)]
}

function sayArming(arming: number | "unseen", zone: string): string {
  return arming === "unseen"
    ? "the policy is new: runs only observe for arm_after, counted from the first recorded run"
    : `the policy is new: until ${instantOf(arming, zone)} runs only observe`
}
