import { effectIsDue, measureEffect } from "../decision/evidence/efficacy.ts"
import { awaitsClearing } from "../decision/evidence/evidence.ts"
import { type Fetched, NOT_FETCHED } from "../decision/inputs/fetched.ts"
import type { Situation } from "../decision/situation.ts"
import { reconcile } from "../decision/transitions/reconcile.ts"
import { digest } from "../digest.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports, Read } from "../ports.ts"
import { decideOnce } from "./decide-once.ts"
import { firstDelivery } from "./duplicate.ts"
import { type EarlyRead, readSupernodeAfter, rememberLook } from "./early-read.ts"
import { nowAfter, withTimeOf } from "./entry-time.ts"
import { readFleet, spendSeenBy } from "./fleet-spend.ts"
import type { Heads } from "./heads.ts"
import { readLedgerAge } from "./ledger-age.ts"
import { type Gathered, recordObservations } from "./record-observation.ts"
import type { RunTask } from "./task.ts"

/**
 * Fetches the inputs of the decision, each only if the ones before it leave it open:
 *
 * 1. the supernode, unless it was read beside the heads. A tick that the state alone holds ends before it, except with an
 *    attempt in flight, an effect to measure, or a latch that may clear;
 * 2. the metrics;
 * 3. the offers and the ledger's age, once a rung was chosen;
 * 4. other supernodes' purchases, if nothing else holds.
 *
 * Appends observations to this supernode's chain, and takes the place of an attempt that lapsed in another chain (`fence`).
 * Returns "overtaken" if another run appended first. A dry run appends nothing.
 */
export async function gatherAndRecord(
  ports: Ports,
  task: RunTask,
  chain: Heads & { early: EarlyRead | null },
): Promise<Gathered | "overtaken"> {
  const asked = await firstDelivery(ports, task, chain.head)
  const first = { situation: unread(ports, task, { ...chain, asked }), head: chain.head, fleet: null }
  rememberLook(ports, task, { head: chain.head, isHeld: decideOnce(task, first.situation).heldBy !== null })
  const readsAll = task.mode === "dry-run" || readsMore(task, first.situation)
  const isHeld = (so: Situation) => !readsAll && decideOnce(task, so).heldBy !== null
  if (isHeld(first.situation) && !first.situation.state.attempt && !readsMetrics(first.situation))
    return first

  const supernode = await readSupernodeAfter(ports, task, chain)
  const looked = withTimeOf({ ...first.situation, supernode: seen(supernode) }, supernode)
  const noted = await recordObservations(ports, task, { ...first, situation: looked }, reconcile)
  if (noted === "overtaken") return noted
  if (isHeld(noted.situation) && !readsMetrics(noted.situation)) return noted

  const metered = { ...noted, situation: await readMeters(ports, task, noted.situation) }
  const measured = await recordObservations(ports, task, metered, (so) => measureEffect(so, digest))
  if (measured === "overtaken") return measured
  const unmetered = { ...measured.situation, readings: NOT_FETCHED }
  const { situation } = measured
  const { target, heldBy, cleared } = decideOnce(task, situation)
  // A tick that holds with and without the metrics read them to measure an effect: they are no part of its decision, unless a latch cleared.
  if (isHeld(noted.situation) && isHeld(unmetered) && cleared.length === 0)
    return { ...measured, situation: unmetered }

  if (!target || (!readsAll && heldBy !== null)) return countFleet(ports, task, measured)
  // Both at once: neither needs the other's answer. The age of the ledger only grows, so that at worst it is too low.
  const [offers, aged] = await Promise.all([
    ports.cloud.readOffers(situation.policy),
    readLedgerAge(ports, task, situation),
  ])
  const offered = withTimeOf({ ...situation, ...aged, offers: seen(offers) }, offers)
  return countFleet(ports, task, { ...measured, situation: offered })
}

/**
 * True if a signal reads everything although the state alone holds. A person's request always does. An alarm does if it holds
 * for another reason than the last decision, so that each reason is recorded once with all inputs. An OK never buys.
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

/** True if a tick that holds still reads the metrics: to measure an effect, or because a latch may clear. */
function readsMetrics(situation: Situation): boolean {
  return effectIsDue(situation, digest) || awaitsClearing(situation)
}

/** Counts the fleet's spend last, since that may take many reads: only if nothing else holds, or in a dry run. */
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

function unread(ports: Ports, task: RunTask, { head, control, asked }: Heads): Situation {
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
  return asked ? { ...situation, asked } : situation
}

function seen<T>(read: Read<T>): Fetched<T> {
  return read.ok
    ? { state: "read", value: read.value }
    : { state: "unreadable", why: read.why, credentials: read.credentials }
}
