import { createHash, timingSafeEqual } from "node:crypto"
import { cleanText } from "../../decision/inputs/foreign-text.ts"
import type { Signal } from "../../decision/inputs/signal.ts"
import { readAlerts } from "../alertmanager.ts"
import { readSnsAlarm } from "../aws/sns.ts"
import { readCloudEyeAlarm } from "../huawei/cloud-eye-alarm.ts"
import { MAX_TEXT_BYTES, readJson } from "../json-text.ts"
import { type Concerns, ownField } from "../shape.ts"
import { SignalError } from "../signal-error.ts"
import type { FetchCertificate } from "./certificate-cache.ts"
import type { HttpRequest } from "./http-request.ts"
import { messageProblem, type Sender, signatureProblem } from "./signed-message.ts"
import { SMN } from "./smn-http.ts"
import { SNS } from "./sns-http.ts"

export { MAX_TEXT_BYTES } from "../json-text.ts"
export { rememberCertificates } from "./certificate-cache.ts"
export { type HttpRequest, httpRequestOf, receivedRequest } from "./http-request.ts"

/** Signals to run, or an immediate response. */
export type WebhookResponse =
  | { kind: "signals"; signals: Signal[]; problems: string[] }
  | { kind: "answer"; status: number; body: unknown }

export interface WebhookDeps {
  /** Arrival time, epoch milliseconds. */
  now: number
  /**
   * `SUPERNODE_WEBHOOK_TOKEN`: one token, or two while one replaces the other. If empty, the webhooks that
   * need a token are closed.
   */
  webhookTokens: readonly string[]
  /** True for alarms that a supernode of the policy lists. If absent, every alarm counts as listed. */
  concerns?: Concerns
  /** Allowed SMN topics, from the policy and the settings; `snsTopics` likewise. Other topics are refused. */
  smnTopics: readonly string[]
  snsTopics: readonly string[]
  /** GET of a pinned https URL, without following redirects. */
  fetchCertificate: FetchCertificate
  /** GET of a pinned https URL that confirms a subscription, without following redirects. */
  confirmSubscription(url: string): Promise<{ ok: true } | { ok: false; why: string }>
}

type Receive = (request: HttpRequest, deps: WebhookDeps) => Promise<WebhookResponse>

interface Path {
  method: "GET" | "POST"
  receive: Receive
  /** Setting without which this path accepts nothing. If absent, the path is always open. */
  opener?: Opener
  /** Set if the sender (SMN) does not wait as long as a run takes. It gets its response before the run. */
  isAnsweredEarly?: true
}

export type Opener = "token" | "smn-topics" | "sns-topics"

/**
 * All known paths. A body is read only in the format of its own path. It is never read as another door's
 * event or as a person's request.
 */
const PATHS = {
  "/smn": { method: "POST", receive: receiveSmn, opener: "smn-topics", isAnsweredEarly: true },
  "/sns": { method: "POST", receive: receiveSns, opener: "sns-topics" },
  "/alertmanager": { method: "POST", receive: receiveAlerts, opener: "token" },
  "/grafana": { method: "POST", receive: receiveAlerts, opener: "token" },
  "/healthz": { method: "GET", receive: async () => answer(200, { status: "ok" }) },
} as const satisfies Readonly<Record<string, Path>>

const ALL_PATHS: readonly [string, Path][] = Object.entries(PATHS)

export type WebhookPath = keyof typeof PATHS

/** Paths that accept nothing until `opener` is configured. */
export function pathsOpenedBy(opener: Opener): string[] {
  return ALL_PATHS.filter(([, path]) => path.opener === opener).map(([name]) => name)
}

/** True if the sender on this path gets its response before the run. */
export function isAnsweredEarly(path: string): boolean {
  const known = webhookPathOf(path)
  return known !== null && (PATHS[known] as Path).isAnsweredEarly === true
}

/** Maximum length of a path. Two prefix segments of 64 characters and a name fit in. */
const MAX_PATH_CHARS = 200
const MAX_PREFIX_SEGMENTS = 2
const PREFIX_SEGMENT = /^[A-Za-z0-9_-]{1,64}$/

/**
 * Known path of a request; `null` if it has none. Gateways add a stage or the function's name as a prefix,
 * and some senders add a trailing slash. The prefix may have at most two segments of letters, digits, `_` and
 * `-`. No segment may be the name of a known path. `/healthz` has no prefix and no trailing slash.
 */
export function webhookPathOf(path: string): WebhookPath | null {
  if (path === "/healthz") return path
  if (path.length > MAX_PATH_CHARS) return null
  const [start, ...segments] = path.replace(/\/$/, "").split("/")
  const name = `/${segments.pop()}`
  const isPrefix =
    start === "" &&
    segments.length <= MAX_PREFIX_SEGMENTS &&
    segments.every((segment) => PREFIX_SEGMENT.test(segment) && !isPath(`/${segment}`))
  return isPrefix && name !== "/healthz" && isPath(name) ? name : null
}

function isPath(name: string): name is WebhookPath {
  return Object.hasOwn(PATHS, name)
}

/**
 * Reads signals from one HTTP request, or responds to it: 200 nothing to run, 400 malformed, 401 not
 * authenticated, 404 and 405 no such webhook, 413 too large. 503: a certificate could not be fetched or a
 * subscription could not be confirmed, so another try may help.
 */
