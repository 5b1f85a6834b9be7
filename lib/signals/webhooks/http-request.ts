import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"

/** An HTTP request, from any gateway. */
export interface HttpRequest {
  method: string
  /** Path as the gateway reports it, without the query. */
  path: string
  /** Header values by name in lower case. */
  headers: Record<string, string>
  body: Buffer
}

const contentShape = onFirstUse(() => ({
  headers: z.record(z.string(), z.unknown()).catch({}),
  body: z.string().catch(""),
}))

/** Lambda Function URL (payload 2.0). */
const functionUrl = onFirstUse(() =>
  z
    .object({
      requestContext: z.object({ http: z.object({ method: z.string() }) }),
      rawPath: z.string(),
      ...contentShape(),
    })
    .transform((event) => ({ ...event, method: event.requestContext.http.method, path: event.rawPath })),
)

/** FunctionGraph behind APIG. In real traffic the body is base64. */
const apig = onFirstUse(() =>
  z
    .object({ httpMethod: z.string(), path: z.string(), ...contentShape() })
    .transform((event) => ({ ...event, method: event.httpMethod, path: event.path })),
)

const httpEvent = onFirstUse(() => z.union([functionUrl(), apig()]))

/** HTTP request in a Function URL or APIG event; `null` if the event is not an HTTP request. */
export function httpRequestOf(event: unknown): HttpRequest | null {
  const parsed = httpEvent().safeParse(event)
  if (!parsed.success) return null
  const { method, path, headers, body } = parsed.data
  return {
    method,
    path,
    headers: lowerCased(Object.entries(headers)),
    body: Buffer.from(body, isBase64(body) ? "base64" : "utf8"),
  }
}

/**
 * True if a body is base64, as its characters show: JSON objects and lists have brackets, and base64 has
 * none. `isBase64Encoded` is not read, because gateways set it wrongly, write it as text, or omit it.
 */
function isBase64(body: string): boolean {
  return /^[A-Za-z0-9+/=_\s-]*$/.test(body)
}

/**
 * Request that our own server received. `rawHeaders` alternates names and values, as in Node.js.
 */
export function receivedRequest(received: {
  method: string
  /** Path with the query. */
  target: string
  rawHeaders: readonly string[]
  body: Buffer
}): HttpRequest {
  const { method, target, rawHeaders, body } = received
  const pairs = rawHeaders.flatMap((name, i) => (i % 2 === 0 ? [[name, rawHeaders[i + 1]] as const] : []))
  return { method, path: pathOf(target), headers: lowerCased(pairs), body }
}

/** `/smn?token=x` -> `/smn`. The query is never read or logged. */
function pathOf(target: string): string {
  return target.split("?", 1)[0] ?? ""
}

/**
 * Headers by lower-case name. Repeated headers are joined into one value, which then equals no token or type,
 * so an ambiguous header is not trusted.
 */
function lowerCased(headers: readonly (readonly [name: string, value: unknown])[]): Record<string, string> {
  const lower = new Map<string, string>()
  for (const [name, value] of headers) {
    if (typeof value !== "string") continue
    const key = name.toLowerCase()
    const before = lower.get(key)
    lower.set(key, before === undefined ? value : `${before}, ${value}`)
  }
  return Object.fromEntries(lower)
}
