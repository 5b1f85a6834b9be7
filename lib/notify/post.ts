import { type Dispatcher, request as send } from "undici"
import { ACCEPT_ENCODING, decodedBody } from "../http/content.ts"
import { deadlineIn } from "../http/deadline.ts"
import { dispatchersOf } from "../http/dispatchers.ts"
import { type ProxySettings, sayProxy } from "../http/proxy.ts"
import { TunnelRefused } from "../http/tunnel.ts"

export interface Posting {
  url: URL
  headers: Record<string, string>
  body: string
  /** Limit for the whole exchange, in milliseconds. */
  timeoutMs: number
  /** Limit for reading the body, in milliseconds; a slower body is incomplete. Defaults to `timeoutMs`. */
  bodyMs?: number
  network: NetworkSettings
}

/** Network settings of outgoing requests. */
export interface NetworkSettings {
  /** From HTTPS_PROXY and NO_PROXY. Connects directly if `null` or absent. */
  proxy?: ProxySettings | null
  /** Certificates to trust instead of the system's, in PEM. */
  tls?: { ca: string }
}

/**
 * Result of one POST. `text` is null if the body is incomplete or cannot be decompressed. `says` is the
 * reason why there is no response; it never contains the address.
 */
export type Posted = { kind: "answer"; status: number; text: string | null } | { kind: "none"; says: string }

const MAX_BODY_BYTES = 64 * 1024

/** Sends one POST on a new connection, without retries or redirects. Never throws. */
export async function post({ url, headers, body, timeoutMs, bodyMs, network }: Posting): Promise<Posted> {
  // The connection is new each time, because a kept one may be dead after the container was frozen.
  const limitMs = Math.max(1, Math.floor(timeoutMs))
  const { proxy = null, tls } = network
  const dispatchers = dispatchersOf({
    proxy,
    ca: tls?.ca,
    connectMs: limitMs,
    maxResponseSize: MAX_BODY_BYTES,
  })
  const signal = deadlineIn(limitMs)
  try {
    const answer = await send(url, {
      method: "POST",
      headers: { "user-agent": "supernode-autoscaler", ...ACCEPT_ENCODING, ...headers },
      body,
      dispatcher: dispatchers.for(url),
      signal,
    })
    return {
      kind: "answer",
      status: answer.statusCode,
      text: await wholeText(answer, bodyMs ?? limitMs),
    }
  } catch (cause) {
    const says = signal.aborted
      ? `did not respond within ${limitMs} ms`
      : `returned no readable response${codeIn(cause)}`
    return { kind: "none", says: `${says}${sayProxy(url, proxy)}` }
  } finally {
    await dispatchers.close()
  }
}

/** Text of the body. Null if it is incomplete, too slow, longer than 64 KB or cannot be decompressed. */
async function wholeText(
  { body, headers }: Dispatcher.ResponseData,
  withinMs: number,
): Promise<string | null> {
  const timer = setTimeout(() => body.destroy(new Error("too slow")), withinMs)
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of body) {
      const part = Buffer.from(chunk as Uint8Array)
      bytes += part.byteLength
      if (bytes > MAX_BODY_BYTES) return null
      chunks.push(part)
    }
    const whole = decodedBody(Buffer.concat(chunks), headers["content-encoding"], MAX_BODY_BYTES)
    return whole.ok ? whole.body.toString("utf8") : null
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

/**
 * Error code such as ` (ECONNREFUSED)`, not the full message, which contains the host. A TunnelRefused gives
 * its message, which this program wrote.
 */
function codeIn(cause: unknown): string {
  if (cause instanceof TunnelRefused) return `: ${cause.message}`
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = first instanceof Error && "code" in first ? first.code : null
  return typeof code === "string" && /^[A-Z0-9_]+$/.test(code) ? ` (${code})` : ""
}

/** Text for a status, such as `answered 302, and redirects are not followed`. */
export function sayStatus(status: number): string {
  return `answered ${status}${status >= 300 && status <= 399 ? ", and redirects are not followed" : ""}`
}
