import { createHash } from "node:crypto"
import type { LookupFunction } from "node:net"
import { scaleUpUrl, type UserdataDigest } from "../../decision/plan.ts"
import type { NotSent, Outcome } from "../../decision/state/outcome.ts"
import { ACCEPT_ENCODING } from "../../http/content.ts"
import { MAX_TIMER_MS } from "../../http/deadline.ts"
import { type ProxySettings, proxyFor, proxySecrets } from "../../http/proxy.ts"
import type { BuyOrder, Clock } from "../../ports.ts"
import { messageOf } from "../failure.ts"
import { type Credentials, type CredentialsProvider, sign } from "../signature.ts"
import { outcomeOf } from "./answer.ts"
import { connectForPurchase } from "./connection.ts"
import { oneLine, redact, secretsOf } from "./redaction.ts"
import { sendPurchase } from "./send-purchase.ts"

export interface BuyDeps {
  credentials: CredentialsProvider
  clock: Pick<Clock, "now" | "monotonic">
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string } | undefined
  /** Name resolution. Defaults to the system's. */
  lookup?: LookupFunction | undefined
  /** HTTPS_PROXY and NO_PROXY. By default (or if `null`), the connection is direct. */
  proxy?: ProxySettings | null | undefined
  /**
   * Limit for name resolution, TCP, the proxy's tunnel and TLS together, in milliseconds. `sendBefore` limits
   * them, too. Defaults to 10 s.
   */
  connectTimeoutMs?: number | undefined
}

const DEFAULT_CONNECT_TIMEOUT_MS = 10_000

/**
 * THE PURCHASE: POST …/hyperinstance/{id}/live-scale-up. Sends at most one request, over its own connection.
 * Never throws: every ending becomes an `Outcome`.
 */
export async function buy(order: BuyOrder, deps: BuyDeps): Promise<Outcome> {
  const progress: Progress = { isHandedOver: false, secrets: userdataSecrets(order) }
  try {
    return await buyOnce(order, deps, progress)
  } catch (cause) {
    // No known failure leads here. The outcome is `not-sent` if sending had not begun, else `unknown`.
    const says = oneLine(redact(`unexpected: ${messageOf(cause)}`, progress.secrets))
    if (!progress.isHandedOver) return notSent("unexpected", says)
    return {
      kind: "unknown",
      reason: "unexpected",
      says,
      status: null,
      code: null,
      requestId: null,
      raw: null,
    }
  }
}

interface Progress {
  isHandedOver: boolean
  secrets: (string | null)[]
}

async function buyOnce(order: BuyOrder, deps: BuyDeps, progress: Progress): Promise<Outcome> {
  const { clock } = deps
  const wrong = whatIsWrongWith(order)
  if (wrong) return wrong
  const credentials = await credentialsFor(order, deps)
  if ("kind" in credentials) return credentials
  progress.secrets.push(...secretsOf(credentials))

  const url = new URL(order.plan.request.url)
  const budgetMs = Math.min(timeLeftMs(order, clock), deps.connectTimeoutMs ?? DEFAULT_CONNECT_TIMEOUT_MS)
  if (!(budgetMs >= 0)) return tooLate(order, clock)
  const proxy = proxyFor(url, deps.proxy ?? null)
  if (proxy) progress.secrets.push(...proxySecrets(proxy))
  const { tls, lookup } = deps
  const socket = await connectForPurchase({ url, budgetMs, proxy, tls, lookup })
  if ("kind" in socket) return socket
  try {
    // Signed only now, so that a slow connection does not age the signature.
    const request = signedRequest({ order, url, credentials, now: clock.now() })
    progress.secrets.push(request.headers.authorization, request.headers.authorization.slice(-64))
    const ending = await sendPurchase({
      ...request,
      socket,
      url,
      timeoutMs: Math.min(order.timeoutMs, MAX_TIMER_MS),
      whyNotToSend: () => (timeLeftMs(order, clock) >= 0 ? null : tooLate(order, clock)),
      onHandover: () => {
        progress.isHandedOver = true
      },
    })
    return outcomeOf(ending, { supernode: order.policy.id, now: clock.now(), secrets: progress.secrets })
  } finally {
    socket.destroy()
  }
}

