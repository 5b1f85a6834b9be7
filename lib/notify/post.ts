import { type Dispatcher, request as send } from "undici"
import { ACCEPT_ENCODING, bodyOf } from "../http/content.ts"
import { deadlineIn } from "../http/deadline.ts"
import { dispatchersOf } from "../http/dispatchers.ts"
import { type ProxySettings, sayProxy } from "../http/proxy.ts"
import { TunnelRefused } from "../http/tunnel.ts"

export interface Posting {
  url: URL
  headers: Record<string, string>
  body: string
  /** For the whole exchange. */
  timeoutMs: number
  /** Of that, for the body once the status came; the status decides where the body does not end in time. */
  bodyMs?: number
  way: Way
}

/** How requests leave this machine. */
export interface Way {
  /** HTTPS_PROXY and NO_PROXY; null or left out: directly. */
  proxy?: ProxySettings | null
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
}

/** The answer, its body null if it was incomplete; or the reason for a missing answer, without the address. */
export type Posted = { kind: "answer"; status: number; text: string | null } | { kind: "none"; says: string }

const MAX_BODY_BYTES = 64 * 1024

/** One POST on a connection of its own: no retry, no redirect. Never throws. */
export async function post({ url, headers, body, timeoutMs, bodyMs, way }: Posting): Promise<Posted> {
  // A container that was frozen for an hour would find a kept connection dead.
  const limitMs = Math.max(1, Math.floor(timeoutMs))
  const { proxy = null, tls } = way
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
      ? `did not answer within ${limitMs} ms`
      : `gave no answer that can be read${codeIn(cause)}`
    return { kind: "none", says: `${says}${sayProxy(url, proxy)}` }
  } finally {
    await dispatchers.close()
  }
}

/** null where it is longer than 64 KB, breaks off, cannot be inflated or does not end in time. */
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
    const whole = bodyOf(Buffer.concat(chunks), headers["content-encoding"], MAX_BODY_BYTES)
    return whole.ok ? whole.body.toString("utf8") : null
  } catch {
    return null
  } finally {
    clearTimeout(timer)
  }
}

/** ` (ECONNREFUSED)`: only the code, since the words around it name the host. A proxy's refusal is in our own words. */
function codeIn(cause: unknown): string {
  if (cause instanceof TunnelRefused) return `: ${cause.message}`
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = first instanceof Error && "code" in first ? first.code : null
  return typeof code === "string" && /^[A-Z0-9_]+$/.test(code) ? ` (${code})` : ""
}

/** `answered 302, and redirects are not followed`. */
export function sayStatus(status: number): string {
  return `answered ${status}${status >= 300 && status <= 399 ? ", and redirects are not followed" : ""}`
}
