import type { Command } from "commander"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import { distinctPeople, personKey } from "../../../lib/decision/state/approver.ts"
import type { Approval } from "../../../lib/decision/state/control.ts"
import { sayToAll } from "../../../lib/ledger/commands.ts"
import { controlOf } from "../../../lib/ledger/next-entry.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import { actor, planHash } from "../arguments.ts"
import { type Cli, type CommonOptions, deskOf, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { sayPlan } from "../print/result.ts"
import { when } from "../print/table.ts"
import { type KnownPlan, knownPlans } from "../state/plans.ts"
import { showWord, WHO } from "./actor.ts"
import { refuseWhatIsOver } from "./expiry.ts"

interface ApproveOptions extends CommonOptions {
  by: string
}

export function registerApprove(program: Command, cli: Cli): void {
  program
    .command("approve")
    .summary("one person's yes to one plan")
    .description(
      "Approves one plan by its hash. It counts until it expires, for this very plan and once; the requester of a purchase cannot approve it, and one person counts once. The next tick buys; what a person asked for, that person asks for again.",
    )
    .argument(
      "<PLANHASH>",
      "as a dry run or the record shows it; its first 12 hex digits or more do for a plan that waits",
      planHash,
    )
    .requiredOption("--by <WHO>", WHO, actor)
    .option("--json", "print the entry as JSON")
    .action(async (hash: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApproveOptions>()
      await approve(taskOf(cli, options), hash, options.by)
    })
}

async function approve(task: Task, given: string, by: string): Promise<void> {
  const { screen } = task
  await withLedger(task, async (ledger, settings) => {
    const inLedger = await requireLedger(ledger, settings)
    const { policyPath } = settings
    const plans = await knownPlans(ledger)
    const hash = wholeHash(given, plans)
    const known = plans.find(({ plan }) => plan.hash === hash)
    const policies = await policiesOf(policyPath)
    const policy = policies.find(({ id }) => id === known?.supernodeId)
    checkListed(policies, by)
    screen.note(...warningsAbout(known, by))
    if (known)
      screen.say(
        `this is ${policy?.name ?? known.supernodeId} ${sayPlan(known.plan)}: ${known.plan.request.url}`,
      )
    const expiresMs = policy?.approval?.expires ?? SHORTEST_MS
    const expiry = { until: task.now + expiresMs, what: "the approval" }
    await refuseWhatIsOver(task, { ledger, supernode: known?.supernodeId ?? null, ...expiry })
    const entry = await sayToAll(deskOf(task, ledger), { verb: "approve", planHash: hash, by })
    const { approvals } = controlOf(entry)
    const toThis = approvals.filter((approval) => approval.planHash === hash)
    screen.say(...sayApprovals({ task, toThis, known, policy }))
    showWord(task, entry, inLedger)
  })
}

/** Where the policy cannot be read: an approval is taken to last no longer. */
const SHORTEST_MS = 3_600_000

const WHOLE_HASH = /^sha256:[0-9a-f]{64}$/

/** The hash that a beginning of one stands for; only plans that wait are looked at. Throws CommandError. */
function wholeHash(given: string, plans: readonly KnownPlan[]): string {
  if (WHOLE_HASH.test(given)) return given
  const fitting = plans.filter(({ isWaiting, plan }) => isWaiting && plan.hash.startsWith(given))
  const [only, ...others] = fitting
  if (only && others.length === 0) return only.plan.hash
  throw new CommandError(
    only
      ? `${given} is the beginning of ${fitting.length} plans that wait: ${fitting.map(({ plan }) => plan.hash).join(", ")}`
      : `no supernode waits for a plan whose hash begins with ${given}; a plan that nobody waits for is named by its whole hash`,
  )
}

/** The policies as far as they can be read: an approval must not wait for them. */
async function policiesOf(policyPath: string): Promise<Policy[]> {
  const supernodes = (await loadPolicyFile(policyPath).catch(() => null))?.supernodes ?? []
  return supernodes.map(({ policy }) => policy)
}

/** Throws CommandError for a person whom the policy does not list: the approval would never count. */
function checkListed(policies: readonly Policy[], by: string): void {
  const names = policies[0]?.approvers.map(({ name }) => name) ?? []
  if (names.length === 0 || names.some((name) => personKey(name) === personKey(by))) return
  throw new CommandError(
    `${by} is not listed under approvers in the policy, so nothing was recorded. Listed: ${names.join(", ")}`,
  )
}

function warningsAbout(known: KnownPlan | undefined, by: string): string[] {
  if (!known)
    return [
      "warning: no recent run recorded a plan with this hash, and no supernode waits for it now; an approval of it has no effect unless a run plans just that",
    ]
  const { requestedBy, isWaiting } = known
  return [
    ...(isWaiting
      ? []
      : ["warning: no supernode waits for this plan now; it counts only if a run plans just that again"]),
    ...(requestedBy !== null && personKey(requestedBy) === personKey(by)
      ? [
          `warning: ${requestedBy} asked for this plan and cannot approve it: this counts for everybody else's wish only`,
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
      `approved by ${names.join(", ")}; how many are needed, and for how long they count, is in the policy (approval)`,
    ]
  }
  const requester = known.requestedBy === null ? null : personKey(known.requestedBy)
  const listed = new Set(policy.approvers.map(({ name }) => personKey(name)))
  const counting = toThis.filter(
    ({ at, by }) =>
      listed.has(personKey(by)) &&
      at > (known.openedAt ?? -Infinity) &&
      at + rule.expires > task.now &&
      personKey(by) !== requester,
  )
  const names = distinctPeople(counting.map((approval) => approval.by)).sort()
  const until = Math.min(...counting.map(({ at }) => at + rule.expires))
  const follows =
    known.requestedBy === null
      ? "the next tick buys"
      : `${known.requestedBy} sends the request once more, and it buys`
  return [
    `approved by ${names.join(", ") || "nobody that counts"}: ${names.length} of ${rule.approvers} needed`,
    ...(names.length === 0 ? [] : [`the first of these expires ${when(until, task.now)}`]),
    ...(names.length >= rule.approvers ? [follows] : []),
  ]
}
