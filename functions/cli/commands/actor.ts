import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { Task } from "../context.ts"
import { type KnownLedger, sayLedger } from "../known-ledger.ts"

// What the commands share by which a person says something to the ledger.

export const WHO =
  "name of the person who gives this command; a claim, which only the cloud's access control limits"

/** The same where a signature may be needed. */
export const SIGNER =
  "name of the person who gives this command; proven by a signature where the policy lists a key, else a claim"

/** The word is on record: where, in which ledger, and what was said. */
export function showWord(
  { screen, options }: Task,
  { stream, seq, hash, said }: LedgerEntry,
  ledger: KnownLedger,
): void {
  screen.say(`on record: ${stream} #${seq}`, sayLedger(ledger))
  if (options.json) screen.json({ entry: { stream, seq, hash }, said, ledger })
}

/** The same document where there was nothing to say. */
export function showNothingSaid({ screen, options }: Task, ledger: KnownLedger): void {
  if (options.json) screen.json({ entry: null, said: null, ledger })
}
