import { createHash, createHmac, timingSafeEqual } from "node:crypto"

// SDK-HMAC-SHA256 from the cloud's side, written from the specification only. It shares no code with the
// signer of lib/huawei: otherwise a mistake in the shared code would never show.

/** A request as it arrived, as raw bytes. */
export interface ArrivedRequest {
  method: string
  /** As received: escaped, without the query. */
  path: string
  /** As received: escaped, without the `?`. */
  query: string
  /** Alternating names and values as in node:http, so that a header sent twice is visible. */
  rawHeaders: readonly string[]
  body: Uint8Array
}

export interface AccessKey {
  ak: string
  sk: string
  /** Present for temporary keys only. Each request must contain it and sign it. */
  securityToken?: string | undefined
}

const MAX_SKEW_MS = 15 * 60_000
const AUTHORIZATION = /^SDK-HMAC-SHA256 Access=([^,\s]+), SignedHeaders=([^,\s]+), Signature=([0-9a-f]{64})$/

/** Reason why a request is refused, as a sentence; null if its signature is valid. */
export function refusalOf(
  request: ArrivedRequest,
  { keys, now }: { keys: readonly AccessKey[]; now: number },
): string | null {
  const headers = headersOf(request.rawHeaders)
  const authorization = only(headers, "authorization")
  if (authorization === null) return "there must be exactly one Authorization header"
  const [, ak = "", signedList = "", signature = ""] = AUTHORIZATION.exec(authorization) ?? []
  if (ak === "")
    return "the Authorization header is not `SDK-HMAC-SHA256 Access=…, SignedHeaders=…, Signature=…`"
  const key = keys.find((known) => known.ak === ak)
  if (!key) return `ak ${ak} not exist`

  const signed = signedList.split(";")
  const refusal =
    dateRefusal(headers, now) ??
    signedRefusal(headers, signed) ??
    tokenRefusal(headers, key) ??
    hashRefusal(headers, request.body)
  if (refusal !== null) return refusal

  const expected = signatureOf(request, { signedHeaders: signed, sk: key.sk })
  const holds = timingSafeEqual(Buffer.from(signature), Buffer.from(expected))
  return holds ? null : "verify aksk signature fail"
}

/** The hex signature that a request must carry over the given headers (lower-case names, sorted). */
export function signatureOf(
  request: ArrivedRequest,
  { signedHeaders, sk }: { signedHeaders: readonly string[]; sk: string },
): string {
  const headers = headersOf(request.rawHeaders)
  const canonicalRequest = [
    request.method,
    canonicalPath(request.path),
    canonicalQuery(request.query),
    signedHeaders.map((name) => `${name}:${(headers.get(name) ?? []).join(",").trim()}\n`).join(""),
    signedHeaders.join(";"),
    sha256(request.body),
  ].join("\n")
  const date = only(headers, "x-sdk-date") ?? ""
  return createHmac("sha256", sk)
    .update(`SDK-HMAC-SHA256\n${date}\n${sha256(canonicalRequest)}`)
    .digest("hex")
}

function dateRefusal(headers: Map<string, string[]>, now: number): string | null {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(only(headers, "x-sdk-date") ?? "")
  if (!match) return "there must be exactly one X-Sdk-Date header, written YYYYMMDDTHHMMSSZ"
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1).map(Number)
  const skewMs = Date.UTC(year, month - 1, day, hour, minute, second) - now
  return Math.abs(skewMs) > MAX_SKEW_MS
    ? `X-Sdk-Date is ${Math.round(skewMs / 1000)} s off, more than 15 minutes`
    : null
}

function signedRefusal(headers: Map<string, string[]>, signed: readonly string[]): string | null {
  const sorted = [...new Set(signed.map((name) => name.toLowerCase()))].sort()
  if (sorted.join(";") !== signed.join(";")) return "SignedHeaders must be lower-case, sorted, each once"
  const requiredNames = [
    "host",
    "x-sdk-date",
    ...["x-project-id", "x-security-token"].filter((name) => headers.has(name)),
  ]
  const unsigned = requiredNames.find((name) => !signed.includes(name))
  if (unsigned !== undefined) return `${unsigned} must be signed`
  const unclear = signed.find((name) => only(headers, name) === null)
  return unclear === undefined ? null : `${unclear} is signed but was not sent exactly once`
}

function tokenRefusal(headers: Map<string, string[]>, key: AccessKey): string | null {
  const token = only(headers, "x-security-token") ?? undefined
  return token === key.securityToken ? null : "X-Security-Token does not belong to this access key"
}

/** The real gateway trusts X-Sdk-Content-Sha256; here it must match the bytes. */
function hashRefusal(headers: Map<string, string[]>, body: Uint8Array): string | null {
  const claimed = headers.get("x-sdk-content-sha256")
  return claimed === undefined || claimed.join(",") === sha256(body)
    ? null
    : "X-Sdk-Content-Sha256 is not the body's hash"
}

function headersOf(rawHeaders: readonly string[]): Map<string, string[]> {
  const headers = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? "").toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), rawHeaders[i + 1] ?? ""])
  }
  return headers
}

function only(headers: Map<string, string[]>, name: string): string | null {
  const values = headers.get(name) ?? []
  return values.length === 1 ? (values[0] ?? null) : null
}

/** Encodes each segment separately, and adds a trailing slash that the real URL does not have. */
function canonicalPath(path: string): string {
  const encoded = path
    .split("/")
    .map((segment) => encode(decode(segment)))
    .join("/")
  return encoded.endsWith("/") ? encoded : `${encoded}/`
}

function canonicalQuery(query: string): string {
  if (query === "") return ""
  const pairs = query.split("&").map((pair) => {
    const [name = "", ...rest] = pair.split("=")
    return { name: decode(name), value: decode(rest.join("=")) }
  })
  pairs.sort((a, b) => compare(a.name, b.name) || compare(a.value, b.value))
  return pairs.map(({ name, value }) => `${encode(name)}=${encode(value)}`).join("&")
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** RFC 3986: everything but A-Z a-z 0-9 - _ . ~ */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
}

/** A text with a broken escape stays unchanged; then its signature cannot be valid by accident. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function sha256(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex")
}
