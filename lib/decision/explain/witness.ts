import { counted } from "../policy/amounts.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import {
  hasOwnTrace,
  type ScaleUpTrace,
  type ServersSeen,
  type TracesSeen,
  type UnreadTraces,
  type WitnessRecord,
} from "../state/witness.ts"
import { sayTime } from "../verdict.ts"

/** The permission that the keys need to list traces (CTS API, ListTraces). */
export const LIST_TRACES = "cts:trace:list"

const MISSING_ADVICE: Readonly<Record<UnreadTraces, string>> = {
  "not-configured": "Set SUPERNODE_CTS_ENDPOINT",
  "too-old": "CTS keeps traces for seven days. A tracker that transfers them to OBS keeps them longer",
  "no-answer": "Check the CTS traces in the console",
  "no-right": `Grant the keys the permission ${LIST_TRACES}`,
}

/** `2 before, 4 now, 2 of them new (…), order CS1. This supports "accepted"`. */
export function sayServersSeen(servers: ServersSeen | null, { before }: OpenAttempt): string {
  const had = `${before.length} before`
  if (servers === null) return `${had}, not read again yet`
  const { present, added, ids, orderIds } = servers
  if (added === 0)
    return `${had}, ${present} now, none of them new. That proves nothing: servers can appear late`
  const more = added > ids.length ? ", …" : ""
  const orders = orderIds.length === 0 ? "" : `, order ${orderIds.join(", ")}`
  return `${had}, ${present} now, ${added} of them new (${ids.join(", ")}${more}${orders}). This supports "accepted"`
}

/** CTS traces of the attempt, in sentences. A missing trace never counts as proof of anything. */
export function sayTraces(traces: TracesSeen, attempt: OpenAttempt): string {
  if (traces.kind === "unread") {
    const { why, reason } = traces
    return `CTS was not read: ${why}. ${MISSING_ADVICE[reason]}. Without the traces nothing is proven`
  }
  const since = `since ${sayTime(attempt.openedAt)}`
  const { count, kept } = traces
  if (count === 0)
    return `CTS shows no scale-up ${since}. That proves nothing: a trace can appear late, CTS may not be enabled in this region, or the request may be recorded elsewhere`
  const more = count > kept.length ? `; and ${count - kept.length} more` : ""
  const verdict = hasOwnTrace({ traces }, attempt)
    ? 'This supports "accepted"'
    : "None of them clearly belongs to this attempt, which proves nothing"
  return `CTS shows ${counted(count, "scale-up")} ${since}: ${kept.map(sayTrace).join("; ")}${more}. ${verdict}`
}

function sayTrace({ at, user, status, flavor, source }: ScaleUpTrace): string {
  const parts = [
    at === null ? "at an unknown time" : sayTime(at),
    `by ${user ?? "an unnamed user"}${source === "ConsoleAction" ? " in the console" : ""}`,
    status === null ? "its response is not recorded" : `response ${status}`,
    ...(flavor === null ? [] : [flavor]),
  ]
  return parts.join(", ")
}

/** Servers and CTS traces, in sentences. */
export function sayWitness({ servers, traces }: WitnessRecord, attempt: OpenAttempt): string {
  return `servers: ${sayServersSeen(servers, attempt)}. ${sayTraces(traces, attempt)}`
}
