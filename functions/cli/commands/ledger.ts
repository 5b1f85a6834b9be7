import type { Command } from "commander"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { commandAll } from "../../../lib/ledger/commands.ts"
import { type Initialised, initLedger } from "../../../lib/ledger/init.ts"
import { type AuditedLedger, ledgerPlace } from "../../../lib/ledger/open.ts"
import { actor, reason } from "../arguments.ts"
import { type Cli, type CommonOptions, commandPorts, type Task, taskOf, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { lookAtLedger, requireLedger, sayLedger, sayNoLedger } from "../known-ledger.ts"
import { SAY_ORIGIN } from "../print/entry.ts"
import { instantOf, type Timeframe, when } from "../print/time.ts"
import { policyAtHand } from "../state/in-flight.ts"
import { showCommand, WHO } from "./actor.ts"
import { registerConfirm } from "./confirm.ts"

interface SayOptions extends CommonOptions {
  by: string
  why: string
}

interface InitOptions extends SayOptions {
  nothingInFlight?: boolean
}

/** `ledger init`, `show`, `restored` and `confirm`. */
export function registerLedger(program: Command, cli: Cli): void {
  const ledger = program
    .command("ledger")
    .summary("make a ledger, show it, record a restore")
    .description("Makes the ledger, shows which one it is, and records that a backup was restored.")
  ledger
    .command("init")
    .summary("make a ledger; the only command that creates one")
    .description(
      "Creates what the store needs (file, table) and gives the ledger its id. A ledger with entries is adopted: it keeps them and gets an id. If the ledger already has an id, nothing is written. Live runs buy nothing for 45 minutes after an empty ledger was made: an order from a lost ledger may still be in flight.",
    )
    .requiredOption("--by <WHO>", WHO, actor)
    .requiredOption("--why <TEXT>", "the reason, for the record", reason)
    .option(
      "--nothing-in-flight",
      "states that no order is in flight for any supernode of the policy; then live runs do not wait 45 minutes",
    )
    .option("--json", "print the ledger as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<InitOptions>()
      await init(taskOf(cli, options), options)
    })
  ledger
    .command("show")
    .summary("which ledger this is")
    .description(
      "Shows where the ledger is, its id, when and by whom it was made, and whether a restore waits for `ledger confirm`.",
    )
    .option("--json", "print it as JSON")
    .action(async (_options: unknown, command: Command) => {
      await show(taskOf(cli, command.optsWithGlobals<CommonOptions>()))
    })
  ledger
    .command("restored")
    .summary("record that a backup was restored")
    .description(
      "Records that the ledger was restored from a backup, so purchases may be missing from it. Live runs hold (ledger-restored) for each supernode until `ledger confirm NAME`. Approvals given before are void.",
    )
    .requiredOption("--by <WHO>", WHO, actor)
    .requiredOption("--why <TEXT>", "which backup, and why", reason)
    .option("--json", "print the entry as JSON")
    .action(async (_options: unknown, command: Command) => {
      const options = command.optsWithGlobals<SayOptions>()
      await restored(taskOf(cli, options), options)
    })
  registerConfirm(ledger, cli)
}

async function init(task: Task, { by, why, nothingInFlight = false }: InitOptions): Promise<void> {
  const { screen, options } = task
  await withLedger(task, async (ledger, settings) => {
    const ports = { ...commandPorts(task, ledger), ledger }
    const initialised = await initLedger(ports, { by, why, nothingInFlight })
    const protection = await ledger.protect()
    if (protection !== null) screen.note(protection)
    const known = { place: ledgerPlace(settings.ledgerUrl), id: initialised.identity.id }
    if (options.json)
      screen.json({ ledger: { ...known, ...initialised.identity }, made: initialised.entry !== null })
    const { zone } = await policyAtHand(task, settings)
    screen.say(sayLedger(known), ...initLines(initialised, nothingInFlight, { now: task.now, zone }))
  })
}

function initLines({ identity, entry }: Initialised, nothingInFlight: boolean, frame: Timeframe): string[] {
  if (!entry) {
    const ignored = nothingInFlight && identity.origin === "empty"
    return [
      `it has had this id since ${when(identity.at, frame)}; nothing was written`,
      ...(ignored
        ? ["--nothing-in-flight changes nothing now: the 45 minutes since the first init still apply"]
        : []),
    ]
  }
  const follows = {
    empty:
      "made; live runs buy nothing for 45 minutes (ledger-new). Meanwhile, check the orders in the console",
    "nothing-in-flight": "made; you stated that no order is in flight, so live runs may buy at once",
    adopted: "adopted with its entries; live runs continue",
  }
  return [follows[identity.origin]]
}

async function show(task: Task): Promise<void> {
  const { screen, options, now } = task
  await withLedger(task, async (ledger, settings) => {
    const { place, control, known } = await lookAtLedger(ledger, settings)
    if (!known || !control.ledger) throw new CommandError(sayNoLedger(place))
    const { restored = null } = control
    if (options.json) {
      screen.json({ ledger: { ...known, ...control.ledger }, restored, streams: await countStreams(ledger) })
      return
    }
    const { names, zone } = await policyAtHand(task, settings)
    const confirmed = restored?.confirmed.map((id) => names.get(id) ?? id).join(", ") || "none yet"
    screen.say(
      sayLedger(known),
      `made ${instantOf(control.ledger.at, zone)}: ${SAY_ORIGIN[control.ledger.origin]}`,
      `streams: ${await countStreams(ledger)}`,
      ...(restored
        ? [
            `restored ${when(restored.at, { now, zone })}, by ${restored.by}: ${restored.why}; confirmed since: ${confirmed}`,
          ]
        : []),
    )
  })
}

async function countStreams(ledger: AuditedLedger): Promise<number> {
  let count = 0
  for await (const _stream of ledger.streams()) count += 1
  return count
}

async function restored(task: Task, { by, why }: SayOptions): Promise<void> {
  await withLedger(task, async (ledger, settings) => {
    const known = await requireLedger(ledger, settings)
    const entry = await commandAll(commandPorts(task, ledger), { verb: "restored", why, by })
    const names = [...(await policyAtHand(task, settings)).names.values()]
    task.screen.say(
      "live runs buy nothing now (ledger-restored). For each supernode, run:",
      ...(names.length > 0 ? names : ["NAME"]).map((name) => `  ${operatorCommand.ledgerConfirm(name)}`),
    )
    showCommand(task, entry, known)
  })
}
