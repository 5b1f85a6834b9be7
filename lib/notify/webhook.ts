import { Agent, request as send } from "undici"
import { isSecureAddress } from "../decision/policy/secure-address.ts"
import type { Delivery, Notice, Notifier } from "../ports.ts"
import { messageOf } from "./message.ts"

export interface WebhookOptions {
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string }
}

/**
 * Tells by one POST to the policy's `notify.webhook`: no retry, no redirect, done with the answer's status. The address is
 * a secret, host included, and so is what comes back from it: neither is in what is said of a failure.
 */
export function webhookNotifier(address: string, { tls }: WebhookOptions = {}): Notifier {
  return {
    async tell(notice, timeoutMs) {
      if (!isSecureAddress(address))
        return { ok: false, why: "the webhook is not https, and plain http may not leave this machine" }
      // A connection of its own: in a container that was frozen for an hour, one that was kept would be dead.
      const limitMs = Math.max(1, Math.floor(timeoutMs))
      const dispatcher = new Agent({ connect: { ...tls, timeout: limitMs } })
      const signal = AbortSignal.timeout(limitMs)
      try {
        return await post(new URL(address), { notice, dispatcher, signal })
      } catch (cause) {
        const says = signal.aborted
          ? `did not answer within ${limitMs} ms`
          : `gave no answer that can be read${codeIn(cause)}`
        return { ok: false, why: `the webhook ${says}` }
      } finally {
        await dispatcher.destroy()
      }
    },
  }
}

interface Posting {
  notice: Notice
  dispatcher: Agent
  signal: AbortSignal
}

async function post(url: URL, { notice, dispatcher, signal }: Posting): Promise<Delivery> {
  const { username, password } = url
  const login = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString(
    "base64",
  )
  const { statusCode } = await send(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "user-agent": "supernode-autoscaler",
      // undici leaves out what stands before the @.
      ...(username || password ? { authorization: `Basic ${login}` } : {}),
    },
    body: JSON.stringify(messageOf(notice)),
    dispatcher,
    signal,
  })
  // The status has said all; what the answer would still bring is cut off with the connection.
  if (statusCode >= 200 && statusCode <= 299) return { ok: true }
  const redirect = statusCode >= 300 && statusCode <= 399 ? ", and redirects are not followed" : ""
  return { ok: false, why: `the webhook answered ${statusCode}${redirect}` }
}

/** ` (ECONNREFUSED)`: a code is all that may be told, since the words around it name the host. */
function codeIn(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? cause.errors[0] : cause
  const code = first instanceof Error && "code" in first ? first.code : null
  return typeof code === "string" && /^[A-Z0-9_]+$/.test(code) ? ` (${code})` : ""
}
