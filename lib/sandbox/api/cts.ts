import * as z from "zod"
import type { ApiRequest } from "../api-request.ts"
import { ok, type SandboxResponse, serviceError } from "../response.ts"
import { sayIssue } from "../world/problem.ts"
import type { SandboxTrace, World } from "../world/world.ts"

const RESOURCE_TYPE = "ServerHyperinstance"
const TRACE_NAME = "scaleuphyperinstanceServerHyperinstance"
const SEVEN_DAYS_MS = 7 * 86_400_000
const HOUR_MS = 3_600_000

const instant = z
  .string()
  .regex(/^\d{13}$/, { error: "must be 13 digits" })
  .transform(Number)

const query = z
  .strictObject({
    trace_type: z.literal("system"),
    service_type: z.string().optional(),
    resource_type: z.string().optional(),
    resource_id: z.string().optional(),
    trace_name: z.string().optional(),
    user: z.string().optional(),
    from: instant.optional(),
    to: instant.optional(),
    next: z.string().optional(),
    limit: z
      .string()
      .regex(/^\d{1,3}$/)
      .transform(Number)
      .refine((limit) => limit >= 1 && limit <= 200, { error: "must be 1 to 200" })
      .prefault("10"),
  })
  .refine(({ from, to }) => (from === undefined) === (to === undefined), {
    error: "from and to must be used together",
  })

/**
 * ListTraces: live-scale-ups of the last seven days, newest first; `next` is the marker of the page before.
 */
export function answerTraces(world: World, request: ApiRequest): SandboxResponse {
  const parsed = query.safeParse(Object.fromEntries(new URLSearchParams(request.query)))
  // The error of a wrong query is not documented.
  if (!parsed.success) return serviceError(400, "CTS.0101", parsed.error.issues.map(sayIssue).join("; "))
  const filters = parsed.data
  const { projectId } = request.route
  const listed = world.traces
    .filter((trace) => isListed(world, trace, filters) && matches(trace, { ...filters, projectId }))
    .reverse()
  const before = filters.next === undefined ? -1 : listed.findIndex(({ id }) => id === filters.next)
  const rest = listed.slice(before + 1)
  const page = rest.slice(0, Math.min(filters.limit, world.tracing.pageSize))
  const marker = rest.length > page.length ? (page.at(-1)?.id ?? null) : null
  return ok({ traces: page.map(traceBody), meta_data: { count: page.length, marker } })
}

/** True if the trace is at most seven days old, past its delay, and in the requested time after `from`. */
function isListed({ tracing, clock }: World, { at }: SandboxTrace, filters: z.output<typeof query>): boolean {
  const now = clock.now()
  const { from = now - HOUR_MS, to = now } = filters
  const isYoung = at > now - SEVEN_DAYS_MS && at + tracing.delayMs <= now
  return isYoung && at > from && at <= to
}

function matches(
  { supernode, user }: SandboxTrace,
  filters: Omit<z.output<typeof query>, "limit"> & { projectId: string },
): boolean {
  return (
    supernode.projectId === filters.projectId &&
    (filters.service_type ?? "ModelArts") === "ModelArts" &&
    (filters.resource_type ?? RESOURCE_TYPE) === RESOURCE_TYPE &&
    (filters.resource_id ?? supernode.id) === supernode.id &&
    (filters.trace_name ?? TRACE_NAME) === TRACE_NAME &&
    (filters.user ?? user) === user
  )
}

function traceBody({ id, supernode, at, user, source, status, flavor, requestId }: SandboxTrace) {
  return {
    trace_id: id,
    trace_name: TRACE_NAME,
    trace_type: source,
    trace_rating: status >= 400 ? "warning" : "normal",
    service_type: "ModelArts",
    resource_type: RESOURCE_TYPE,
    resource_id: supernode.id,
    resource_name: supernode.name,
    time: at,
    record_time: at,
    user: { id: "sandbox", name: user, domain: { id: "sandbox", name: "sandbox" } },
    code: String(status),
    request: flavor === null ? "" : JSON.stringify({ flavor }),
    response: "",
    request_id: requestId,
    source_ip: "127.0.0.1",
  }
}
