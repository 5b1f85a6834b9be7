import { isRecord } from "../decision/policy/amounts.ts"
import type { NotifyRecipient } from "../decision/policy/notify.ts"
import { isSecureAddress } from "../decision/policy/secure-address.ts"
import type { Delivery } from "../ports.ts"
import { errorIn, FORMATS, jsonOf } from "./formats.ts"
import type { Message } from "./message.ts"
import { type NetworkSettings, type Posted, post, sayStatus } from "./post.ts"
import { cleanedWords } from "./text.ts"

export type Webhook = Extract<NotifyRecipient, { kind: "webhook" }>

export interface WebhookOptions {
  network: NetworkSettings
  /** Time for signatures, in epoch milliseconds. */
  now(): number
}

/** Maximum characters of a vendor's error code and message. */
const MAX_DETAIL = 200
/** Limit for reading the body in format `json`: without a complete body, the status alone decides. */
const JSON_BODY_MS = 300

/** Sends one POST to a webhook in the vendor's format and checks the vendor's response. Never throws. */
export async function sendToWebhook(
  { address, format, secret }: Omit<Webhook, "topics" | "kind">,
  message: Message,
  { network, now, timeoutMs }: WebhookOptions & { timeoutMs: number },
): Promise<Delivery> {
  if (!isSecureAddress(address))
    return { ok: false, why: "the webhook is not https, and plain http is allowed only to this machine" }
  const { body, addressWith } = FORMATS[format]
  const signing = { secret, now: now() }
  const url = new URL(address)
  const posted = await post({
    url: addressWith ? addressWith(url, signing) : url,
    headers: { "content-type": "application/json", ...loginIn(url) },
    body: JSON.stringify(body(message, signing)),
    timeoutMs,
    ...(format === "json" ? { bodyMs: JSON_BODY_MS } : {}),
    network,
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

/** The vendor's error, such as ` with code 40008: …`. Empty for `json`: its receiver may return any text. */
function refusalIn(text: string | null, format: Webhook["format"], clean: Clean): string {
  if (format === "json" || text === null || text.trim() === "") return ""
  const json = jsonOf(text)
  if (isRecord(json)) return ` with ${clean(errorIn(json))}`
  return format === "slack" ? ` with ${clean(text)}` : ""
}

/** Basic authorization with the URL's user and password, which undici does not send. */
function loginIn({ username, password }: URL): Record<string, string> {
  if (!username && !password) return {}
  const login = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(login).toString("base64")}` }
}

/** All secrets in an address, including the host. Path segments under 8 characters (`send`) do not count. */
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
