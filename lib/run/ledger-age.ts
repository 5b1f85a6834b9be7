import { NEW_LEDGER_MS } from "../decision/state/ledger-identity.ts"
import { firstConfirmedTime } from "../ledger/first-confirmed.ts"
import type { Ports } from "../ports.ts"
import { judge } from "./judge.ts"
import { confirmedNow } from "./ledger-trust.ts"
import type { Gathered } from "./record-observation.ts"
import type { RunTask } from "./task.ts"

/**
 * Adds since when this ledger is known by a time that the cloud confirmed. Read only where it can matter: the ledger was
 * empty at `ledger init`, and no gate holds. Throws LedgerError.
 */
export async function withLedgerAge(ports: Ports, task: RunTask, gathered: Gathered): Promise<Gathered> {
  const { situation } = gathered
  const ledger = situation.control.state === "read" ? situation.control.value.ledger : undefined
  if (ledger?.origin !== "empty") return gathered
  const { target, heldBy } = judge(situation)
  if (!target || heldBy !== null) return gathered
  const now = confirmedNow(situation)
  const others = task.fleetStreams.filter((stream) => stream !== task.stream)
  const ledgerConfirmedAt = await firstConfirmedTime(ports.ledger, {
    streams: [task.stream, ...others],
    ledgerId: ledger.id,
    isEnough: (first) => now !== null && now >= first + NEW_LEDGER_MS,
  })
  return { ...gathered, situation: { ...situation, ledgerConfirmedAt } }
}
