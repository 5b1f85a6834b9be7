import { effectIsDue, measureEffect } from "../decision/evidence/efficacy.ts"
import { awaitsClearing } from "../decision/evidence/evidence.ts"
import { type Fetched, NOT_FETCHED } from "../decision/inputs/fetched.ts"
import type { Situation } from "../decision/situation.ts"
import { reconcile } from "../decision/transitions/reconcile.ts"
import { digest } from "../digest.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports, Read } from "../ports.ts"
import { decideOnce } from "./decide-once.ts"
import { readFirstDelivery } from "./duplicate.ts"
import { type EarlyRead, readSupernodeAfter, rememberRun } from "./early-read.ts"
import { nowAfter, withTimeOf } from "./entry-time.ts"
import { readFleet, spendSeenBy } from "./fleet-spend.ts"
import type { Heads } from "./heads.ts"
import { readLedgerAge } from "./ledger-age.ts"
import { type Gathered, recordObservations } from "./record-observation.ts"
import type { RunTask } from "./task.ts"

/**
 * Reads the inputs of the decision in this order, and stops as soon as one of them already holds the run:
 *
 * 1. the supernode, unless it was read at the same time as the heads. A tick that the state alone holds stops before this read. It
 *    reads on only for an attempt in flight, an effect to measure, or a latch that may clear;
 * 2. the metrics;
 * 3. the offers and the ledger's age, once a rung was chosen;
 * 4. other supernodes' purchases.
 *
 * Appends observations to this supernode's chain. If another supernode's reserved attempt was not opened in time, it appends to
 * that chain too, so that the attempt can no longer be opened (`fence`). Returns "overtaken" if another run appended first. A dry
 * run appends nothing.
 */
export async function gatherAndRecord(
  ports: Ports,
  task: RunTask,
  chain: Heads & { early: EarlyRead | null },
): Promise<Gathered | "overtaken"> {
  const firstDelivery = await readFirstDelivery(ports, task, chain.head)
  const first = { situation: unread(ports, task, { ...chain, firstDelivery }), head: chain.head, fleet: null }
  rememberRun(ports, task, { head: chain.head, isHeld: decideOnce(task, first.situation).heldBy !== null })
  const readsAll = task.mode === "dry-run" || readsMore(task, first.situation)
  const isHeld = (situation: Situation) => !readsAll && decideOnce(task, situation).heldBy !== null
  if (isHeld(first.situation) && !first.situation.state.attempt && !readsMetrics(first.situation))
    return first

  const supernode = await readSupernodeAfter(ports, task, chain)
  const withSupernode = withTimeOf({ ...first.situation, supernode: fetchedOf(supernode) }, supernode)
  const reconciled = await recordObservations(ports, task, { ...first, situation: withSupernode }, reconcile)
  if (reconciled === "overtaken") return reconciled
  if (isHeld(reconciled.situation) && !readsMetrics(reconciled.situation)) return reconciled

  const withMetrics = { ...reconciled, situation: await readMeters(ports, task, reconciled.situation) }
  const afterEffect = await recordObservations(ports, task, withMetrics, (now) => measureEffect(now, digest))
  if (afterEffect === "overtaken") return afterEffect
  const withoutMetrics = { ...afterEffect.situation, readings: NOT_FETCHED }
  const { situation } = afterEffect
  const { target, heldBy, cleared } = decideOnce(task, situation)
  // This tick holds whatever the metrics show. It read them only to measure an effect, so its decision leaves them out, unless a
  // latch cleared.
  if (isHeld(reconciled.situation) && isHeld(withoutMetrics) && cleared.length === 0)
    return { ...afterEffect, situation: withoutMetrics }

  if (!target || (!readsAll && heldBy !== null)) return countFleet(ports, task, afterEffect)
  // Both reads run at once, since neither needs the other. The ledger's age only grows, so a read that is too early gives a lower age.
  const [offers, ledgerAge] = await Promise.all([
    ports.cloud.readOffers(situation.policy),
    readLedgerAge(ports, task, situation),
  ])
  const withOffers = withTimeOf({ ...situation, ...ledgerAge, offers: fetchedOf(offers) }, offers)
  return countFleet(ports, task, { ...afterEffect, situation: withOffers })
}

/**
 * True if the run reads all inputs even though the state alone holds it. A person's request always does. An alarm does if its
 * reason to hold is new, so that each reason is recorded once with all inputs. An OK never does, since it never buys.
 */
function readsMore(task: RunTask, situation: Situation): boolean {
  const { signal, state } = situation
  switch (signal.kind) {
    case "request":
      return true
    case "tick":
      return false
    case "alarm": {
      const { heldBy } = decideOnce(task, situation)
      return signal.state !== "ok" && (heldBy === null || heldBy !== state.lastDecision?.heldBy)
    }
    default:
      return signal satisfies never
  }
}

/** True if a run that holds still reads the metrics: to measure an effect, or because a latch may clear. */
function readsMetrics(situation: Situation): boolean {
  return effectIsDue(situation, digest) || awaitsClearing(situation)
}

/** Counts the fleet's spend if nothing else holds, or in a dry run. It comes last, since it may take many reads. */
async function countFleet(ports: Ports, task: RunTask, gathered: Gathered): Promise<Gathered> {
  const { situation } = gathered
  if (task.mode !== "dry-run") {
    const { target, heldBy } = decideOnce(task, situation)
    if (!target || heldBy !== null) return gathered
  }
  const fleet = await readFleet(ports, task, gathered)
  return { ...gathered, situation: { ...situation, ...spendSeenBy(fleet) }, fleet }
}

async function readMeters(ports: Ports, { signal }: RunTask, situation: Situation): Promise<Situation> {
  const { policy, supernode, now } = situation
  if (supernode.state !== "read") return situation
  const readings = await ports.cloud.readMetrics({ policy, supernode: supernode.value, signal, now })
  return { ...situation, readings: { state: "read", value: readings } }
}

function unread(ports: Ports, task: RunTask, { head, control, firstDelivery }: Heads): Situation {
  const situation: Situation = {
    signal: task.signal,
    exclusive: task.exclusive,
    policy: task.loaded.policy,
    policyHash: task.loaded.hash,
    endpoint: task.endpoint,
    run: task.run,
    now: nowAfter(head, ports.clock),
    headAt: head?.at ?? null,
    state: stateOf(head),
    control,
    cloudSkewMs: null,
    cloudDate: null,
    supernode: NOT_FETCHED,
    readings: NOT_FETCHED,
    offers: NOT_FETCHED,
  }
  return firstDelivery ? { ...situation, asked: firstDelivery } : situation
}

function fetchedOf<T>(read: Read<T>): Fetched<T> {
  return read.ok
    ? { state: "read", value: read.value }
    : { state: "unreadable", why: read.why, credentials: read.credentials }
}
