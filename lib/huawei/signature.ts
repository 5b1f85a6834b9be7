// A default import: an older Node.js lacks `hash` and would fail to link a named import, before we can report
// the required version.
import crypto from "node:crypto"

// SDK-HMAC-SHA256, Huawei Cloud's AK/SK signature. The key is the SK itself: there is no key derivation.

const ALGORITHM = "SDK-HMAC-SHA256"

/** An access key pair. Only temporary keys have a `securityToken`. */
export interface Credentials {
  ak: string
  sk: string
  securityToken: string | null
}

/** Called anew for each request, since FunctionGraph's temporary keys change between invocations. */
export type CredentialsProvider = () => Promise<Credentials>

export interface UnsignedRequest {
  method: string
  url: URL
  headers: Readonly<Record<string, string>>
  /** The exact text that is sent; `null` for no body. */
  body: string | null
}

/**
 * The headers to send, names in lower case: the given ones plus `host`, `x-sdk-date`, `x-security-token`
 * (temporary keys only) and `authorization`, which contains the signature of all others. `now` is in epoch
 * milliseconds; the cloud refuses signatures that are more than 15 minutes off.
 */
export function sign(
  request: UnsignedRequest & { credentials: Credentials; now: number },
): Record<string, string> & { authorization: string } {
  const { ak, sk, securityToken } = request.credentials
  const date = sdkDate(request.now)
  const headers = lowerCased(request.headers)
  headers["host"] = request.url.host
  headers["x-sdk-date"] = date
  if (securityToken) headers["x-security-token"] = securityToken
  const names = Object.keys(headers).sort()
  const signature = signatureOf({ canonical: canonicalOf(request, { headers, names }), date, sk })
  const authorization = `${ALGORITHM} Access=${ak}, SignedHeaders=${names.join(";")}, Signature=${signature}`
  return Object.assign(headers, { authorization })
}

/** Hex HMAC of a canonical request; `date` as in X-Sdk-Date. */
export function signatureOf({
  canonical,
  date,
  sk,
}: {
  canonical: string
  date: string
  sk: string
}): string {
  return crypto
    .createHmac("sha256", sk)
    .update(`${ALGORITHM}\n${date}\n${sha256(canonical)}`)
    .digest("hex")
}

/** The canonical text of a request, which is signed. It includes all headers, with names in lower case. */
export function canonicalRequest(request: UnsignedRequest): string {
  const headers = lowerCased(request.headers)
  return canonicalOf(request, { headers, names: Object.keys(headers).sort() })
}

interface SignedHeaders {
  /** Headers with names in lower case. */
  headers: Readonly<Record<string, string>>
  /** The names of these headers, sorted. */
  names: readonly string[]
}

function canonicalOf({ method, url, body }: UnsignedRequest, { headers, names }: SignedHeaders): string {
  let lines = ""
  for (const name of names) lines += `${name}:${headers[name]?.trim()}\n`
  const query = url.search === "" ? "" : canonicalQuery(url.searchParams)
  const path = canonicalPath(url.pathname)
  return `${method.toUpperCase()}\n${path}\n${query}\n${lines}\n${names.join(";")}\n${sha256(body ?? "")}`
}

/** The query string, sorted by key and then by value, both encoded as in RFC 3986. */
export function canonicalQuery(params: Iterable<[string, string]>): string {
  return [...params]
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([key, value]) => `${rfc3986(key)}=${rfc3986(value)}`)
    .join("&")
}

/** A path of characters that RFC 3986 does not escape. */
const NOTHING_TO_ESCAPE = /^[\w.~/-]*$/

/** The path with each segment encoded once, even if the URL already has escapes. It ends with a slash. */
function canonicalPath(pathname: string): string {
  const path = NOTHING_TO_ESCAPE.test(pathname)
    ? pathname
    : pathname
        .split("/")
        .map((segment) => rfc3986(unescaped(segment)))
        .join("/")
  return path.endsWith("/") ? path : `${path}/`
}

function unescaped(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch {
    return segment
  }
}

function rfc3986(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  const lower: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) lower[name.toLowerCase()] = value
  return lower
}

/** Time for the header X-Sdk-Date, such as `20260101T000000Z`. */
function sdkDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "")
}

function sha256(text: string): string {
  return crypto.hash("sha256", text, "hex")
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
