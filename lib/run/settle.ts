import type { AttemptTiming } from "../decision/state/attempt.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextSettlement } from "../ledger/next-entry.ts"
import { LedgerError, type Ports } from "../ports.ts"
import type { RunTask } from "./task.ts"

/** Maximum time of the retries on a host, while the ledger fails. In a function, the last try starts about 500 ms before its time limit. */
const MAX_SETTLING_MS = 120_000

interface Settlement {
  opened: LedgerEntry
  attempt: AttemptTiming
  outcome: Outcome
}

/**
 * Records the outcome of an attempt, and retries until that succeeds or the time is over. Tries at least twice: an entry appended
 * meanwhile must not lose a known outcome.
 */
export async function settle(ports: Ports, task: RunTask, settlement: Settlement): Promise<LedgerEntry> {
  const { opened, attempt, outcome } = settlement
  const giveUpAt = ports.clock.monotonic() + Math.min(ports.timeLeftMs() - 500, MAX_SETTLING_MS)
  let head: LedgerEntry | undefined = opened
  for (let tries = 1, pauseMs = 50; ; tries++, pauseMs = Math.min(pauseMs * 2, 2_000)) {
    const isLastTry = tries > 1 && ports.clock.monotonic() >= giveUpAt
    try {
      head ??= await ports.ledger.head(task.stream)
      const settled = settlementAfter(ports, head, settlement)
      if ((await ports.ledger.append(settled)) === "appended") return settled
      if (isLastTry) throw new LedgerError("other runs kept writing to the ledger")
    } catch (error) {
      if (isLastTry || !(error instanceof LedgerError)) throw unsettled(attempt, outcome, error)
      await ports.clock.wait(pauseMs)
    }
    head = undefined
  }
}

function settlementAfter(
  ports: Ports,
  head: LedgerEntry | undefined,
  { opened, attempt, outcome }: Settlement,
): LedgerEntry {
  const { stream, run, mode, signal, policyHash, confirmedAt = null } = opened
  const fields = {
    at: Math.max(ports.clock.now(), attempt.openedAt),
    confirmedAt,
    run,
    mode,
    writer: ports.newId(),
    ...(signal ? { signal } : {}),
    ...(policyHash ? { policyHash } : {}),
  }
  return nextSettlement(stream, head, { ...fields, kind: "settled", attempt, outcome })
}

function unsettled({ id }: AttemptTiming, { kind }: Outcome, cause: unknown): LedgerError {
  const says = `the outcome of attempt ${id} (${kind}) could not be written to the ledger, so the attempt stays open and its outcome counts as unknown`
  return new LedgerError(says, { cause })
}
