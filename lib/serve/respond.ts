import type { IncomingMessage } from "node:http"
import { type App, RunsFailed } from "../app/app.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { type Clock, LedgerError } from "../ports.ts"
import { isAnsweredEarly, MAX_TEXT_BYTES, receivedRequest } from "../signals/webhooks/webhooks.ts"
import { DroppedError } from "./admission-queue.ts"
import { readBody } from "./body.ts"
import type { Emit } from "./event.ts"
import type { Reply } from "./listener.ts"
import { PAGE_PATHS, type PagePath } from "./live-page.ts"
import type { Runs } from "./runs.ts"

/** Seconds after which a refused sender may send again. */
const RETRY_AFTER = { "retry-after": "30" }

/** Paths that report on this process and start no run. */
export const STATUS_PATHS: readonly string[] = ["/healthz", "/readyz", "/metrics", ...PAGE_PATHS]

export interface ResponderParts {
  app: App
  runs: Runs
  clock: Clock
  emit: Emit
  health(): Promise<Reply>
  readiness(): Promise<Reply>
  metrics(incoming: IncomingMessage): Promise<Reply>
  page(incoming: IncomingMessage, path: PagePath): Promise<Reply>
  isStopping(): boolean
}

/**
 * Answers one HTTP request and reports the response as one event. `null` if the sender closed the connection
 * before the end of its request.
 */
export async function respondTo(parts: ResponderParts, incoming: IncomingMessage): Promise<Reply | null> {
  const startedAt = parts.clock.monotonic()
  const method = incoming.method ?? ""
  const [path = ""] = (incoming.url ?? "").split("?", 1)
  const reply = await replyTo(parts, { incoming, method, path })
  if (reply === null) return null
  const { status, body } = reply
  parts.emit({
    kind: "request",
    answered: {
      method,
      path: pathSeen(path),
      status,
      tookMs: parts.clock.monotonic() - startedAt,
      why: status >= 400 ? errorIn(body) : null,
    },
  })
  return parts.isStopping() ? { ...reply, isLast: true } : reply
}

/** Maximum length of a path in the log. */
const MAX_PATH_CHARS = 256
/** A token has at least this many characters (SUPERNODE_WEBHOOK_TOKEN). */
const TOKEN_CHARS = 16

/**
 * The path for the log, so that an operator sees why a sender gets 404. It is foreign text, and a sender may
 * write a token into it. So a segment that is long enough to be a token is truncated.
 */
function pathSeen(path: string): string {
  const shown = path
    .slice(0, MAX_PATH_CHARS * 4)
    .split("/")
    .map((segment) => (segment.length < TOKEN_CHARS ? segment : `${segment.slice(0, 4)}…`))
  return cleanText(shown.join("/"), MAX_PATH_CHARS)
}

interface ServeRequest {
  incoming: IncomingMessage
  method: string
  path: string
}

async function replyTo(
  parts: ResponderParts,
  { incoming, method, path }: ServeRequest,
): Promise<Reply | null> {
  const isRead = method === "GET" || method === "HEAD"
  if (isRead && path === "/healthz") return parts.health()
  if (isRead && path === "/readyz") return parts.readiness()
  if (isRead && path === "/metrics") return parts.metrics(incoming)
  const page = PAGE_PATHS.find((one) => one === path)
  if (isRead && page)
    return parts
      .page(incoming, page)
      .catch((error: unknown) => failed(parts, { what: `${method} ${path}`, error }))
  if (path === "/readyz" || path === "/metrics" || page)
    return { ...refuse(405, "use GET for this path"), headers: headersFor(405, path), isLast: true }
  if (parts.isStopping()) return stopping()
  const body = await readBody(incoming, MAX_TEXT_BYTES)
  if (body.kind === "gone") return null
  if (body.kind === "too-large") {
    return { ...refuse(413, `the body is larger than ${MAX_TEXT_BYTES / 1024} KB`), isLast: true }
  }
  const { rawHeaders } = incoming
  const request = receivedRequest({ method, target: path, rawHeaders, body: body.bytes })
  try {
    const received = await parts.app.receive(request)
    if (received.kind === "signals") return await runAll(parts, path, received)
    return { ...received, headers: headersFor(received.status, path) }
  } catch (error) {
    return failed(parts, { what: `${method} ${path}`, error })
  }
}

type Received = Extract<Awaited<ReturnType<App["receive"]>>, { kind: "signals" }>

async function runAll(
  { runs, emit }: ResponderParts,
  path: string,
  { signals, problems }: Received,
): Promise<Reply> {
  const admission = runs.admit(signals, problems)
  if (admission.kind === "refused") return admission.why === "full" ? tooBusy() : stopping()
  if (!isAnsweredEarly(path)) {
    const { results } = await admission.done
    return { status: 200, body: { results } }
  }
  const accepted = signals.map(({ id }) => id)
  admission.done.catch((error: unknown) => {
    if (error instanceof DroppedError) emit({ kind: "dropped", signals: accepted })
    else emit({ kind: "failed", what: `run of ${accepted.join(", ")}`, error })
  })
  return { status: 202, body: { accepted } }
}

/** Logs the reasons. The response says only whether the ledger failed, and that the sender may send again. */
function failed({ emit }: ResponderParts, { what, error }: { what: string; error: unknown }): Reply {
  if (error instanceof DroppedError) return stopping()
  emit({ kind: "failed", what, error })
  const errors: unknown[] = error instanceof AggregateError ? error.errors : [error]
  const results = error instanceof RunsFailed ? error.results : []
  const byLedger = errors.every((one) => one instanceof LedgerError)
  const says = byLedger ? "the ledger could not be read or written" : "the request failed; see the log"
  return { status: byLedger ? 503 : 500, body: { error: says, results }, headers: RETRY_AFTER }
}

function headersFor(status: number, path: string): Record<string, string> {
  if (status === 405) return { allow: STATUS_PATHS.includes(path) ? "GET, HEAD" : "POST" }
  return status === 503 ? RETRY_AFTER : {}
}

function tooBusy(): Reply {
  return { ...refuse(503, "too many alarms at once; send it again"), headers: RETRY_AFTER }
}

function stopping(): Reply {
  return { ...refuse(503, "stopping; send it again"), headers: RETRY_AFTER, isLast: true }
}

function refuse(status: number, error: string): Reply {
  return { status, body: { error } }
}

function errorIn(body: unknown): string | null {
  return typeof body === "object" && body !== null && "error" in body ? String(body.error) : null
}
