import { decideAndExplain } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import { confirmedTime } from "../decision/inputs/clock.ts"
import { type ChainTip, isResolved } from "../decision/money/fleet-spend.ts"
import type { ScaleUpPlan } from "../decision/plan.ts"
import { moneyOf } from "../decision/policy/money.ts"
import type { Situation } from "../decision/situation.ts"
import type { AttemptTiming } from "../decision/state/attempt.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import { digest } from "../digest.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { FLEET_STREAM, fleetOf, nextFleetEntry, sealIfFits } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { type ChainPosition, type FetchedFleet, readFleet, spendSeenBy } from "./fleet-spend.ts"
import { heldTooBig } from "./hold-for.ts"
import { LEDGER_WRITE_MS, type RunTask } from "./task.ts"

// Caps across supernodes (policy `fleet`): counted before the decision, reserved before the attempt is opened.
//
// Two supernodes cannot both take the last place, for this reason. A run reads the head of stream `fleet` first, the chains of all
// others after it, and reserves by an append that must follow the very head it read. So any other purchase was reserved
//   - after that read: then this append conflicts, and everything is read and decided again;
//   - before it, and is still pending: then it is counted;
//   - before it, and was dropped since. The run that dropped it had seen an entry at the attempt's place in its chain. This run
//     reads that chain later, and chains only grow. So the purchase is counted there, or it can never be opened.
// Within one process buyers take turns (`Ports.inFleetTurn`), so that each one reads the previous buyer's reservation. This only
// saves conflicts: nothing above relies on it. After a conflict, everything is read again. Several runs may
// share one read of a chain. It starts only after all of them have requested it, and each requests it after its own read of stream
// `fleet`. So the shared read is later than all of these reads.
// A run whose evidence is too old by then was frozen, or waited long for its turn. It starts again, like an overtaken run.
// None of this depends on a clock. A reservation whose run died is dropped by taking its place in the chain (`fence`), not by its
// age: a run that was only paused could otherwise still open its attempt, although the reservation went to another run.

/** Maximum number of tries after conflicts with other supernodes. Many may want to buy in the same second. */
const MAX_TRIES = 8
const MAX_RELEASES = 3

/** The intended purchase, and the count of the fleet that allows it. */
export interface PurchaseIntent extends ChainPosition {
  decision: Decision
  plan: ScaleUpPlan
  fleet: FetchedFleet | null
  /** True once the evidence is too old: then the run starts again. */
  isStale(): boolean
}

export type Reserved =
  | {
      kind: "reserved"
      attempt: AttemptTiming
      /** `attempt.sendBefore` by the monotonic clock. */
      sendBeforeMonotonic: number
      /** In stream `fleet`; null if the policy counts nothing across supernodes. */
      entry: LedgerEntry | null
      situation: Situation
      decision: Decision
    }
  | { kind: "held"; situation: Situation; decision: Decision }
  | { kind: "overtaken" }

/** Reserves a place under the fleet's caps. If there are such caps, the buyers of one process do this one after another. */
export function reserveInTurn(ports: Ports, task: RunTask, intent: PurchaseIntent): Promise<Reserved> {
  if (!intent.fleet || !ports.inFleetTurn) return reserve(ports, task, intent)
  return ports.inFleetTurn(() => reserve(ports, task, intent))
}

/**
 * Makes the attempt and reserves its place under the fleet's caps. After a conflict it counts the fleet again and decides again.
 * Throws LedgerError: then the place may be reserved, and other runs release it when it lapses.
 */
async function reserve(ports: Ports, task: RunTask, intent: PurchaseIntent): Promise<Reserved> {
  const { head, plan } = intent
  let { situation, decision, fleet } = intent
  for (let tries = 0; tries < MAX_TRIES && !intent.isStale(); tries++) {
    const sending = newAttempt(ports, task, situation)
    if (!fleet) return { kind: "reserved", ...sending, entry: null, situation, decision }
    const entry = sealIfFits(
      reservationAfter(ports, task, { head, plan, fleet, attempt: sending.attempt, situation }),
    )
    if (!entry) return { kind: "held", situation, decision: heldTooBig(decision) }
    if ((await ports.ledger.append(entry)) === "appended")
      return { kind: "reserved", ...sending, entry, situation, decision }
    fleet = await readFleet(ports, task, { situation, head })
    situation = { ...situation, ...spendSeenBy(fleet) }
    decision = decideAndExplain(situation, digest)
    if (decision.kind !== "scale-up") return { kind: "held", situation, decision }
  }
  return { kind: "overtaken" }
}

