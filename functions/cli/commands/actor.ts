import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { Task } from "../context.ts"
import { type KnownLedger, sayLedger } from "../known-ledger.ts"

// Shared parts of commands that record an operator command in the ledger.

export const WHO =
  "name of the person who gives this command; not verified: the cloud's access control alone limits who can run this"

/** Text of `--by` for commands that may need a signature. */
export const SIGNER =
  "name of the person who gives this command; proven by a signature if the policy lists a key for it, otherwise not verified"

/** Shows the operator command that was recorded: its entry, its ledger and its content. */
export function showCommand(
  { screen, options }: Task,
  { stream, seq, hash, said }: LedgerEntry,
  ledger: KnownLedger,
): void {
  screen.say(`on record: ${stream} #${seq}`, sayLedger(ledger))
  if (options.json) screen.json({ entry: { stream, seq, hash }, said, ledger })
}

/** Prints the same JSON document if there was nothing to record. */
export function showNothingSaid({ screen, options }: Task, ledger: KnownLedger): void {
  if (options.json) screen.json({ entry: null, said: null, ledger })
}
