import type { Control } from "./decision/control.ts"
import { decide } from "./decision/decide.ts"
import { CLOCK_TOLERANCE_MS } from "./decision/gates/signal.ts"
import { observe } from "./decision/observe.ts"
import type { Signal } from "./decision/signal.ts"
import { NOT_READ, type RunMode, type Seen, type Situation } from "./decision/situation.ts"
import type { Observation } from "./decision/standing.ts"
import { digest } from "./digest.ts"
import type { LedgerEntry } from "./ledger/entry.ts"
import type { LoadedPolicy } from "./policy-file.ts"
import type { Clock, Ports, Read } from "./ports.ts"
import { CONTROL_STREAM, controlOf, nextEntry, standingOf } from "./record.ts"

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
}

/** One look can show a few things in a row: an attempt is unknown, was accepted after all, is complete. */
const MOST_OBSERVATIONS = 4

/** What was remembered when the round began. */
export interface Chain {
  head: LedgerEntry | undefined
  control: ControlHead
  isDry: boolean
}

export interface ControlHead {
  /** 0 on an empty stream, null where it could not be read. */
  seq: number | null
  seen: Seen<Control>
}

/** Throws LedgerError: without the ledger nothing is decided, and sending the event again can help. */
export async function readChain(ports: Ports, task: RunTask): Promise<Chain> {
  const [head, control] = await Promise.all([ports.ledger.head(task.stream), readControl(ports)])
  return { head, control, isDry: task.mode === "dry-run" }
}

export async function readControl(ports: Ports): Promise<ControlHead> {
  const head = await ports.ledger.head(CONTROL_STREAM)
  return { seq: head?.seq ?? 0, seen: { state: "read", value: controlOf(head) } }
}

export interface Gathered {
  situation: Situation
  /** The head that the situation's standing is of. */
  head: LedgerEntry | undefined
}

/**
 * Reads what is worth reading, in order: nothing more for a tick once the standing alone holds (but an attempt in
 * flight is always observed), the supernode, what changed since, the metrics, and offers only once a rung was chosen.
 * What was observed is recorded on the way, and "overtaken" is said where another run was faster.
 */
export async function gather(ports: Ports, task: RunTask, chain: Chain): Promise<Gathered | "overtaken"> {
  const readsAll = task.signal.kind !== "tick" || chain.isDry
  let head = chain.head
  let situation = unread(ports, task, chain)
  if (!readsAll && !situation.standing.attempt && decide(situation, digest).heldBy !== null)
    return { situation, head }

  const supernode = await ports.cloud.readSupernode(situation.policy)
  situation = {
    ...situation,
    supernode: seen(supernode),
    cloudSkewMs: supernode.ok ? supernode.skewMs : null,
  }
  for (let count = 0; count < MOST_OBSERVATIONS; count++) {
    // What takes time is judged by the right clock: 45 minutes are not over because ours jumped ahead.
    const noticed = observe({ ...situation, now: timeOf(situation) })
    if (!noticed) break
    const entry = observedEntry(ports, task, { situation, head, noticed })
    if (!chain.isDry && (await ports.ledger.append(entry)) === "conflict") return "overtaken"
    head = chain.isDry ? head : entry
    situation = {
      ...situation,
      standing: standingOf(entry),
      headAt: chain.isDry ? situation.headAt : entry.at,
    }
  }
  if (!readsAll && decide(situation, digest).heldBy !== null) return { situation, head }

  if (supernode.ok) {
    const readings = await ports.cloud.readMetrics({
      policy: situation.policy,
      supernode: supernode.value,
      signal: task.signal,
      now: situation.now,
    })
    situation = { ...situation, readings: { state: "read", value: readings } }
  }
  const { target, heldBy } = decide(situation, digest)
  if (target && (readsAll || heldBy === null)) {
    const offers = await ports.cloud.readOffers(situation.policy)
    situation = { ...situation, offers: seen(offers), cloudSkewMs: worse(situation.cloudSkewMs, offers) }
  }
  return { situation, head }
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
    control: control.seen,
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
