// Not by name: an older Node.js has no `hash`, could not link this, and would not say which Node.js it needs.
import crypto from "node:crypto"

// SDK-HMAC-SHA256, Huawei Cloud's AK/SK signature. The key is the SK itself: there is no key derivation.

const ALGORITHM = "SDK-HMAC-SHA256"

/** An access key pair; `securityToken` comes with temporary ones. */
export interface Credentials {
  ak: string
  sk: string
  securityToken: string | null
}

/** Asked anew for every request, since FunctionGraph's temporary keys change between invocations. */
export type CredentialsProvider = () => Promise<Credentials>

export interface UnsignedRequest {
  method: string
  url: URL
  headers: Readonly<Record<string, string>>
  /** Exactly what goes over the wire; null for none. */
  body: string | null
}

/**
 * The headers to send, names in lower case: those given plus `host`, `x-sdk-date`, `x-security-token` (temporary keys
 * only) and `authorization`. Every one of them is signed. `now` is in epoch milliseconds; the cloud refuses signatures
 * that are more than 15 minutes off.
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

/** The signed part of a request: all its headers, names compared in lower case. */
export function canonicalRequest(request: UnsignedRequest): string {
  const headers = lowerCased(request.headers)
  return canonicalOf(request, { headers, names: Object.keys(headers).sort() })
}

interface SignedHeaders {
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>
  /** Those names in order. */
  names: readonly string[]
}

function canonicalOf({ method, url, body }: UnsignedRequest, { headers, names }: SignedHeaders): string {
  let lines = ""
  for (const name of names) lines += `${name}:${headers[name]?.trim()}\n`
  const query = url.search === "" ? "" : canonicalQuery(url.searchParams)
  const path = canonicalPath(url.pathname)
  return `${method.toUpperCase()}\n${path}\n${query}\n${lines}\n${names.join(";")}\n${sha256(body ?? "")}`
}

/** Sorted by key, then by value; both RFC 3986 encoded. */
export function canonicalQuery(params: Iterable<[string, string]>): string {
  return [...params]
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([key, value]) => `${rfc3986(key)}=${rfc3986(value)}`)
    .join("&")
}

/** RFC 3986: such characters are written as they are. */
const NOTHING_TO_ESCAPE = /^[\w.~/-]*$/

/** Each segment encoded once, whatever was escaped in the URL already; a slash at the end that the URL need not have. */
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

/** `20260101T000000Z`. */
function sdkDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "")
}

function sha256(text: string): string {
  return crypto.hash("sha256", text, "hex")
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