export async function receiveWebhook(request: HttpRequest, deps: WebhookDeps): Promise<WebhookResponse> {
  if (request.body.byteLength > MAX_TEXT_BYTES)
    return refuse(413, `the body is larger than ${MAX_TEXT_BYTES / 1024} KB`)
  const known = webhookPathOf(request.path)
  if (known === null) {
    const path = cleanText(request.path, MAX_PATH_CHARS)
    return answer(404, { error: "no such path", path, paths: pathsSaid() })
  }
  const path = PATHS[known]
  const method = request.method.toUpperCase()
  if (method !== path.method && !(method === "HEAD" && path.method === "GET"))
    return refuse(405, `this path accepts ${path.method === "GET" ? "GET and HEAD" : path.method} only`)
  try {
    return await path.receive(request, deps)
  } catch (error) {
    if (error instanceof SignalError) return answer(400, { error: "malformed", problems: error.problems })
    throw error
  }
}

async function receiveAlerts(request: HttpRequest, deps: WebhookDeps): Promise<WebhookResponse> {
  const problem = tokenProblem(request.headers["authorization"], deps.webhookTokens)
  if (problem !== null) return refuse(401, problem)
  return { kind: "signals", ...readAlerts(jsonBody(request), deps.now, deps.concerns) }
}

const MAX_AUTHORIZATION_CHARS = 4_096

/**
 * Reason to refuse the Authorization header; `null` if a token matches. Compares hashes, and always with
 * every token. So response times reveal neither a token's length, nor how much of it was right, nor which
 * token matched.
 */
function tokenProblem(authorization = "", tokens: readonly string[]): string | null {
  if (tokens.length === 0) return "this webhook is closed, because SUPERNODE_WEBHOOK_TOKEN is not set"
  const isBounded = authorization.length <= MAX_AUTHORIZATION_CHARS
  const [, given] = (isBounded && /^Bearer +(\S.*)$/i.exec(authorization)) || []
  if (given === undefined) return "header Authorization: must have the form Bearer TOKEN"
  const fits = tokens.map((token) => timingSafeEqual(sha256(given), sha256(token)))
  return fits.includes(true) ? null : "the token is wrong"
}

async function receiveSmn(request: HttpRequest, deps: WebhookDeps): Promise<WebhookResponse> {
  return receiveSigned({
    sender: SMN,
    body: jsonBody(request),
    request,
    topics: deps.smnTopics,
    deps,
    readAlarm: (text) => readCloudEyeAlarm(text, "message"),
  })
}

async function receiveSns(request: HttpRequest, deps: WebhookDeps): Promise<WebhookResponse> {
  const body = jsonBody(request)
  if (isRawDelivery(request, body)) throw new SignalError(RAW_DELIVERY_HINT)
  return receiveSigned({
    sender: SNS,
    body,
    request,
    topics: deps.snsTopics,
    deps,
    readAlarm: (text) => readSnsAlarm(text, "Message"),
  })
}

const RAW_DELIVERY_HINT =
  "the body: has no signature, since the subscription delivers raw messages. Switch off `Enable raw message delivery` (RawMessageDelivery) of this SNS subscription"

/** SNS marks raw delivery in a header. A CloudWatch alarm without its envelope is raw delivery, too. */
function isRawDelivery({ headers }: HttpRequest, body: unknown): boolean {
  return (
    headers["x-amz-sns-rawdelivery"]?.toLowerCase() === "true" || ownField(body, "AlarmArn") !== undefined
  )
}

interface SignedRequest {
  sender: Sender
  body: unknown
  request: HttpRequest
  topics: readonly string[]
  deps: WebhookDeps
  readAlarm(text: string): Signal
}

/** The content is read only after its sender is verified. */
async function receiveSigned({
  sender,
  body,
  request,
  topics,
  deps,
  readAlarm,
}: SignedRequest): Promise<WebhookResponse> {
  const message = sender.read(body)
  const typeHeader = request.headers[sender.typeHeader]
  const problem = messageProblem({ sender, message, typeHeader, topics, now: deps.now })
  if (problem !== null) return refuse(401, problem)
  const certificate = await deps.fetchCertificate(message.certificateUrl)
  if (!certificate.ok) return refuse(503, `the signing certificate could not be fetched: ${certificate.why}`)
  const forged = signatureProblem({ message, pem: certificate.pem, now: deps.now })
  if (forged !== null) return refuse(401, forged)
  switch (message.type) {
    case "Notification":
      return { kind: "signals", signals: [readAlarm(message.text)], problems: [] }
    case "SubscriptionConfirmation": {
      const confirmed = await deps.confirmSubscription(message.subscribeUrl ?? "")
      if (!confirmed.ok) return refuse(503, `the subscription could not be confirmed: ${confirmed.why}`)
      return answer(200, { status: "confirmed", topic: message.topic })
    }
    case "UnsubscribeConfirmation":
      return answer(200, { status: "unsubscribed", topic: message.topic })
    default:
      return message.type satisfies never
  }
}

function jsonBody({ body, headers }: HttpRequest): unknown {
  if (isCompressed(body, headers["content-encoding"])) throw new SignalError(COMPRESSED_HINT)
  return readJson(textOf(body), "the body")
}

const COMPRESSED_HINT =
  "the body: is compressed, which is not supported. Switch off compression (Content-Encoding) in the sender or in the proxy in front of this endpoint"

/** True if a body is compressed. gzip is recognized by its first two bytes, even if the header is missing. */
function isCompressed(body: Buffer, encoding = "identity"): boolean {
  return (body[0] === 0x1f && body[1] === 0x8b) || !["", "identity"].includes(encoding.trim().toLowerCase())
}

function textOf(body: Buffer): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body)
  } catch (cause) {
    throw new SignalError("the body: is not UTF-8 text", { cause })
  }
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}

function pathsSaid(): string[] {
  return Object.entries(PATHS).map(([path, { method }]) => `${method} ${path}`)
}

function answer(status: number, body: unknown): WebhookResponse {
  return { kind: "answer", status, body }
}

function refuse(status: number, error: string): WebhookResponse {
  return answer(status, { error })
}
