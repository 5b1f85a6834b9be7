import { createHash, createHmac } from "node:crypto"

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
  const headers: Record<string, string> = {
    ...lowerCased(request.headers),
    host: request.url.host,
    "x-sdk-date": date,
    ...(securityToken ? { "x-security-token": securityToken } : {}),
  }
  const signature = signatureOf({ canonical: canonicalRequest({ ...request, headers }), date, sk })
  const names = signedHeaders(headers)
  return {
    ...headers,
    authorization: `${ALGORITHM} Access=${ak}, SignedHeaders=${names}, Signature=${signature}`,
  }
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
  return createHmac("sha256", sk)
    .update([ALGORITHM, date, sha256(canonical)].join("\n"))
    .digest("hex")
}

/** The signed part of a request: all its headers, names compared in lower case. */
export function canonicalRequest({ method, url, headers, body }: UnsignedRequest): string {
  const lower = lowerCased(headers)
  const lines = Object.keys(lower)
    .sort()
    .map((name) => `${name}:${lower[name]?.trim()}\n`)
  return [
    method.toUpperCase(),
    canonicalPath(url.pathname),
    url.search === "" ? "" : canonicalQuery(url.searchParams),
    lines.join(""),
    signedHeaders(lower),
    sha256(body ?? ""),
  ].join("\n")
}

/** Sorted by key, then by value; both RFC 3986 encoded. */
export function canonicalQuery(params: Iterable<[string, string]>): string {
  return [...params]
    .sort(([a, x], [b, y]) => (a === b ? compare(x, y) : compare(a, b)))
    .map(([key, value]) => `${rfc3986(key)}=${rfc3986(value)}`)
    .join("&")
}

/** Each segment encoded once, whatever was escaped in the URL already; a slash at the end that the URL need not have. */
function canonicalPath(pathname: string): string {
  const path = pathname
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

function signedHeaders(headers: Readonly<Record<string, string>>): string {
  return Object.keys(headers).sort().join(";")
}

function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}

/** `20260101T000000Z`. */
function sdkDate(now: number): string {
  return new Date(now).toISOString().replace(/[-:]|\.\d{3}/g, "")
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex")
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
