import type { Finding } from "../decision.ts"
import type { Fetched } from "../inputs/fetched.ts"
import type { Control } from "../state/control.ts"
import { type LedgerAge, ledgerIsNew, NEW_LEDGER_MS } from "../state/ledger-identity.ts"
import { sayTime } from "../verdict.ts"

// Checks of the ledger itself. They are not gates, since every gate relies on the memory that these checks
// verify.

/** Reason why a ledger is not sufficient. */
export type LedgerProblem = Pick<Finding, "says" | "facts"> & {
  reason: "ledger-new" | "ledger-other" | "ledger-restored"
}

/**
 * Reason why this ledger must not be used at all: no run writes to it, and no plan made on it can be bought.
 * null: it may be used. `onlyId` is the only ledger that may be used; null: any.
 */
export function whyUnusable(control: Fetched<Control>, onlyId: string | null): LedgerProblem | null {
  if (control.state !== "read") return null // gate not-paused holds: control-unreadable
  const id = control.value.ledger?.id ?? null
  if (id === null) {
    const says = "the ledger is missing or was not created by `ledger init`, so past purchases are unknown"
    return ledgerProblem("ledger-new", says, { ledger: null })
  }
  if (onlyId === null || onlyId === id) return null
  const says = `this is ledger ${id}; only ledger ${onlyId} may be used (ledger_id in the policy)`
  return ledgerProblem("ledger-other", says, { ledger: id, expected: onlyId })
}

interface TrustInputs extends LedgerAge {
  control: Fetched<Control>
  supernodeId: string
}

/**
 * Reason why the memory of this ledger is not sufficient for a purchase, whatever the gates say. null: it is
 * sufficient.
 */
export function whyUntrusted({ control, supernodeId, ...age }: TrustInputs): LedgerProblem | null {
  if (control.state !== "read") return null // gate not-paused holds: control-unreadable
  const { ledger, restored } = control.value
  if (ledger && ledgerIsNew(ledger, age)) {
    const { firstConfirmedAt, confirmed } = age
    const until = (firstConfirmedAt ?? confirmed ?? ledger.at) + NEW_LEDGER_MS
    const unconfirmed =
      confirmed === null ? ". No response of the cloud has confirmed a time to this run" : ""
    const says = `the ledger was empty at ${sayTime(ledger.at)}, so an order that it does not contain may be in progress. Live runs wait for 45 minutes from the first time that the cloud confirms, so until ${sayTime(until)} or later${unconfirmed}`
    return ledgerProblem("ledger-new", says, { ledger: ledger.id, until })
  }
  if (!restored || restored.confirmed.includes(supernodeId)) return null
  const says = `the ledger was restored from a backup (recorded ${sayTime(restored.at)} by ${restored.by}: ${restored.why}); purchases made after the backup may be missing`
  return ledgerProblem("ledger-restored", says, { since: restored.at })
}

function ledgerProblem(
  reason: LedgerProblem["reason"],
  says: string,
  facts: Finding["facts"],
): LedgerProblem {
  return { reason, says, facts }
}

/** True if the ledger itself must be repaired before any run may write to it: an operator error. */
export function saysUnusable({ passed, reason, facts }: Finding): boolean {
  if (passed !== false) return false
  if (reason === "ledger-new") return facts["ledger"] === null
  return reason === "ledger-other" || reason === "ledger-behind"
}
