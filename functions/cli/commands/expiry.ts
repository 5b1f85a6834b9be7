import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { CLOCK_TOLERANCE_MS } from "../../../lib/decision/inputs/clock.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { CONTROL_STREAM, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { AuditedLedger } from "../../../lib/ledger/open.ts"
import { allStreams } from "../audit/streams.ts"
import type { Task } from "../context.ts"
import { CommandError } from "../errors.ts"
import { instantOf } from "../print/time.ts"

interface Expiring {
  ledger: AuditedLedger
  /** The supernode's id; `null` means every supernode of the ledger. */
  supernode: string | null
  /** End of the command's effect, epoch milliseconds. */
  until: number
  /** Subject of the sentence in messages: `--until`, `the approval`. */
  what: string
  zone: string
}

/**
 * Compares the end of a command with the newest entries of `control` and of the supernode. On a machine with
 * a slow clock, a command that has already ended would otherwise be acknowledged. Warns if this machine's
 * clock is behind the ledger. Throws CommandError if the command has ended.
 */
export async function refuseWhatIsOver({ screen, now }: Task, expiring: Expiring): Promise<void> {
  const { ledger, supernode, until, what, zone } = expiring
  const newest = await newestOf(ledger, supernode)
  if (!newest || newest.at - now <= CLOCK_TOLERANCE_MS) return
  const contradiction = `ledger entry ${newest.stream}#${newest.seq} is dated ${instantOf(newest.at, zone)}, but this machine's clock says ${instantOf(now, zone)}`
  if (until <= newest.at) {
    throw new CommandError(
      `${what} ends at ${instantOf(until, zone)}, which has already passed: ${contradiction}. Nothing was written. Set this machine's clock and run the command again; if that entry was dated by a wrong clock, run: ${operatorCommand.reset("NAME")}`,
    )
  }
  screen.note(
    `warning: ${contradiction}. ${what} ends at ${instantOf(until, zone)}: check that this is the time you mean`,
  )
}

async function newestOf(ledger: AuditedLedger, supernode: string | null): Promise<LedgerEntry | undefined> {
  const supernodes =
    supernode === null
      ? (await allStreams(ledger)).filter((stream) => stream.startsWith(supernodeStream("")))
      : [supernodeStream(supernode)]
  const heads: LedgerEntry[] = []
  for (const stream of [CONTROL_STREAM, ...supernodes]) {
    const head = await ledger.head(stream)
    if (head) heads.push(head)
  }
  return heads.sort((one, other) => other.at - one.at)[0]
}
