import type { Command } from "commander"
import type { App } from "../../../lib/app/app.ts"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { includesId } from "../../../lib/decision/inputs/id.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { commandAllIf } from "../../../lib/ledger/commands.ts"
import { CONTROL_STREAM, controlOf, stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import { actor, words } from "../arguments.ts"
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
import { sayAttempt } from "../print/state.ts"
import { type Cell, tableOf } from "../print/table.ts"
import { type Timeframe, when } from "../print/time.ts"
import { addSignatureOptions, type SignatureOptions } from "../signing/options.ts"
import { signatureOfAny } from "../signing/signature.ts"
import { SIGNER, showCommand } from "./actor.ts"
import { type Look, lookNow } from "./look-now.ts"

interface ConfirmOptions extends CommonOptions, SignatureOptions {
  by: string
  why: string
}

/** `ledger confirm NAME`: after a restore, records that one supernode's state was compared with the cloud. */
export function registerConfirm(ledger: Command, cli: Cli): void {
  const confirming = ledger
    .command("confirm")
    .summary("after a restore: one supernode was compared with the cloud")
    .description(
      "Confirms that the restored ledger was compared with the cloud for one supernode. Its live runs may then buy again. First shows its servers, and its open and recent orders: compare them with the orders in the console. If approvers have keys, it needs the signature of one (--key, --signature).",
    )
    .argument("<NAME>", "the supernode's name", words)
    .requiredOption("--by <WHO>", SIGNER, actor)
    .requiredOption("--why <TEXT>", "what you compared", words)
    .option("--json", "print the entry as JSON")
  addSignatureOptions(confirming).action(async (name: string, _options: unknown, command: Command) => {
    const options = command.optsWithGlobals<ConfirmOptions>()
    const task = taskOf(cli, options)
    await withApp(task, async (app) =>
      confirm(task, { app, loaded: findSupernode(app.policies.supernodes, name), options }),
    )
  })
}

interface Confirming {
  app: App
  loaded: LoadedPolicy
  options: ConfirmOptions
}

async function confirm(task: Task, { app, loaded, options }: Confirming): Promise<void> {
  const { screen, now } = task
  const { policy } = loaded
  const { by, why } = options
  const known = await requireLedger(app.ledger, app.settings)
  const { restored } = controlOf(await app.ledger.head(CONTROL_STREAM))
  if (!restored || restored.confirmed.includes(policy.id)) {
    const since = restored ? `${policy.name} is confirmed already` : "this ledger was not restored"
    throw new CommandError(`${since}: there is nothing to confirm`)
  }
  const state = stateOf(await app.ledger.head(supernodeStream(policy.id)))
  const look = await lookNow(app.cloud, policy)
  screen.say(...confirmingLines({ name: policy.name, state, look, frame: { now, zone: policy.timezone } }))
  const signed = await signatureOfAny(task, policy.approvers, {
    by,
    command: "ledger confirm",
    options,
    statements: (approver) => [
      {
        kind: "ledger-confirm" as const,
        ledger: known.id,
        supernode: policy.id,
        restored: restored.at,
        approver,
      },
    ],
  })
  const entry = await commandAllIf(commandPorts(task, app.ledger), {
    said: {
      verb: "confirm",
      supernode: policy.id,
      why,
      by: signed?.approver ?? by,
      ...(signed ? { signature: signed.signature } : {}),
    },
    // The comparison is valid for one restore only; a later restore needs its own.
    check: ({ restored: current }) => {
      if (current?.at === restored.at && !current.confirmed.includes(policy.id)) return
      throw new CommandError(
        `another command changed the state of the restored ledger meanwhile, so nothing was written. To compare again, run: ${operatorCommand.ledgerConfirm(policy.name)}`,
      )
    },
  })
  screen.say(`${policy.name} is confirmed: its live runs may buy again`)
  showCommand(task, entry, known)
}

interface ConfirmationFacts {
  name: string
  state: SupernodeState
  look: Look
  frame: Timeframe
}

/** Facts that an operator must see before runs may rely on the restored ledger. */
function confirmingLines({ name, state, look, frame }: ConfirmationFacts): string[] {
  const { attempt, purchases, servers } = state
  const known = servers ?? []
  const recent = purchases.map(
    ({ attempt: id, at, cost, state }) =>
      `${when(at, frame)}: ${state}, ${cost ? sayMoney(cost) : "an unknown price"} (attempt ${id})`,
  )
  const rows = [
    ["  servers now", sayServers(look, known)],
    ["  in the ledger", counted(known.length, "server")],
    ["  in flight", attempt ? sayAttempt(attempt, frame) : "nothing known to the ledger"],
    ["  orders", recent.length > 0 ? recent : "none known to the ledger"],
    ["  compare", "the orders in the console, the unpaid ones in the Billing Center too"],
  ]
  return [`${name} in the restored ledger`, ...tableOf(rows)]
}

function sayServers(look: Look, known: readonly string[]): Cell {
  if (!look.ok) return `could not be read: ${look.why}. The confirmation continues without them`
  const lines = look.servers.map(
    ({ id, status }) => `${id} ${status}${includesId(known, id) ? "" : " (not in the ledger)"}`,
  )
  return [`${counted(lines.length, "server")}:`, ...(lines.length > 0 ? lines : ["none"])]
}
