import { type Command, Option } from "commander"
import type { App } from "../../../lib/app/app.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { OperatorCommand } from "../../../lib/decision/state/control.ts"
import { commandSupernode } from "../../../lib/ledger/commands.ts"
import { stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { actor, reason, words } from "../arguments.ts"
import {
  type Cli,
  type CommonOptions,
  commandPorts,
  findSupernode,
  type Task,
  taskOf,
  withApp,
} from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireLedger } from "../known-ledger.ts"
import { inZone } from "../print/time.ts"
import { addSignatureOptions, type SignatureOptions } from "../signing/options.ts"
import { signatureOfAny } from "../signing/signature.ts"
import { SIGNER, showCommand } from "./actor.ts"
import { type Look, lookNow } from "./look-now.ts"
import { type SettleAs, settlingLines, whyNotSettled } from "./settling.ts"
import { readWitnesses, whyNotAbsent } from "./witnesses.ts"

interface SettleOptions extends CommonOptions, SignatureOptions {
  as: SettleAs
  why: string
  by: string
}

export function registerSettle(program: Command, cli: Cli): void {
  const settling = program
    .command("settle")
    .summary("record the outcome of an attempt")
    .description(
      `Settles an attempt whose outcome is unknown, in flight, stuck, partial or wrong. First shows its servers before and now, its order, and what CTS recorded of it.

  accepted   the order was accepted: the money is booked, and runs hold until its servers are seen RUNNING
  completed  all servers that will come are present: the money is booked, and the cooldown begins now
  absent     nothing was bought: the money is released. Look at the console's orders first: one may await payment. If approvers have keys, it needs the signature of one (--key, --signature)`,
    )
    .argument("<NAME>", "the supernode's name", words)
    .addOption(
      new Option("--as <OUTCOME>", "outcome of the attempt")
        .choices(["accepted", "completed", "absent"])
        .makeOptionMandatory(),
    )
    .requiredOption("--why <TEXT>", "how you know this", reason)
    .requiredOption("--by <WHO>", SIGNER, actor)
    .option("--json", "print the entry as JSON")
  addSignatureOptions(settling).action(async (name: string, _options: unknown, command: Command) => {
    const options = command.optsWithGlobals<SettleOptions>()
    const task = taskOf(cli, options)
    await withApp(task, async (app) =>
      settle(task, { app, loaded: findSupernode(app.policies.supernodes, name), options }),
    )
  })
}

interface Settling {
  app: App
  loaded: LoadedPolicy
  options: SettleOptions
}

async function settle(task: Task, { app, loaded, options }: Settling): Promise<void> {
  const { screen, io, now } = task
  const { policy } = loaded
  const { as, why, by } = options
  const known = await requireLedger(app.ledger, app.settings)
  const stream = supernodeStream(policy.id)
  const { attempt, order } = stateOf(await app.ledger.head(stream))
  if (!attempt) throw new CommandError(`${policy.name} has no attempt in flight: there is nothing to settle`)
  const isAnswered = await hasAnswer(app.ledger, stream, attempt)
  const look: Look = await lookNow(app.cloud, policy)
  const frame = { now, zone: policy.timezone }
  const witnesses = await readWitnesses(app.cloud, { policy, attempt, order, look, now })
  screen.say(...settlingLines({ name: policy.name, attempt, look, witnesses, frame }))
  const contradiction = as === "absent" ? whyNotAbsent(witnesses, attempt) : null
  if (contradiction !== null) screen.note(`warning: ${contradiction}`)

  const signed = await signatureFor(task, { options, policy, attempt, ledger: known.id })
  const said: OperatorCommand = {
    verb: "settle",
    attempt: attempt.id,
    as,
    why,
    by: signed?.approver ?? by,
    ...(signed ? { signature: signed.signature } : {}),
    servers: look.ok ? look.servers.map(({ id }) => id) : null,
  }
  const entry = await commandSupernode(commandPorts(task, app.ledger), stream, {
    said,
    // Checks the state to which the command is applied, since what was shown before may be outdated.
    check: (state) => {
      const problem = whyNotSettled({
        name: policy.name,
        as,
        shown: attempt,
        current: state.attempt,
        isAnswered,
        look,
        now: io.clock.now(),
      })
      if (problem !== null) throw new CommandError(inZone(problem, policy.timezone))
    },
  })
  screen.say(`settled as ${as}: ${FOLLOWS[as]}`)
  showCommand(task, entry, known)
}

interface ToSign {
  options: SettleOptions
  policy: Policy
  attempt: OpenAttempt
  ledger: string
}

/**
 * Signature for `--as absent`, which needs one if an approver has a key; `null` for the other outcomes, which
 * need none. Throws CommandError.
 */
async function signatureFor(task: Task, { options, policy, attempt, ledger }: ToSign) {
  const { as, by, key, signature } = options
  if (as === "absent") {
    return signatureOfAny(task, policy.approvers, {
      by,
      command: "settle --as absent",
      options,
      statements: (approver) => [
        { kind: "settle" as const, ledger, supernode: policy.id, attempt: attempt.id, approver },
      ],
    })
  }
  if (key === undefined && signature === undefined) return null
  throw new CommandError(
    `--key and --signature are for --as absent, not for --as ${as}; nothing was recorded`,
  )
}

/** True if the ledger has an outcome of the attempt: the run that opened it also settled it. */
async function hasAnswer(ledger: App["ledger"], stream: string, { id, seq }: OpenAttempt): Promise<boolean> {
  for await (const { kind, attempt } of ledger.read(stream, { fromSeq: seq }))
    if (kind === "settled" && attempt?.id === id) return true
  return false
}

const FOLLOWS: Record<SettleAs, string> = {
  accepted: "the money is booked; runs hold until its servers are seen RUNNING",
  completed: "the money is booked, and the cooldown begins now",
  absent:
    "the money is released, and the next signal may buy. New servers that appear from now on cause a hold (`wrong`)",
}
