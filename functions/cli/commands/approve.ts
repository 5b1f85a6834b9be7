import type { Command } from "commander"
import type { Approver } from "../../../lib/decision/policy/approvers.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { approvalEnd, approverOf } from "../../../lib/decision/state/approvals.ts"
import { distinctPeople, personKey } from "../../../lib/decision/state/approver.ts"
import type { Approval } from "../../../lib/decision/state/control.ts"
import { repeatableUntil } from "../../../lib/decision/state/freshness.ts"
import { commandAll } from "../../../lib/ledger/commands.ts"
import { controlOf } from "../../../lib/ledger/next-entry.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import { withCheckedSignatures } from "../../../lib/run/check-signatures.ts"
import { actor, planHash } from "../arguments.ts"
import { type Cli, type CommonOptions, commandPorts, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { sayPlan } from "../print/result.ts"
import { FALLBACK_ZONE, instantOf, when } from "../print/time.ts"
import { approvalOf } from "../signing/approval.ts"
import { addSignatureOptions, type SignatureOptions } from "../signing/options.ts"
import { type KnownPlan, knownPlans } from "../state/plans.ts"
import { SIGNER, showCommand } from "./actor.ts"
import { refuseWhatIsOver } from "./expiry.ts"

interface ApproveOptions extends CommonOptions, SignatureOptions {
  by: string
}

export function registerApprove(program: Command, cli: Cli): void {
  const approving = program
    .command("approve")
    .summary("approve one plan")
    .description(
      "Approves one plan by its hash. The approval is valid once, for this plan only, until it expires. The requester of a purchase cannot approve it, and one person counts once. The next tick then buys; a person's own request must be sent again. If the policy lists a key for WHO, the approval is an SSH signature: give --key or --signature; without them the text to sign is printed.",
    )
    .argument(
      "<PLANHASH>",
      "as a dry run or the ledger shows it; 12 or more of its first hex digits are enough for a plan that waits",
      planHash,
    )
    .requiredOption("--by <WHO>", SIGNER, actor)
    .option("--json", "print the entry as JSON")
  addSignatureOptions(approving).action(async (hash: string, _options: unknown, command: Command) => {
    const options = command.optsWithGlobals<ApproveOptions>()
    await approve(taskOf(cli, options), hash, options)
  })
}

async function approve(task: Task, given: string, options: ApproveOptions): Promise<void> {
  const { screen } = task
  const { by } = options
  await withLedger(task, async (ledger, settings) => {
    const inLedger = await requireLedger(ledger, settings)
    const { policyPath } = settings
    const plans = await knownPlans(ledger)
    const hash = wholeHash(given, plans)
    const known = plans.find(({ plan }) => plan.hash === hash)
    const policies = await policiesOf(policyPath)
    const policy = policies.find(({ id }) => id === known?.supernodeId)
    const approver = listedApprover(policies, by)
    screen.note(...warningsAbout(known, by))
    if (known)
      screen.say(
        `this is ${policy?.name ?? known.supernodeId} ${sayPlan(known.plan)}: ${known.plan.request.url}`,
      )
    const said = await approvalOf(task, { approver, known, policy, hash, options, ledger: inLedger.id })
    const expiresMs = policy?.approval?.expires ?? DEFAULT_EXPIRY_MS
    const expiry = {
      until: said.expires ?? task.now + expiresMs,
      what: "the approval",
      zone: policy?.timezone ?? FALLBACK_ZONE,
    }
    await refuseWhatIsOver(task, { ledger, supernode: known?.supernodeId ?? null, ...expiry })
    const entry = await commandAll(commandPorts(task, ledger), said)
    const { approvals } = policy ? withCheckedSignatures(controlOf(entry), policy) : controlOf(entry)
    const toThis = approvals.filter((approval) => approval.planHash === hash)
    screen.say(...sayApprovals({ task, toThis, known, policy }))
    showCommand(task, entry, inLedger)
  })
}

/** Assumed lifetime of an approval if the policy cannot be read, milliseconds. */
const DEFAULT_EXPIRY_MS = 3_600_000

const WHOLE_HASH = /^sha256:[0-9a-f]{64}$/

/**
 * Returns the whole hash of a waiting plan, found by its beginning. Throws CommandError unless exactly one
 * plan matches.
 */
function wholeHash(given: string, plans: readonly KnownPlan[]): string {
  if (WHOLE_HASH.test(given)) return given
  const matching = plans.filter(({ isWaiting, plan }) => isWaiting && plan.hash.startsWith(given))
  const [only, ...others] = matching
  if (only && others.length === 0) return only.plan.hash
  throw new CommandError(
    only
      ? `${given} is the beginning of ${matching.length} plans that wait: ${matching.map(({ plan }) => plan.hash).join(", ")}`
      : `no plan that waits has a hash that begins with ${given}; a plan that does not wait needs its whole hash`,
  )
}

/**
 * All policies that can be read; empty if the policy file cannot be loaded, since an approval must not depend
 * on that.
 */
async function policiesOf(policyPath: string): Promise<Policy[]> {
  const supernodes = (await loadPolicyFile(policyPath).catch(() => null))?.supernodes ?? []
  return supernodes.map(({ policy }) => policy)
}

/**
 * Finds a person among the policy's approvers; `null` if no list could be read, or it is empty. Throws
 * CommandError for a person who is not listed, since that approval would never count.
 */
function listedApprover(policies: readonly Policy[], by: string): Approver | null {
  const approvers = policies[0]?.approvers ?? []
  if (approvers.length === 0) return null
  const approver = approvers.find(({ name }) => personKey(name) === personKey(by))
  if (approver) return approver
  throw new CommandError(
    `${by} is not listed under approvers in the policy, so nothing was recorded. Listed: ${approvers.map(({ name }) => name).join(", ")}`,
  )
}

function warningsAbout(known: KnownPlan | undefined, by: string): string[] {
  if (!known)
    return [
      "warning: no recent run recorded a plan with this hash, and no supernode waits for it now; an approval of it has no effect unless a run plans exactly this",
    ]
  const { requestedBy, isWaiting } = known
  return [
    ...(isWaiting
      ? []
      : ["warning: no supernode waits for this plan now; it counts only if a run plans exactly this again"]),
    ...(requestedBy !== null && personKey(requestedBy) === personKey(by)
      ? [
          `warning: ${requestedBy} requested this plan and cannot approve it: this approval counts only if another person requests it`,
        ]
      : []),
  ]
}

interface Approved {
  task: Task
  toThis: readonly Approval[]
  known: KnownPlan | undefined
  policy: Policy | undefined
}

function sayApprovals({ task, toThis, known, policy }: Approved): string[] {
  const rule = policy?.approval
  if (!known || !rule) {
    const names = distinctPeople(toThis.map((approval) => approval.by)).sort()
    return [
      `approved by ${names.join(", ")}; the policy (approval) states how many are needed and how long they count`,
    ]
  }
  const requester = known.requestedBy === null ? null : personKey(known.requestedBy)
  const time = { expires: rule.expires, now: task.now }
  const counting = toThis.filter(
    (approval) =>
      approverOf(approval, policy.approvers, time) !== null &&
      approval.at > (known.openedAt ?? -Infinity) &&
      personKey(approval.by) !== requester,
  )
  const names = distinctPeople(counting.map((approval) => approval.by)).sort()
  const until = Math.min(...counting.map((approval) => approvalEnd(approval, rule.expires)))
  return [
    `approved by ${names.join(", ") || "no listed approver"}: ${names.length} of ${rule.approvers} needed`,
    ...(names.length === 0
      ? []
      : [`the first of these expires ${when(until, { now: task.now, zone: policy.timezone })}`]),
    ...(names.length >= rule.approvers ? [sayWhatFollows(known, policy, task.now)] : []),
  ]
}

function sayWhatFollows({ requestedBy, firstRequest }: KnownPlan, policy: Policy, now: number): string {
  if (requestedBy === null || firstRequest === null) return "the next tick buys"
  const until = repeatableUntil(firstRequest, policy)
  return now <= until
    ? `to buy, ${requestedBy} must send the same request again`
    : `the request of ${requestedBy} could be repeated until ${instantOf(until, policy.timezone)}. To buy, send it with a new id`
}
