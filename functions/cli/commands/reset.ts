import type { Command } from "commander"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { CLOCK_TOLERANCE_MS } from "../../../lib/decision/inputs/clock.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Approver } from "../../../lib/decision/policy/approvers.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { digest } from "../../../lib/digest.ts"
import { commandSupernode } from "../../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { policyOf } from "../../../lib/ledger/policy-of.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import { actor, reason, words } from "../arguments.ts"
import { type Cli, type CommonOptions, commandPorts, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { type Timeframe, when } from "../print/time.ts"
import { addSignatureOptions, type SignatureOptions } from "../signing/options.ts"
import { signatureOfAny } from "../signing/signature.ts"
import { policyAtHand, supernodeIdOf } from "../state/in-flight.ts"
import { SIGNER, showCommand } from "./actor.ts"

interface ResetOptions extends CommonOptions, SignatureOptions {
  why: string
  by: string
}

export function registerReset(program: Command, cli: Cli): void {
  const resetting = program
    .command("reset")
    .summary("allow purchases again after a refused order or an efficacy stop")
    .description(
      "Ends a breaker (the stop after an order that the cloud refused for a cause that a person must correct), an efficacy stop and the waits after refusals, and enables rules again that an invalid order disabled. Accepts the present servers as the known ones. Settles no attempt and shortens no cooldown. If approvers have keys, it needs the signature of one (--key, --signature).",
    )
    .argument("<NAME>", "the supernode's name or id", words)
    .requiredOption("--why <TEXT>", "what was corrected", reason)
    .requiredOption("--by <WHO>", SIGNER, actor)
    .option("--json", "print the entry as JSON")
  addSignatureOptions(resetting).action(async (name: string, _options: unknown, command: Command) => {
    const options = command.optsWithGlobals<ResetOptions>()
    await reset(taskOf(cli, options), name, options)
  })
}

async function reset(task: Task, name: string, options: ResetOptions): Promise<void> {
  const { screen, now } = task
  const { why, by } = options
  await withLedger(task, async (ledger, settings) => {
    const { policyPath } = settings
    const known = await requireLedger(ledger, settings)
    const supernode = await supernodeIdOf(policyPath, name)
    const stream = supernodeStream(supernode)
    const head = await ledger.head(stream)
    if (!head) throw new CommandError(`nothing is on record for ${name}: there is nothing to reset`)
    let before = stateOf(head)
    const headAt = head.at
    const state = clearedState(before)
    const signed = await signatureOfAny(task, await approversOf(ledger, { policyPath, head }), {
      by,
      command: "reset",
      options,
      statements: (approver) => [{ kind: "reset" as const, ledger: known.id, supernode, state, approver }],
    })
    const entry = await commandSupernode(commandPorts(task, ledger), stream, {
      said: {
        verb: "reset",
        why,
        by: signed?.approver ?? by,
        ...(signed ? { signature: signed.signature } : {}),
      },
      // Checks the state that is reset, since another run may have appended an entry since the head was read.
      check: (currentState) => {
        if (signed && clearedState(currentState) !== state)
          throw new CommandError(
            `the state of ${name} changed while you signed, so nothing was recorded. Sign again after a look at the present state. To see it, run: ${operatorCommand.status(name)}`,
          )
        before = currentState
      },
    })
    const frame = { now, zone: (await policyAtHand(task, settings)).zone }
    const clock = clockLines({ headAt, entryAt: entry.at, frame })
    screen.say(...changedLines({ before, after: stateOf(entry), clock, frame }))
    showCommand(task, entry, known)
  })
}

/**
 * Digest of everything that a reset clears, and of the newest attempt. A signature is valid for this state
 * only.
 */
function clearedState({
  breaker,
  throttle,
  blocked,
  rulesOff,
  servers,
  effects = [],
  policyChanges,
  newestAttempt,
}: SupernodeState): string {
  return digest({ breaker, throttle, blocked, rulesOff, servers, effects, policyChanges, newestAttempt })
}

/** Approvers in the policy file. If it cannot be read, those of the policy that this chain recorded last. */
async function approversOf(
  ledger: AuditedLedger,
  { policyPath, head }: { policyPath: string; head: LedgerEntry },
): Promise<readonly Approver[]> {
  const file = await loadPolicyFile(policyPath).catch(() => null)
  if (file) return file.supernodes[0]?.policy.approvers ?? []
  const { policySeen } = stateOf(head)
  const recorded = policySeen && (await policyOf(ledger, { ...head, policyHash: policySeen.hash }))
  return recorded?.approvers ?? []
}

/**
 * Reports that the newest entry was dated ahead. The reset's entry has this machine's time, and later runs
 * continue from it.
 */
function clockLines({
  headAt,
  entryAt,
  frame,
}: {
  headAt: number
  entryAt: number
  frame: Timeframe
}): string[] {
  if (headAt <= entryAt + CLOCK_TOLERANCE_MS) return []
  return [
    `the newest entry is dated ${when(headAt, frame)}. From now on, runs rely on this machine's clock again`,
  ]
}

interface Changes {
  before: SupernodeState
  after: SupernodeState
  /** Lines about a change of the clock. */
  clock: string[]
  frame: Timeframe
}

/** Lists what the reset changed, by comparing the states before and after it. */
function changedLines({ before, after, clock, frame }: Changes): string[] {
  const { breaker, throttle, effects = [], policyChanges, attempt } = before
  const wait = throttle && throttle.until > frame.now && !after.throttle ? throttle : null
  const lines = [
    ...(breaker && !after.breaker
      ? [`the breaker is closed: ${breaker.class} since ${when(breaker.since, frame)}, ${breaker.says}`]
      : []),
    ...(wait ? [`the wait until ${when(wait.until, frame)} is over`] : []),
    ...goneKeys(before.blocked, after.blocked).map((flavor) => `${flavor} is no longer blocked`),
    ...goneKeys(before.rulesOff, after.rulesOff).map((rule) => `rule ${rule} is on again`),
    ...(effects.length > 0 && (after.effects ?? []).length === 0
      ? ["efficacy starts again: the gains of past purchases are forgotten"]
      : []),
    ...(policyChanges?.isConflict && !after.policyChanges
      ? ["the conflict of two policy files is over"]
      : []),
    ...(before.servers !== null && after.servers === null
      ? [
          `the ${counted(before.servers.length, "known server")} are forgotten: the next run accepts those that it sees`,
        ]
      : []),
  ]
  const said =
    lines.length > 0 || clock.length > 0
      ? [...clock, ...lines]
      : ["nothing was open or waiting: the reset changed nothing"]
  if (!attempt) return said
  return [...said, `an attempt is still in flight (${attempt.state}); \`settle\` ends it, \`reset\` does not`]
}

function goneKeys(before: Record<string, unknown>, after: Record<string, unknown>): string[] {
  return Object.keys(before).filter((key) => !Object.hasOwn(after, key))
}
