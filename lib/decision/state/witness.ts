import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import { cleanText } from "../inputs/foreign-text.ts"
import { includesId } from "../inputs/id.ts"
import { presentServers, type Supernode } from "../inputs/supernode.ts"
import type { OpenAttempt } from "./attempt.ts"

// Independent sources about an attempt whose outcome is unknown. They may support "accepted", but never "absent".
// No gate and no settlement reads them; they are shown to the person who settles.

/** A live-scale-up as CTS recorded it (ListTraces). A field is null if the trace lacks it, or if it is unreadable. */
export interface ScaleUpTrace {
  /** `time` of the request, epoch milliseconds. */
  at: number | null
  /** `user.name`: an IAM user, or an agency. */
  user: string | null
  /** `code`: the HTTP status of the response. */
  status: number | null
  /** `flavor` of the request's body. */
  flavor: string | null
  /** `trace_type`: ApiCall, ConsoleAction, SystemAction or something newer. */
  source: string | null
}

/**
 * `not-configured`: the endpoint of ModelArts was replaced, so its CTS is not known · `too-old`: CTS keeps only seven days · `no-answer`: no answer,
 * or an unreadable one · `no-right`: the keys may not list traces.
 */
export type UnreadTraces = "not-configured" | "too-old" | "no-answer" | "no-right"

/** Number of all traces, and the few that are kept. */
export type TracesSeen =
  | { kind: "read"; count: number; kept: ScaleUpTrace[] }
  | { kind: "unread"; reason: UnreadTraces; why: string }

/** Servers of the supernode since the attempt. */
export interface ServersSeen {
  present: number
  /** Number of servers that were not present before, and the first few ids. */
  added: number
  ids: string[]
  /** Order ids of the added ones. */
  orderIds: string[]
}

/** The newest reading that showed something new. At most one per supernode, a few hundred bytes. */
export interface WitnessRecord {
  attempt: string
  /** Time of that reading, epoch milliseconds. */
  at: number
  /** null: no list of servers was read so far. */
  servers: ServersSeen | null
  traces: TracesSeen
}

const MAX_KEPT = 3
const MAX_WHY_CHARS = 300
/** CTS keeps seven days. One minute less, so that differing clocks do not request anything older. */
const KEPT_BY_CTS_MS = 7 * 86_400_000 - 60_000

/** Query for CTS; null if CTS no longer keeps traces of that time. */
export function traceWindow({ openedAt }: OpenAttempt, now: number): { from: number; to: number } | null {
  if (openedAt < now - KEPT_BY_CTS_MS) return null
  return {
    from: Math.max(openedAt - CLOCK_TOLERANCE_MS, now - KEPT_BY_CTS_MS),
    to: Math.max(now, openedAt + 1),
  }
}

/** True if the trace fits this attempt in time, flavor and source, and its response was a success. */
export function supportsAccepted(
  { at, status, flavor, source }: ScaleUpTrace,
  attempt: OpenAttempt,
): boolean {
  const isTimely =
    at !== null && at >= attempt.openedAt - CLOCK_TOLERANCE_MS && at <= attempt.deadline + CLOCK_TOLERANCE_MS
  const isSuccess = status !== null && status >= 200 && status <= 299
  // Purchases through the console are made by a person.
  return isTimely && isSuccess && source !== "ConsoleAction" && (flavor === null || flavor === attempt.flavor)
}

/** A response of CTS. */
type TracesRead =
  | { ok: true; value: readonly ScaleUpTrace[] }
  | { ok: false; why: string; credentials: boolean }

export const TOO_OLD: TracesSeen = { kind: "unread", reason: "too-old", why: "the attempt is too old" }
const NOT_CONFIGURED: TracesSeen = {
  kind: "unread",
  reason: "not-configured",
  why: "SUPERNODE_MODELARTS_ENDPOINT is set, but SUPERNODE_CTS_ENDPOINT is not",
}

/** The traces in a response of CTS that fit the attempt best, in order of time; null if no CTS is known. */
export function tracesSeen(read: TracesRead | null, attempt: OpenAttempt): TracesSeen {
  if (read === null) return NOT_CONFIGURED
  if (!read.ok)
    return {
      kind: "unread",
      reason: read.credentials ? "no-right" : "no-answer",
      why: cleanText(read.why, MAX_WHY_CHARS),
    }
  const traces = read.value
  const rank = (trace: ScaleUpTrace) => (supportsAccepted(trace, attempt) ? 0 : 1)
  const kept = traces.toSorted((a, b) => rank(a) - rank(b)).slice(0, MAX_KEPT)
  return { kind: "read", count: traces.length, kept: kept.toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0)) }
}

/** Servers of the supernode since the attempt; null if the response had no list of servers. */
export function serversSeen(supernode: Supernode, { before }: OpenAttempt): ServersSeen | null {
  if (supernode.servers === null) return null
  const present = presentServers(supernode)
  const added = present.filter(({ id }) => !includesId(before, id))
  const orderIds = [...new Set(added.flatMap(({ orderId }) => orderId ?? []))]
  return {
    present: present.length,
    added: added.length,
    ids: added.slice(0, MAX_KEPT).map(({ id }) => id),
    orderIds: orderIds.slice(0, MAX_KEPT),
  }
}

/** A later reason is recorded only if its rank is higher: alternating reasons must not fill the ledger. */
const RANKS: readonly UnreadTraces[] = ["not-configured", "no-answer", "no-right", "too-old"]

/**
 * The record after one more reading; null if the reading showed nothing new. A reading that failed, or that shows less,
 * removes no known fact.
 */
export function changedWitness(before: WitnessRecord | undefined, seen: WitnessRecord): WitnessRecord | null {
  const known = before?.attempt === seen.attempt ? before : null
  if (known === null) return seen.servers === null && seen.traces === NOT_CONFIGURED ? null : seen
  const servers = isServersNews(known.servers, seen.servers) ? seen.servers : known.servers
  const traces = isTracesNews(known.traces, seen.traces) ? seen.traces : known.traces
  return servers === known.servers && traces === known.traces ? null : { ...seen, servers, traces }
}

/** Only a larger number of new servers is recorded: alternating lists must not fill the ledger either. */
function isServersNews(known: ServersSeen | null, seen: ServersSeen | null): boolean {
  return seen !== null && (known === null || seen.added > known.added)
}

function isTracesNews(known: TracesSeen, seen: TracesSeen): boolean {
  if (seen.kind === "read") return known.kind === "unread" || seen.count > known.count
  return known.kind === "unread" && RANKS.indexOf(seen.reason) > RANKS.indexOf(known.reason)
}

/** True once a trace of this attempt is on record: CTS need not be read again for it. */
export function hasOwnTrace({ traces }: Pick<WitnessRecord, "traces">, attempt: OpenAttempt): boolean {
  return traces.kind === "read" && traces.kept.some((trace) => supportsAccepted(trace, attempt))
}
