import * as z from "zod"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { isSameId } from "../decision/inputs/id.ts"
import type { ScaleUpTrace } from "../decision/state/witness.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import { jsonOf } from "./answer-error.ts"
import { listIn } from "./answer-list.ts"
import type { Parsed } from "./cloud-response.ts"
import type { SupernodePlace } from "./endpoints.ts"
import { exactText } from "./exact-text.ts"
import type { CloudReader } from "./http.ts"
import { instantOf } from "./instant.ts"
import { canonicalQuery } from "./signature.ts"

/** Resource type and trace name of live-scale-up (ModelArts, "Using CTS to audit Lite Server operations"). */
const RESOURCE_TYPE = "ServerHyperinstance"
const TRACE_NAME = "scaleuphyperinstanceServerHyperinstance"
/** API page: at most 200 traces per page. */
const PAGE_SIZE = 200
const MAX_PAGES = 5
/** Traces are read at the end of a run. All pages together take at most 8 s (4 s + 4 × 1 s). */
const FIRST_PAGE_MS = 4_000
const OTHER_PAGE_MS = 1_000
const MAX_MARKER_CHARS = 256
const MAX_USER_CHARS = 64

// Strict about a trace's operation and supernode. Any other missing or invalid field is null.
const optionalText = onFirstUse(() => exactText().nullable().catch(null))
const traceShape = onFirstUse(() =>
  z.looseObject({
    trace_id: optionalText(),
    trace_name: exactText(),
    trace_type: optionalText(),
    resource_id: optionalText(),
    time: z.unknown().optional(),
    code: z.union([z.string(), z.int()]).nullable().catch(null),
    user: z
      .looseObject({ name: z.string().nullable().catch(null) })
      .nullable()
      .catch(null),
    request: z.unknown().optional(),
  }),
)
const requestShape = onFirstUse(() => z.looseObject({ flavor: optionalText() }))
const metaShape = onFirstUse(() =>
  z.looseObject({
    meta_data: z
      .looseObject({ marker: exactText().min(1).max(MAX_MARKER_CHARS).nullable().catch(null) })
      .catch({ marker: null }),
  }),
)

interface Page {
  /** `key` is the trace id, which removes duplicates; `null` if the trace has none. */
  traces: { key: string | null; trace: ScaleUpTrace }[]
  /** The `marker` of the next page; null on the last one. */
  next: string | null
}

/** Epoch milliseconds. CTS excludes traces at `from` itself. */
export interface TraceWindow {
  from: number
  to: number
}

/**
 * GET /v3/{project_id}/traces of CTS: live-scale-ups of one supernode, oldest first. Reads at most the five
 * newest pages, and stops at a later page that cannot be read: a missing trace proves nothing. Requires
 * cts:trace:list.
 */
export async function readTraces(
  reader: CloudReader,
  { place, window }: { place: SupernodePlace; window: TraceWindow },
): Promise<Read<ScaleUpTrace[]>> {
  const found = new Map<string, ScaleUpTrace>()
  let next: string | null = null
  let time: { skewMs: number | null } = { skewMs: null }
  for (let pages = 0; pages < MAX_PAGES; pages++) {
    const read: Read<Page> = await readPage(reader, { place, window, next })
    if (!read.ok && pages === 0) return read
    if (!read.ok) break
    time = { skewMs: read.skewMs }
    for (const { key, trace } of read.value.traces) found.set(key ?? `#${found.size}`, trace)
    next = read.value.next
    if (next === null) break
  }
  const value = [...found.values()].toSorted((a, b) => (a.at ?? 0) - (b.at ?? 0))
  return { ok: true, value, ...time }
}

interface PageRequest {
  place: SupernodePlace
  window: TraceWindow
  next: string | null
}

function readPage(reader: CloudReader, { place, window, next }: PageRequest): Promise<Read<Page>> {
  const { endpoint, projectId, id } = place
  const query: [string, string][] = [
    ["trace_type", "system"],
    ["resource_type", RESOURCE_TYPE],
    ["resource_id", id],
    ["trace_name", TRACE_NAME],
    ["from", String(Math.floor(window.from))],
    ["to", String(Math.ceil(window.to))],
    ["limit", String(PAGE_SIZE)],
    ...(next === null ? [] : [["next", next] as [string, string]]),
  ]
  const url = `${endpoint}/v3/${projectId}/traces?${canonicalQuery(query)}`
  const totalMs = next === null ? FIRST_PAGE_MS : OTHER_PAGE_MS
  const request = { operation: "listTraces", method: "GET", url, projectId, totalMs } as const
  return reader.read(request, (json, receivedAt) => pageOf(json, { id, receivedAt }))
}

function pageOf(json: unknown, expected: { id: string; receivedAt: number }): Parsed<Page> {
  const list = listIn(json, "traces")
  if (!list.ok) return list
  const traces = list.value.slice(0, PAGE_SIZE).flatMap((item) => traceOf(item, expected))
  const marker = metaShape().safeParse(json).data?.meta_data.marker ?? null
  return { ok: true, value: { traces, next: list.value.length === 0 ? null : marker } }
}

/** Empty if the item is not clearly a live-scale-up, or names another supernode. */
function traceOf(item: unknown, { id, receivedAt }: { id: string; receivedAt: number }): Page["traces"] {
  const { data } = traceShape().safeParse(item)
  if (data?.trace_name !== TRACE_NAME) return []
  if (data.resource_id !== null && !isSameId(data.resource_id, id)) return []
  const trace: ScaleUpTrace = {
    at: instantOf(data.time, receivedAt),
    user: data.user?.name ? cleanText(data.user.name, MAX_USER_CHARS) || null : null,
    status: statusOf(data.code),
    flavor: flavorOf(data.request),
    source: data.trace_type,
  }
  return [{ key: data.trace_id, trace }]
}

function statusOf(code: string | number | null): number | null {
  const written = String(code ?? "")
  return /^[1-5]\d\d$/.test(written) ? Number(written) : null
}

/** `request` is the body as text. Only its flavor is kept, since the body may contain userdata. */
function flavorOf(request: unknown): string | null {
  const body = typeof request === "string" ? jsonOf(request) : request
  return requestShape().safeParse(body).data?.flavor ?? null
}