/**
 * Milliseconds until it is too late to send, by the clock with less time left. Negative if it is too late.
 */
function timeLeftMs({ sendBefore, sendBeforeMonotonic }: BuyOrder, clock: BuyDeps["clock"]): number {
  return Math.min(sendBefore - clock.now(), sendBeforeMonotonic - clock.monotonic())
}

function tooLate(order: BuyOrder, clock: BuyDeps["clock"]): NotSent {
  const lateMs = Math.round(-timeLeftMs(order, clock))
  return notSent("too-late", `the time limit to send expired ${lateMs} ms ago; nothing was sent`)
}

/** Reason why the request is not the planned one for this supernode; `null` if it is. */
function whatIsWrongWith({ plan, policy, userdata }: BuyOrder): NotSent | null {
  const { url, body } = plan.request
  if (!isUserdataAsPlanned(body.userdata, userdata)) {
    return notSent("userdata-changed", "the userdata differs from the plan; nothing was sent")
  }
  const path = new URL(scaleUpUrl("http://localhost", policy)).pathname
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (
    !parsed ||
    !/^https?:$/.test(parsed.protocol) ||
    !parsed.pathname.endsWith(path) ||
    parsed.search !== ""
  ) {
    return notSent("url-changed", `the plan's URL is not that of supernode ${policy.id}; nothing was sent`)
  }
  return null
}

function isUserdataAsPlanned(planned: UserdataDigest | undefined, userdata: string | null): boolean {
  if (planned === undefined || userdata === null) return planned === undefined && userdata === null
  const raw = Buffer.from(userdata, "base64")
  const sha256 = createHash("sha256").update(raw).digest("hex")
  // The bytes are also encoded again, since decoding accepts invalid base64.
  return (
    raw.toString("base64") === userdata &&
    raw.length === planned.bytes &&
    sha256 === planned.sha256.replace(/^sha256:/, "")
  )
}

/** Fetches the credentials of this invocation, and waits no longer than until the last moment to send. */
async function credentialsFor(order: BuyOrder, deps: BuyDeps): Promise<Credentials | NotSent> {
  const timeLeft = timeLeftMs(order, deps.clock)
  if (!(timeLeft >= 0)) return tooLate(order, deps.clock)
  let timer: NodeJS.Timeout | undefined
  const inTime = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error("the time limit to send passed first")),
      Math.min(timeLeft, MAX_TIMER_MS),
    )
  })
  try {
    const credentials = await Promise.race([deps.credentials(), inTime])
    if (credentials.ak && credentials.sk) return credentials
    return notSent("no-credentials", "access key or secret key is empty; nothing was sent")
  } catch (cause) {
    return notSent(
      "no-credentials",
      oneLine(`the credentials could not be fetched: ${messageOf(cause)}; nothing was sent`),
    )
  } finally {
    clearTimeout(timer)
  }
}

interface ToSign {
  order: BuyOrder
  url: URL
  credentials: Credentials
  now: number
}

function signedRequest({ order, url, credentials, now }: ToSign) {
  const { userdata: planned, ...rest } = order.plan.request.body
  const body = JSON.stringify(planned === undefined ? rest : { ...rest, userdata: order.userdata })
  const named = { "content-type": "application/json", "x-project-id": order.policy.projectId }
  const signed = sign({ method: "POST", url, headers: named, body, credentials, now })
  // `accept-encoding` is not signed, since a proxy between us and the gateway may rewrite it.
  return { body, headers: { ...signed, ...ACCEPT_ENCODING } }
}

/** Userdata may contain passwords, so it and its base64 form are redacted if an answer echoes them. */
function userdataSecrets({ userdata }: BuyOrder): (string | null)[] {
  return userdata === null ? [] : [userdata, Buffer.from(userdata, "base64").toString()]
}

function notSent(reason: string, says: string): NotSent {
  return { kind: "not-sent", reason, says }
}
