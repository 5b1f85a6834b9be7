import { effectIsDue, measureEffect } from "../decision/evidence/efficacy.ts"
import { awaitsClearing } from "../decision/evidence/evidence.ts"
import { CLOCK_TOLERANCE_MS } from "../decision/gates/signal.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import { NOT_READ, type RunMode, type Seen, type Situation } from "../decision/situation.ts"
import type { Control } from "../decision/state/control.ts"
import type { Observation } from "../decision/state/state.ts"
import { observe } from "../decision/transitions/reconcile.ts"
import { digest } from "../digest.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { CONTROL_STREAM, controlOf, nextEntry, standingOf } from "../ledger/next-entry.ts"
import type { LoadedPolicy } from "../policy-file/load.ts"
import type { Clock, Ports, Read } from "../ports.ts"
import { judge } from "./judge.ts"
import { type FleetSeen, readFleet, seenBy } from "./reserve.ts"

/** One signal for one supernode. */
export interface RunTask {
  signal: Signal
  /** The alarm is listed under this supernode only. */
  exclusive: boolean
  loaded: LoadedPolicy
  mode: RunMode
  /** Random per run: what this run wrote is no duplicate to itself. */
  run: string
  /** `supernode:<id>`. */
  stream: string
  /** Base URL of ModelArts for this supernode's region. */
  endpoint: string
  buyTimeoutMs: number
  sendWithinMs: number
  /** Streams of all supernodes of the policy file, this one's among them: what its `fleet` caps count. */
  fleetStreams: readonly string[]
}

/** One look can show a few things in a row: an attempt is unknown, was accepted after all, is complete. */
const MOST_OBSERVATIONS = 4

/** What was remembered when the round began. */
export interface Chain {
  head: LedgerEntry | undefined
  control: Seen<Control>
  isDry: boolean
}

/** Throws LedgerError: without the ledger nothing is decided, and sending the event again can help. */
export async function readChain(ports: Ports, task: RunTask): Promise<Chain> {
  const [head, control] = await Promise.all([ports.ledger.head(task.stream), readControl(ports)])
  return { head, control, isDry: task.mode === "dry-run" }
}

export async function readControl(ports: Ports): Promise<Seen<Control>> {
  const head = await ports.ledger.head(CONTROL_STREAM)
  return { state: "read", value: controlOf(head) }
}

export interface Gathered {
  situation: Situation
  /** The head that the situation's standing is of. */
  head: LedgerEntry | undefined
  /** What others bought, where that counts and the decision came as far as that. */
  fleet: FleetSeen | null
}

/**
 * Reads what is worth reading, in order: nothing more for a tick once the standing alone holds (but an attempt in flight
 * is always observed, what a purchase did is measured once, and a latch may clear), the supernode, what changed since, the
 * metrics, and offers only once a rung was chosen, what other supernodes bought only where nothing else is in the way. What
 * was observed is recorded on the way, and "overtaken" is said where another run was faster.
 */
export async function gather(ports: Ports, task: RunTask, chain: Chain): Promise<Gathered | "overtaken"> {
  const readsAll = task.signal.kind !== "tick" || chain.isDry
  const isHeld = (so: Situation) => !readsAll && judge(so).heldBy !== null
  const first = { situation: unread(ports, task, chain), head: chain.head, fleet: null }
  if (isHeld(first.situation) && !first.situation.standing.attempt && !asksMeters(first.situation))
    return first

  const supernode = await ports.cloud.readSupernode(first.situation.policy)
  const looked = { supernode: seen(supernode), cloudSkewMs: supernode.ok ? supernode.skewMs : null }
  const found = { ...first, situation: { ...first.situation, ...looked } }
  // What takes time is judged by the right clock: 45 minutes are not over because ours jumped ahead.
  const noted = await notice(ports, task, found, (so) => observe({ ...so, now: timeOf(so) }))
  if (noted === "overtaken") return noted
  if (isHeld(noted.situation) && !asksMeters(noted.situation)) return noted

  const metered = { ...noted, situation: await readMeters(ports, task, noted.situation) }
  const measured = await notice(ports, task, metered, (so) => measureEffect(so, digest))
  if (measured === "overtaken") return measured
  const unmetered = { ...measured.situation, readings: NOT_READ }
  const { situation } = measured
  const { target, heldBy, cleared } = judge(situation)
  // What was read only to measure is no part of the decision, unless a latch cleared: a tick holds with it and without.
  if (isHeld(noted.situation) && isHeld(unmetered) && cleared.length === 0)
    return { ...measured, situation: unmetered }

  if (!target || (!readsAll && heldBy !== null)) return countFleet(ports, task, measured)
  const offers = await ports.cloud.readOffers(situation.policy)
  const cloudSkewMs = worse(situation.cloudSkewMs, offers)
  return countFleet(ports, task, {
    ...measured,
    situation: { ...situation, offers: seen(offers), cloudSkewMs },
  })
}

