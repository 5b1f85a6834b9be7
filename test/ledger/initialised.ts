import { foldControl, NO_CONTROL, type OperatorCommand } from "../../lib/decision/state/control.ts"
import type { LedgerOrigin } from "../../lib/decision/state/ledger-identity.ts"
import type { AuditedLedger } from "../../lib/ledger/chain.ts"
import { type LedgerEntry, sealEntry } from "../../lib/ledger/entry.ts"
import { initLedger } from "../../lib/ledger/init.ts"
import { type OpenLedgerOptions, openLedger } from "../../lib/ledger/open.ts"
import { clockAt } from "../world/clock.ts"

// Ledgers as an operator creates them with `ledger init --nothing-in-flight`.

export const LEDGER_ID = "1edfe000-0000-4000-8000-000000000001"

/** Initialises the ledger if that was not done before, and returns it. */
export async function initialised<L extends AuditedLedger>(ledger: L, at: number): Promise<L> {
  const words = { by: "test", why: "a test begins", nothingInFlight: true }
  await initLedger({ ledger, clock: clockAt(at), newId: () => LEDGER_ID }, words)
  return ledger
}

/** Creates and initialises the ledger of this URL, and closes it. */
export async function makeLedger(url: string, at: number, options: OpenLedgerOptions = {}): Promise<void> {
  await (await initialised(await openLedger(url, options), at)).close()
}

/** The first entry of stream `control` in such a ledger, for tests that store entries themselves. */
export function initEntryAt(
  at: number,
  origin: LedgerOrigin = "nothing-in-flight",
  id = LEDGER_ID,
): LedgerEntry {
  const said: OperatorCommand = {
    verb: "init",
    ledger: { id },
    origin,
    why: "a test begins",
    by: "test",
  }
  const standing = foldControl(NO_CONTROL, said, at)
  const ids = { run: "init", writer: "init" }
  return sealEntry({
    stream: "control",
    seq: 1,
    prev: "",
    at,
    ...ids,
    kind: "said",
    mode: "live",
    said,
    standing,
  })
}
