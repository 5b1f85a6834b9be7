import { isRecord } from "../decision/policy/amounts.ts"
import type { NotifyRecipient } from "../decision/policy/notify.ts"
import { isSecureAddress } from "../decision/policy/secure-address.ts"
import type { Delivery } from "../ports.ts"
import { errorIn, FORMATS, jsonOf } from "./formats.ts"
import type { Message } from "./message.ts"
import { type Posted, post, sayStatus, type Way } from "./post.ts"
import { cleanedWords } from "./text.ts"

export type Webhook = Extract<NotifyRecipient, { kind: "webhook" }>

export interface WebhookOptions {
  way: Way
  /** Epoch milliseconds, for signatures. */
  now(): number
}

/** Of a vendor's code and words. */
const MAX_DETAIL = 200
/** Format `json` takes a status for an answer, so a body that does not end costs no more than this. */
const JSON_BODY_MS = 300

/** One POST to a webhook, in the vendor's form, judged by the vendor's answer. Never throws. */
export async function sendToWebhook(
  { address, format, secret }: Omit<Webhook, "topics" | "kind">,
  message: Message,
  { way, now, timeoutMs }: WebhookOptions & { timeoutMs: number },
): Promise<Delivery> {
  if (!isSecureAddress(address))
    return { ok: false, why: "the webhook is not https, and plain http may not leave this machine" }
  const { body, addressWith } = FORMATS[format]
  const signing = { secret, now: now() }
  const url = new URL(address)
  const posted = await post({
    url: addressWith ? addressWith(url, signing) : url,
    headers: { "content-type": "application/json", ...loginIn(url) },
    body: JSON.stringify(body(message, signing)),
    timeoutMs,
    ...(format === "json" ? { bodyMs: JSON_BODY_MS } : {}),
    way,
  })
  const secrets = secretsOf(url, secret)
  const problem = problemOf(posted, format, (words) => cleanedWords(words, MAX_DETAIL, secrets))
  return problem === null ? { ok: true } : { ok: false, why: `the webhook ${problem}` }
}

type Clean = (words: string) => string

function problemOf(posted: Posted, format: Webhook["format"], clean: Clean): string | null {
  if (posted.kind === "none") return posted.says
  const { status, text } = posted
  if (status < 200 || status > 299) return `${sayStatus(status)}${refusalIn(text, format, clean)}`
  const answer = FORMATS[format].judge(text)
  return answer.isTaken ? null : `answered ${status} with ${clean(answer.detail)}`
}

/** ` with code 40008: …`: the words of a vendor whose form is known. Those of an unknown receiver may be anything. */
function refusalIn(text: string | null, format: Webhook["format"], clean: Clean): string {
  if (format === "json" || text === null || text.trim() === "") return ""
  const json = jsonOf(text)
  if (isRecord(json)) return ` with ${clean(errorIn(json))}`
  return format === "slack" ? ` with ${clean(text)}` : ""
}

/** undici leaves out the user and password in front of the @. */
function loginIn({ username, password }: URL): Record<string, string> {
  if (!username && !password) return {}
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(login).toString("base64")}` }
}

/** Everything in an address that is a secret, host included; short words such as `send` are not secrets. */
function secretsOf(url: URL, secret: string | null): string[] {
  const { href, host, hostname, pathname, search, username, password, searchParams } = url
  const segments = pathname.split("/").filter((segment) => segment.length >= 8)
  return [
    ...[href, host, hostname, search, username, password, secret ?? ""],
    ...(pathname.length > 1 ? [pathname] : []),
    ...segments,
    ...searchParams.values(),
  ]
}