function newAttempt(ports: Ports, task: RunTask, { headAt, now }: Situation) {
  const openedAt = Math.max(ports.clock.now(), headAt ?? 0, now)
  const sendBeforeMonotonic = ports.clock.monotonic() + task.sendWithinMs
  const sendBefore = openedAt + task.sendWithinMs
  const deadline = sendBefore + task.buyTimeoutMs
  return { attempt: { id: ports.newId(), openedAt, sendBefore, deadline }, sendBeforeMonotonic }
}

interface ReservationInputs {
  head: LedgerEntry | undefined
  plan: ScaleUpPlan
  fleet: FetchedFleet
  attempt: AttemptTiming
  situation: Situation
}

function reservationAfter(
  ports: Ports,
  { stream, run, mode }: RunTask,
  { head, plan, fleet, attempt, situation }: ReservationInputs,
): () => LedgerEntry {
  const seq = (head?.seq ?? 0) + 1
  const reservation = { ...attempt, stream, seq, cost: plan.cost && moneyOf(plan.cost) }
  const over = fleetOf(fleet.head).pending.filter((one) => isResolved(one, fleet.tips))
  const change = { reservation, over: over.map(({ id }) => id), members: buyersIn(fleet.tips) }
  const at = Math.max(attempt.openedAt, fleet.head?.at ?? 0)
  const kind = "opened" as const
  const confirmedAt = confirmedTime(situation)
  return () =>
    nextFleetEntry(fleet.head, {
      at,
      confirmedAt,
      run,
      writer: ports.newId(),
      kind,
      mode,
      attempt,
      fleet: change,
    })
}

function buyersIn(tips: ReadonlyMap<string, ChainTip>): Record<string, number> {
  const buyers = [...tips].filter(([, { purchases }]) => purchases.length > 0)
  return Object.fromEntries(
    buyers.map(([stream, { purchases }]) => [stream, Math.max(...purchases.map(({ at }) => at))]),
  )
}

/**
 * Releases the reservation. The attempt's own chain has the outcome by now, so other runs need no release. It is tried only a few
 * times, and never throws.
 */
export function releaseInTurn(
  ports: Ports,
  reserved: Reserved & { kind: "reserved" },
  outcome: Outcome,
): Promise<void> {
  if (!reserved.entry || !ports.inFleetTurn) return release(ports, reserved, outcome)
  return ports.inFleetTurn(() => release(ports, reserved, outcome))
}

async function release(
  ports: Ports,
  { entry, attempt }: Reserved & { kind: "reserved" },
  outcome: Outcome,
): Promise<void> {
  if (!entry?.fleet) return
  const {
    run,
    mode,
    confirmedAt = null,
    fleet: { reservation },
  } = entry
  let head: LedgerEntry | undefined = entry
  try {
    for (let tries = 0; tries < MAX_RELEASES && ports.timeLeftMs() > LEDGER_WRITE_MS; tries++) {
      if (!fleetOf(head).pending.some(({ id }) => id === attempt.id)) return
      const at = Math.max(ports.clock.now(), head?.at ?? 0)
      const fleet = { reservation, over: [], members: {} }
      const fields = {
        at,
        confirmedAt,
        run,
        writer: ports.newId(),
        mode,
        attempt,
        outcome: withoutRaw(outcome),
        fleet,
      }
      if ((await ports.ledger.append(nextFleetEntry(head, { ...fields, kind: "settled" }))) === "appended")
        return
      head = await ports.ledger.head(FLEET_STREAM)
    }
  } catch {
    // The next reservation drops it.
  }
}

/** Removes the raw response, which only the supernode's own chain holds. */
function withoutRaw(outcome: Outcome): Outcome {
  return outcome.kind === "not-sent" ? outcome : { ...outcome, raw: null }
}
