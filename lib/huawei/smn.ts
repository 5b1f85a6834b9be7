import { Agent, request as send } from "undici"
import { codeOf, messageOf } from "./failure.ts"
import { oneLine } from "./purchase/redaction.ts"

// The two unsigned requests that SMN's HTTP messages ask for. Which hosts and paths are allowed, the caller has checked
// before: here is only made sure that nothing leads elsewhere.

/** A text that was fetched, or why not. */
export type Fetched = { ok: true; value: string } | { ok: false; why: string }

export interface SmnOptions {
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
  /** For a whole request. */
  timeoutMs?: number
}

export interface SmnRequests {
  /** The PEM behind a message's `signing_cert_url`. */
  fetchPem(url: string): Promise<Fetched>
  /** GET of `subscribe_url`, which confirms the subscription. */
  confirmSubscription(url: string): Promise<Fetched>
  close(): Promise<void>
}

const MAX_BYTES = 64 * 1024
const DEFAULT_TIMEOUT_MS = 4_000

export function smnRequests({ tls, timeoutMs = DEFAULT_TIMEOUT_MS }: SmnOptions = {}): SmnRequests {
  const dispatcher = new Agent({ connect: { ...tls, timeout: timeoutMs }, maxResponseSize: MAX_BYTES })
  const get = (url: string) => fetchText(url, { dispatcher, timeoutMs })
  return {
    async fetchPem(url) {
      const fetched = await get(url)
      if (!fetched.ok || fetched.value.includes("-----BEGIN CERTIFICATE-----")) return fetched
      return { ok: false, why: `${hostOf(url)} answered with something that is no PEM certificate` }
    },
    confirmSubscription: get,
    close: () => dispatcher.destroy(),
  }
}

async function fetchText(url: string, options: { dispatcher: Agent; timeoutMs: number }): Promise<Fetched> {
  if (!URL.canParse(url) || new URL(url).protocol !== "https:")
    return { ok: false, why: "the address is no https URL" }
  const signal = AbortSignal.timeout(options.timeoutMs)
  try {
    const answer = await send(url, { method: "GET", dispatcher: options.dispatcher, signal })
    const text = await answer.body.text()
    if (answer.statusCode >= 200 && answer.statusCode <= 299) return { ok: true, value: text }
    return { ok: false, why: `${hostOf(url)} answered ${answer.statusCode}` }
  } catch (cause) {
    const tooLarge = codeOf(cause) === "UND_ERR_RES_EXCEEDED_MAX_SIZE"
    const says = tooLarge
      ? "the answer is larger than 64 KB"
      : signal.aborted
        ? "it took too long"
        : messageOf(cause)
    return { ok: false, why: oneLine(`${hostOf(url)} could not be read: ${says}`) }
  }
}

/** Without path and query: a subscription's address carries its token. */
function hostOf(url: string): string {
  return new URL(url).host
}
