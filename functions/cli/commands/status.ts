import type { Command } from "commander"
import type { Control } from "../../../lib/decision/state/control.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { loadPolicyFile } from "../../../lib/policy-file/load.ts"
import { firstConfirmedTime } from "../../../lib/run/ledger-age.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, findSupernode, type Task, taskOf, withLedger } from "../context.ts"
import { lookAtLedger, noteUnusableLedger } from "../known-ledger.ts"
import { sayOutcome } from "../print/result.ts"
import { stateLines } from "../print/state.ts"
import { instantOf, zoneOf } from "../print/time.ts"
import { repeatUntilStopped } from "../repeat.ts"
import { fleetLines, lookAtFleet } from "../state/fleet-state.ts"
import { type LastOutcome, statusOf } from "../state/supernode-state.ts"

export function registerStatus(program: Command, cli: Cli): void {
  program
    .command("status")
    .summary("one screen: mode, pause, in flight, cooldown, budget, last decision")
    .description("Shows what the ledger records of each supernode. Calls no cloud and needs no keys.")
    .argument("[NAME]", "the supernode's name; without, all of them", words)
    .option("--watch", "show it again every 5 seconds, until stopped")
    .option("--json", "print it as JSON; times are epoch milliseconds")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<CommonOptions & { watch?: true }>()
      if (options.watch && options.json)
        command.error("error: --watch is for people, and --json prints one document; give one of them")
      if (options.watch) await watch(cli, options, name)
      else await status(taskOf(cli, options), name)
    })
}

const WATCH_MS = 5_000
/** Cursor to the upper left, and everything below cleared. */
const CLEAR_SCREEN = "\u001b[H\u001b[2J"

/** The policy and the ledger are read anew each time, so that it shows what the next run would find. */
async function watch(cli: Cli, options: CommonOptions, name: string | undefined): Promise<void> {
  const { io } = cli
  await repeatUntilStopped(io, WATCH_MS, async () => {
    const task = taskOf(cli, options)
    if (io.isTerminal) io.stdout.write(CLEAR_SCREEN)
    await status(task, name, `every ${WATCH_MS / 1000} seconds; Ctrl-C ends it`)
  })
}

/** `head`: what follows the present time in a first line; none without. */
async function status(task: Task, name: string | undefined, head?: string): Promise<void> {
  const { screen, options, now, io } = task
  await withLedger(task, async (ledger, settings) => {
    const { supernodes } = await loadPolicyFile(settings.policyPath)
    const shown = name === undefined ? supernodes : [findSupernode(supernodes, name)]
    const look = await lookAtLedger(ledger, settings)
    noteUnusableLedger(task, look)
    const { control, place, known } = look
    const fleet = await lookAtFleet(ledger, supernodes, now)
    const streams = supernodes.map(({ policy }) => supernodeStream(policy.id))
    const states = await Promise.all(
      shown.map(async (loaded) => {
        const stream = supernodeStream(loaded.policy.id)
        const others = fleet?.othersOf(stream) ?? null
        const head = await ledger.head(stream)
        const lastOutcome = head ? await lastOutcomeOf(ledger, head) : null
        const ledgerConfirmedAt = await ledgerConfirmedTime(ledger, control, [stream, ...streams])
        return statusOf({ settings, loaded, head, lastOutcome, control, others, ledgerConfirmedAt, now })
      }),
    )
    if (options.json) {
      const shownLedger = { place, id: known?.id ?? null }
      screen.json({ now, ledger: shownLedger, supernodes: states, fleet: fleet?.state ?? null })
      return
    }
    const zone = zoneOf(supernodes)
    const print = { now, paint: screen.paint, columns: io.isTerminal ? io.columns : undefined, zone }
    if (head !== undefined) screen.say(`${instantOf(now, zone)}, ${head}`, "")
    for (const state of states) screen.say(...stateLines(state, print), "")
    if (fleet) screen.say(...fleetLines(fleet.state, print), "")
  })
}

/** Since when live runs count the 45 minutes of a ledger that began empty; null elsewhere, and before it is known. */
async function ledgerConfirmedTime(
  ledger: AuditedLedger,
  { ledger: identity }: Control,
  streams: readonly string[],
): Promise<number | null> {
  if (identity?.origin !== "empty") return null
  return firstConfirmedTime({ ledger }, { streams, ledgerId: identity.id, isEnough: () => true })
}

/** An outcome is written within a few entries of the decision that it follows. */
const RECENT_ENTRIES = 50

async function lastOutcomeOf(
  ledger: AuditedLedger,
  { stream, seq }: LedgerEntry,
): Promise<LastOutcome | null> {
  let last: LastOutcome | null = null
  for await (const { at, outcome } of ledger.read(stream, {
    fromSeq: Math.max(1, seq - RECENT_ENTRIES),
    toSeq: seq,
  }))
    if (outcome) last = { kind: outcome.kind, says: sayOutcome(outcome), at }
  return last
}
