import type { Command } from "commander"
import type { App } from "../../../lib/app/app.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import type { Control } from "../../../lib/decision/state/control.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { firstConfirmedTime } from "../../../lib/run/ledger-age.ts"
import { words } from "../arguments.ts"
import {
  type Cli,
  type CommonOptions,
  findSupernode,
  type Task,
  taskOf,
  withApp,
  withPolicyAndLedger,
} from "../context.ts"
import { lookAtLedger, noteUnusableLedger } from "../known-ledger.ts"
import { lookOf, sayOutcome } from "../print/result.ts"
import { stateLines } from "../print/state.ts"
import { instantOf, zoneOf } from "../print/time.ts"
import { repeatUntilStopped } from "../repeat.ts"
import { type CloudLook, lookAtCloud, NOT_LOOKED, whyNotAsked } from "../state/cloud-look.ts"
import { type FleetLook, fleetLines, lookAtFleet } from "../state/fleet-state.ts"
import { type LastOutcome, type SupernodeStatus, statusOf } from "../state/supernode-state.ts"

interface StatusOptions extends CommonOptions {
  watch?: true
  /** `false` with `--no-cloud`. */
  cloud: boolean
}

export function registerStatus(program: Command, cli: Cli): void {
  program
    .command("status")
    .summary("one screen: servers, load, mode, what would hold now, budget, last order")
    .description(
      "Shows each supernode: servers and rung, the load by rule, mode, everything that would hold now, what is left of the budget, and how the last order ended. Reads the cloud and the meters if there are keys; otherwise it shows what the ledger records. Writes nothing.",
    )
    .argument("[NAME]", "the supernode's name; default: all of them", words)
    .option("--no-cloud", "show what the ledger records; read neither the cloud nor the meters")
    .option("--watch", "show it again every 5 seconds, until stopped")
    .option("--json", "print it as JSON; times are epoch milliseconds")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<StatusOptions>()
      if (options.watch && options.json)
        command.error("error: --watch repeats for people, --json prints one document; give one of them")
      if (options.watch) await watch(cli, options, name)
      else await status(taskOf(cli, options), { name, options })
    })
}

const WATCH_MS = 5_000
/** Moves the cursor to the upper left and clears the screen. */
const CLEAR_SCREEN = "\u001b[H\u001b[2J"

/** Reads the policy and the ledger again each time, to show what the next run would find. */
async function watch(cli: Cli, options: StatusOptions, name: string | undefined): Promise<void> {
  const { io } = cli
  await repeatUntilStopped(io, WATCH_MS, async () => {
    const task = taskOf(cli, options)
    if (io.isTerminal) io.stdout.write(CLEAR_SCREEN)
    await status(task, { name, options, head: `every ${WATCH_MS / 1000} seconds; Ctrl-C ends it` })
  })
}

interface StatusRequest {
  /** `undefined` means all supernodes. */
  name: string | undefined
  options: StatusOptions
  /** Text that follows the current time in a first line. By default there is no such line. */
  head?: string
}

async function status(task: Task, shown: StatusRequest): Promise<void> {
  if (shown.options.cloud) await withApp(task, (app) => show(task, shown, { open: app, app }))
  else await withPolicyAndLedger(task, (open) => show(task, shown, { open, app: null }))
}

/** Sources that `status` reads. */
interface Sources {
  open: Pick<App, "settings" | "policies" | "ledger">
  /** `null` if the cloud must not be read. */
  app: App | null
}

async function show(
  task: Task,
  { name, options, head }: StatusRequest,
  { open, app }: Sources,
): Promise<void> {
  const { screen, now } = task
  const { ledger, settings, policies } = open
  const { supernodes } = policies
  const shown = name === undefined ? supernodes : [findSupernode(supernodes, name)]
  const known = await lookAtLedger(ledger, settings)
  noteUnusableLedger(task, known)
  const fleet = await lookAtFleet(ledger, supernodes, now)
  const whyNot = app ? await whyNotAsked(app) : "--no-cloud was given"
  const states = await Promise.all(
    shown.map(async (loaded) => {
      const look = app && whyNot === null ? await lookAtCloud(app.cloud, loaded.policy, now) : NOT_LOOKED
      return stateOfOne({ open, loaded, control: known.control, fleet, look, now })
    }),
  )
  if (options.json) {
    const shownLedger = { place: known.place, id: known.known?.id ?? null }
    screen.json({ now, ledger: shownLedger, supernodes: states, fleet: fleet?.state ?? null })
    return
  }
  const zone = zoneOf(supernodes)
  const print = { ...lookOf(task, zone), now, whyNotAsked: whyNot }
  if (head !== undefined) screen.say(`${instantOf(now, zone)}, ${head}`, "")
  for (const state of states) screen.say(...stateLines(state, print), "")
  if (fleet) screen.say(...fleetLines(fleet.state, print), "")
}

interface One {
  open: Sources["open"]
  loaded: LoadedPolicy
  control: Control
  fleet: FleetLook | null
  look: CloudLook
  now: number
}

async function stateOfOne({ open, loaded, control, fleet, look, now }: One): Promise<SupernodeStatus> {
  const { ledger, settings, policies } = open
  const stream = supernodeStream(loaded.policy.id)
  const streams = policies.supernodes.map(({ policy }) => supernodeStream(policy.id))
  const head = await ledger.head(stream)
  // Most supernodes never had an attempt, so their chains hold no outcome.
  const lastOutcome = head && stateOf(head).openedAt !== null ? await lastOutcomeOf(ledger, head) : null
  const ledgerConfirmedAt = await ledgerConfirmedTime(ledger, control, [stream, ...streams])
  const others = fleet?.othersOf(stream) ?? null
  return statusOf({ settings, loaded, head, lastOutcome, control, others, ledgerConfirmedAt, look, now })
}

/**
 * Start of the 45 minutes in which live runs buy nothing on a ledger that began empty. `null` for other
 * ledgers, and as long as the start is unknown.
 */
async function ledgerConfirmedTime(
  ledger: AuditedLedger,
  { ledger: identity }: Control,
  streams: readonly string[],
): Promise<number | null> {
  if (identity?.origin !== "empty") return null
  return firstConfirmedTime({ ledger }, { streams, ledgerId: identity.id, isEnough: () => true })
}

/** Number of newest entries that the first search for an outcome reads. */
const RECENT_ENTRIES = 50
/** Number of entries that all searches for it read together, at most. */
const MAX_ENTRIES = 25_600

async function lastOutcomeOf(
  ledger: AuditedLedger,
  { stream, seq }: LedgerEntry,
): Promise<LastOutcome | null> {
  for (let count = RECENT_ENTRIES; ; count *= 8) {
    const fromSeq = Math.max(1, seq - count)
    const last = await lastOutcomeIn(ledger, stream, { fromSeq, toSeq: seq })
    if (last !== null || fromSeq === 1 || count >= MAX_ENTRIES) return last
  }
}

async function lastOutcomeIn(
  ledger: AuditedLedger,
  stream: string,
  range: { fromSeq: number; toSeq: number },
): Promise<LastOutcome | null> {
  let last: LastOutcome | null = null
  for await (const { at, outcome, said } of ledger.read(stream, range)) {
    if (outcome) last = { kind: outcome.kind, says: sayOutcome(outcome), at }
    if (said?.verb === "settle" && last !== null)
      last = { ...last, says: `${last.says}; settled as ${said.as} by ${said.by}`, at }
  }
  return last
}
