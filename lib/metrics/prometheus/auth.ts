import { X509Certificate } from "node:crypto"
import { isRecord } from "../../decision/policy/amounts.ts"
import { didYouMean } from "../../decision/policy/did-you-mean.ts"
import { isSecureAddress } from "../../decision/policy/secure-address.ts"

// SUPERNODE_PROMETHEUS_AUTH: logins by URL. They are not in the policy, because the policy is recorded.

/** Login for the URLs under one prefix, and the certificates to trust there. */
export interface PrometheusLogin {
  /** The prefix as a URL without a slash at its end. It has no user or query, so messages may show it. */
  prefix: string
  /** The Authorization header; `null` if the entry has only a `ca`. */
  authorization: string | null
  /** Secrets that no message may contain. */
  secrets: string[]
  /** Certificates to trust instead of the system's: PEM, or the path of a PEM file. `null` if not set. */
  ca: string | null
}

export type PrometheusAuth = readonly PrometheusLogin[]

const KEYS: readonly string[] = ["bearer", "user", "password", "ca"]
const MUST_BE =
  'must be a JSON object such as { "https://prometheus.example.com": { "bearer": "…" } }, or { "user": "…", "password": "…" }'

type Parsed = { logins: PrometheusLogin[]; problems: string[] }

/**
 * The logins in the text of the setting, and all its problems. No message repeats a value, or a key that is
 * not a valid URL, since a user may have put the secret in the wrong place.
 */
export function parsePrometheusAuth(text: string): Parsed {
  const json = jsonOf(text)
  if (!isRecord(json)) return { logins: [], problems: [MUST_BE] }
  const logins: PrometheusLogin[] = []
  const problems: string[] = []
  for (const [i, [written, value]] of Object.entries(json).entries()) {
    const address = addressOf(written)
    const place = address === null ? `entry ${i + 1}` : address
    const found = [
      ...(address === null ? [PREFIX] : []),
      ...(address !== null && !isSecureAddress(address) ? [INSECURE] : []),
      ...(logins.some(({ prefix }) => prefix === address) ? ["is listed twice"] : []),
    ]
    const login = loginOf(value, found)
    problems.push(...found.map((problem) => `${place}: ${problem}`))
    if (address !== null && login !== null) logins.push({ prefix: address, ...login })
  }
  return { logins, problems }
}

const PREFIX = "must be an http or https URL without user, query or fragment"
const INSECURE = "must be https: plain http is allowed only to this machine itself"

/**
 * The login with the longest prefix of this URL; `null` if no prefix matches. A prefix matches by origin and
 * whole path segments, so that no secret is sent to another host.
 */
export function loginFor(auth: PrometheusAuth, url: URL): PrometheusLogin | null {
  const [best] = auth
    .filter(({ prefix }) => isWithin(new URL(prefix), url))
    .toSorted((a, b) => b.prefix.length - a.prefix.length)
  return best ?? null
}

function isWithin(prefix: URL, url: URL): boolean {
  if (prefix.origin !== url.origin) return false
  const [path, whole] = [withoutSlash(prefix.pathname), withoutSlash(url.pathname)]
  return whole === path || whole.startsWith(`${path}/`)
}

/** Removes slashes at the end. A regular expression would take quadratic time on a long row of slashes. */
export function withoutSlash(path: string): string {
  let end = path.length
  while (path[end - 1] === "/") end -= 1
  return path.slice(0, end)
}

/**
 * The normalized prefix; `null` if it is invalid. `URL` normalizes case, default port and dots in the path.
 */
function addressOf(written: string): string | null {
  if (!URL.canParse(written)) return null
  const url = new URL(written)
  const isPlain = url.username === "" && url.password === "" && url.search === "" && url.hash === ""
  if (!isPlain || !/^https?:$/.test(url.protocol) || /[?#]/.test(written)) return null
  return withoutSlash(url.href)
}

function loginOf(value: unknown, problems: string[]): Omit<PrometheusLogin, "prefix"> | null {
  if (!isRecord(value)) {
    problems.push('must be { "bearer": "…" } or { "user": "…", "password": "…" }')
    return null
  }
  for (const key of Object.keys(value).filter((name) => !KEYS.includes(name))) {
    const near = didYouMean(key, KEYS)
    problems.push(
      `has an unknown key; the keys are ${KEYS.join(", ")}${near ? `; did you mean ${near}?` : ""}`,
    )
  }
  const { bearer, user, password, ca } = value
  const isBasic = user !== undefined || password !== undefined
  if (bearer !== undefined && isBasic) problems.push("must have bearer, or user and password, not both")
  if (bearer === undefined && !isBasic && ca === undefined)
    problems.push("must have bearer, or user and password")
  const login =
    bearer !== undefined ? bearerOf(bearer, problems) : isBasic ? basicOf(user, password, problems) : NO_LOGIN
  return { ...login, ca: ca === undefined ? null : certificatesOf(ca, problems) }
}

type LoginParts = Pick<PrometheusLogin, "authorization" | "secrets">
const NO_LOGIN: LoginParts = { authorization: null, secrets: [] }

function bearerOf(bearer: unknown, problems: string[]): LoginParts {
  if (typeof bearer === "string" && /^[\x21-\x7e]+$/.test(bearer))
    return { authorization: `Bearer ${bearer}`, secrets: [bearer] }
  problems.push("bearer must be printable ASCII without spaces")
  return NO_LOGIN
}

function basicOf(user: unknown, password: unknown, problems: string[]): LoginParts {
  const isText = (text: unknown): text is string =>
    typeof text === "string" && text !== "" && !/\p{Cc}/u.test(text)
  if (!isText(user) || user.includes(":")) problems.push("user must be text without a colon")
  if (!isText(password)) problems.push("password must be text")
  if (!isText(user) || !isText(password)) return NO_LOGIN
  const encoded = Buffer.from(`${user}:${password}`).toString("base64")
  return { authorization: `Basic ${encoded}`, secrets: [password, encoded] }
}

const PEM = "-----BEGIN CERTIFICATE-----"

function certificatesOf(ca: unknown, problems: string[]): string | null {
  if (typeof ca !== "string" || ca.trim() === "") {
    problems.push("ca must be certificates as PEM, or the path of a file with them")
    return null
  }
  if (!ca.includes("-----BEGIN")) return ca
  if (isPem(ca)) return ca
  problems.push("ca is not a PEM certificate")
  return null
}

/** True for a valid certificate in PEM. With an invalid one, TLS would silently trust no server. */
export function isPem(text: string): boolean {
  if (!text.includes(PEM)) return false
  try {
    return new X509Certificate(text).subject !== undefined
  } catch {
    return false
  }
}

/** The parser's message is discarded, since it quotes the text, which may contain secrets. */
function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
