import { request as send } from "undici"
import { ACCEPT_ENCODING, decodedBody } from "../http/content.ts"
import { deadlineIn } from "../http/deadline.ts"
import { type Dispatchers, dispatchersOf } from "../http/dispatchers.ts"
import { type ProxySettings, sayProxy } from "../http/proxy.ts"
import { errorOf, jsonOf } from "./answer-error.ts"
import { codeOf, messageOf } from "./failure.ts"
import { oneLine } from "./purchase/redaction.ts"

// The two unsigned requests that SMN's HTTP messages require. The caller has already checked the host and the
// path. This file only ensures that a request does not lead elsewhere: it accepts https only and does not
// follow redirects.

/** The fetched text, or the reason why the fetch failed. */
export type Fetched = { ok: true; value: string } | { ok: false; why: string }

export interface SmnOptions {
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /** HTTPS_PROXY and NO_PROXY. By default (or if `null`), every request goes directly. */
  proxy?: ProxySettings | null
  /** Limit for a whole request, in milliseconds. Defaults to 4 s. */
  timeoutMs?: number
}

export interface SmnRequests {
  /** Fetches the PEM certificate at a message's `signing_cert_url`. */
  fetchPem(url: string): Promise<Fetched>
  /** Confirms the subscription by a GET of `subscribe_url`. */
  confirmSubscription(url: string): Promise<Fetched>
  close(): Promise<void>
}

const MAX_BYTES = 64 * 1024
const DEFAULT_TIMEOUT_MS = 4_000

export function smnRequests({
  tls,
  proxy = null,
  timeoutMs = DEFAULT_TIMEOUT_MS,
}: SmnOptions = {}): SmnRequests {
  const dispatchers = dispatchersOf({ proxy, ca: tls?.ca, connectMs: timeoutMs, maxResponseSize: MAX_BYTES })
  const get = (url: string) => fetchText(url, { dispatchers, proxy, timeoutMs })
  return {
    async fetchPem(url) {
      const fetched = await get(url)
      if (!fetched.ok || fetched.value.includes("-----BEGIN CERTIFICATE-----")) return fetched
      return { ok: false, why: `${hostOf(url)} answered with something that is not a PEM certificate` }
    },
    async confirmSubscription(url) {
      const fetched = await get(url)
      const problem = fetched.ok ? confirmationProblem(fetched.value, url) : null
      return problem === null ? fetched : { ok: false, why: oneLine(`${hostOf(url)} ${problem}`) }
    },
    close: () => dispatchers.close(),
  }
}

/**
 * Reason why a subscription is not confirmed despite a 2xx status; `null` if it is confirmed. SNS documents a
 * SubscriptionArn in its answer. SMN does not document its answer, so only an error code in it counts as a
 * failure.
 */
function confirmationProblem(text: string, url: string): string | null {
  if (/\.amazonaws\.com(\.cn)?$/.test(new URL(url).hostname))
    return text.includes("<SubscriptionArn>") ? null : "answered without a SubscriptionArn"
  const json = jsonOf(text)
  if (json === undefined) return null
  const { code, message } = errorOf(json)
  return code === null || code === "0"
    ? null
    : `refused with code ${code}${message === null ? "" : `: ${message}`}`
}

async function fetchText(
  url: string,
  options: { dispatchers: Dispatchers; proxy: ProxySettings | null; timeoutMs: number },
): Promise<Fetched> {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    return { ok: false, why: "the address is not an https URL" }
  const signal = deadlineIn(options.timeoutMs)
  try {
    const dispatcher = options.dispatchers.for(new URL(url))
    const answer = await send(url, { method: "GET", dispatcher, headers: ACCEPT_ENCODING, signal })
    const wire = Buffer.from(await answer.body.arrayBuffer())
    const content = decodedBody(wire, answer.headers["content-encoding"], MAX_BYTES)
    if (!content.ok) return { ok: false, why: `${hostOf(url)} answered with ${content.why}` }
    const text = new TextDecoder().decode(content.body)
    if (answer.statusCode >= 200 && answer.statusCode <= 299) return { ok: true, value: text }
    return { ok: false, why: `${hostOf(url)} answered ${answer.statusCode}` }
  } catch (cause) {
    const tooLarge = codeOf(cause) === "UND_ERR_RES_EXCEEDED_MAX_SIZE"
    const says = tooLarge
      ? "the response is larger than 64 KB"
      : signal.aborted
        ? "it took too long"
        : messageOf(cause)
    const via = sayProxy(new URL(url), options.proxy)
    return { ok: false, why: oneLine(`${hostOf(url)} could not be read: ${says}${via}`) }
  }
}

/** The host without path and query, since the URL of a subscription contains its token. */
function hostOf(url: string): string {
  return new URL(url).host
}
