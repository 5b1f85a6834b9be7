import type { Settings } from "../../lib/app/settings.ts"
import { operatorCommand } from "../../lib/decision/explain/operator-command.ts"
import { whyUnusable } from "../../lib/decision/gates/ledger.ts"
import type { Control } from "../../lib/decision/state/control.ts"
import { CONTROL_STREAM, controlOf } from "../../lib/ledger/next-entry.ts"
import { type AuditedLedger, ledgerPlace } from "../../lib/ledger/open.ts"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import { type Ledger, LedgerError } from "../../lib/ports.ts"
import type { Task } from "./context.ts"
import { CommandError } from "./errors.ts"

/** Place and id of a ledger; every command that writes prints them. */
export interface KnownLedger {
  /** An absolute path or a URL without secrets. */
  place: string
  id: string
}

export function sayLedger({ place, id }: KnownLedger): string {
  return `ledger: ${place} (${id})`
}

/** Reads the control state and the ledger's id. `known` is `null` if the ledger has no id. */
export async function lookAtLedger(
  ledger: Pick<Ledger, "head">,
  { ledgerUrl }: Settings,
): Promise<{ place: string; control: Control; known: KnownLedger | null }> {
  const control = controlOf(await ledger.head(CONTROL_STREAM))
  const place = ledgerPlace(ledgerUrl)
  return { place, control, known: control.ledger ? { place, id: control.ledger.id } : null }
}

/**
 * Returns the ledger that a command works on. Throws CommandError if there is no ledger, if no `ledger init`
 * is on record, or if the policy names another ledger: a pause in the wrong ledger would stop nothing.
 */
export async function requireLedger(ledger: AuditedLedger, settings: Settings): Promise<KnownLedger> {
  const { place, control, known } = await lookAtLedger(ledger, settings)
  if (known === null) throw new CommandError(`${sayNoLedger(place)}; nothing was done`)
  const problem = whyUnusable({ state: "read", value: control }, await pinnedId(settings))
  if (problem)
    throw new CommandError(`${place} cannot be used (${problem.reason}): ${problem.says}; nothing was done`)
  return known
}

/**
 * The same for commands that only read: accepts any ledger with an id. A ledger whose id cannot be trusted is
 * still audited.
 */
export async function requireAnyLedger(ledger: AuditedLedger, settings: Settings): Promise<void> {
  const look = await lookAtLedger(ledger, settings).catch((error: unknown) => {
    if (error instanceof LedgerError) return null
    throw error
  })
  if (look?.known === null) throw new CommandError(`${sayNoLedger(look.place)}; nothing was read`)
}

/** Used by commands that only read. Notes that no run would use this ledger. */
export function noteUnusableLedger(
  { screen }: Task,
  { place, known }: Awaited<ReturnType<typeof lookAtLedger>>,
): void {
  if (known) return
  screen.note(
    `note: ${sayNoLedger(place)}`,
    "note: this is the decision for an empty ledger; runs hold (ledger-new), and such a plan cannot be bought",
  )
}

export function sayNoLedger(place: string): string {
  return `there is no ledger at ${place}, or it has no id. Check --ledger and SUPERNODE_LEDGER; to make or adopt one, run: ${operatorCommand.ledgerInit}`
}

/**
 * The policy's `ledger_id`; `null` if it has none or cannot be read, since the kill switch must not depend on
 * the policy.
 */
async function pinnedId({ policyPath }: Settings): Promise<string | null> {
  return (await loadPolicyFile(policyPath).catch(() => null))?.ledgerId ?? null
}