/** A tick that holds anyway asks the meters even so, where what they say now is worth remembering. */
function asksMeters(situation: Situation): boolean {
  return effectIsDue(situation, digest) || awaitsClearing(situation)
}

/** The last thing to read, for it may take many reads: only where all else lets us buy, or a dry run shows everything. */
async function countFleet(ports: Ports, task: RunTask, gathered: Gathered): Promise<Gathered> {
  const { situation } = gathered
  if (task.mode !== "dry-run") {
    const { target, heldBy } = judge(situation)
    if (!target || heldBy !== null) return gathered
  }
  const fleet = await readFleet(ports, task, gathered)
  return { ...gathered, situation: { ...situation, ...seenBy(fleet) }, fleet }
}

async function readMeters(ports: Ports, { signal }: RunTask, situation: Situation): Promise<Situation> {
  const { policy, supernode, now } = situation
  if (supernode.state !== "read") return situation
  const readings = await ports.cloud.readMetrics({ policy, supernode: supernode.value, signal, now })
  return { ...situation, readings: { state: "read", value: readings } }
}

/** Records what is noticed, one entry each, and goes on with the standing after it. A dry run records nothing. */
async function notice(
  ports: Ports,
  task: RunTask,
  gathered: Gathered,
  look: (situation: Situation) => Observation | null,
): Promise<Gathered | "overtaken"> {
  const isDry = task.mode === "dry-run"
  let so = gathered
  for (let count = 0; count < MOST_OBSERVATIONS; count++) {
    const noticed = look(so.situation)
    if (!noticed) break
    const entry = observedEntry(ports, task, { ...so, noticed })
    if (!isDry && (await ports.ledger.append(entry)) === "conflict") return "overtaken"
    const headAt = isDry ? so.situation.headAt : entry.at
    so = {
      ...so,
      situation: { ...so.situation, standing: standingOf(entry), headAt },
      head: isDry ? so.head : entry,
    }
  }
  return so
}

/** Now, after that entry: up to a minute its clock may be right and ours behind, and then its time is used. */
function nowAfter(head: LedgerEntry | undefined, clock: Clock): number {
  const now = clock.now()
  const headAt = head?.at ?? now
  return headAt > now && headAt - now <= CLOCK_TOLERANCE_MS ? headAt : now
}

/** When an entry is dated: never before the one it follows. */
export function stampOf(situation: Situation): number {
  return Math.max(timeOf(situation), situation.headAt ?? 0)
}

/** Now, by the cloud's clock where ours is known to be wrong. */
function timeOf({ now, cloudSkewMs }: Situation): number {
  const isWrong = cloudSkewMs !== null && Math.abs(cloudSkewMs) > CLOCK_TOLERANCE_MS
  return isWrong ? now + cloudSkewMs : now
}

function unread(ports: Ports, task: RunTask, { head, control }: Chain): Situation {
  return {
    signal: task.signal,
    exclusive: task.exclusive,
    policy: task.loaded.policy,
    policyHash: task.loaded.hash,
    endpoint: task.endpoint,
    run: task.run,
    now: nowAfter(head, ports.clock),
    headAt: head?.at ?? null,
    standing: standingOf(head),
    control,
    cloudSkewMs: null,
    supernode: NOT_READ,
    readings: NOT_READ,
    offers: NOT_READ,
  }
}

interface Noticed {
  situation: Situation
  head: LedgerEntry | undefined
  noticed: Observation
}

function observedEntry(ports: Ports, task: RunTask, { situation, head, noticed }: Noticed): LedgerEntry {
  const { policyHash } = situation
  const news = {
    at: stampOf(situation),
    run: task.run,
    writer: ports.newId(),
    mode: task.mode,
    signal: task.signal,
    policyHash,
    kind: "observed" as const,
    observation: noticed,
  }
  return nextEntry(task.stream, head, news)
}

function seen<T>(read: Read<T>): Seen<T> {
  return read.ok
    ? { state: "read", value: read.value }
    : { state: "unreadable", why: read.why, credentials: read.credentials }
}

function worse(skewMs: number | null, read: Read<unknown>): number | null {
  const other = read.ok ? read.skewMs : null
  if (other === null) return skewMs
  return skewMs === null || Math.abs(other) > Math.abs(skewMs) ? other : skewMs
}
