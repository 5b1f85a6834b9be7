import { createHmac } from "node:crypto"
import { isRecord } from "../decision/policy/amounts.ts"
import type { WebhookFormat } from "../decision/policy/notify.ts"
import { type Message, textOf } from "./message.ts"

// Bodies of webhooks as each vendor documents them, and the answers that mean "taken". Feishu, DingTalk and WeCom answer
// HTTP 200 to a refused message, with an error code in the body: the status alone says nothing.

/** What an answer with a 2xx status means; `detail` is the vendor's code and words, to be cleaned before it is shown. */
export type Answer = { isTaken: true } | { isTaken: false; detail: string }

export interface Format {
  body(message: Message, signing: Signing): Record<string, unknown>
  /** The vendor's answer with a 2xx status; `text` is null where no whole body came. */
  judge(text: string | null): Answer
  /** The address to post to, where the signature is part of it. */
  addressWith?(url: URL, signing: Signing): URL
}

export interface Signing {
  /** The robot's signing secret; null: it asks for none. */
  secret: string | null
  /** Epoch milliseconds. */
  now: number
}

/** A group robot may demand a keyword in every message: this one is in all of ours. */
const KEYWORD = "[supernode-autoscaler] "

const MAX_TEXT_BYTES = {
  json: 256 * 1024,
  // Documented: 40,000 characters.
  slack: 39_000,
  // Documented: a request of 20 KB.
  feishu: 18_000,
  // Documented: 20,000 bytes.
  dingtalk: 18_000,
  // Documented: `text.content` of 2,048 bytes.
  wecom: 2_048,
} as const satisfies Record<WebhookFormat, number>

export const FORMATS: Readonly<Record<WebhookFormat, Format>> = {
  json: {
    body: (message) => ({ text: escapedForSlack(textOf(message, MAX_TEXT_BYTES.json)), ...message.fields }),
    judge: judgeUnknownReceiver,
  },
  slack: {
    body: (message) => ({ text: escapedForSlack(textOf(message, MAX_TEXT_BYTES.slack)) }),
    judge: (text) =>
      text?.trim() === "ok" ? { isTaken: true } : refused(text === null ? null : `not "ok" but ${text}`),
  },
  feishu: {
    body: (message, signing) => ({
      ...feishuSignature(signing),
      msg_type: "text",
      content: { text: withoutTags(keyworded(message, MAX_TEXT_BYTES.feishu)) },
    }),
    judge: (text) => judgeCode(text, ["code", "StatusCode"]),
  },
  dingtalk: {
    body: (message) => ({
      msgtype: "text",
      text: { content: keyworded(message, MAX_TEXT_BYTES.dingtalk) },
    }),
    judge: (text) => judgeCode(text, ["errcode"]),
    addressWith: dingtalkAddress,
  },
  wecom: {
    body: (message) => ({ msgtype: "text", text: { content: keyworded(message, MAX_TEXT_BYTES.wecom) } }),
    judge: (text) => judgeCode(text, ["errcode"]),
  },
}

function keyworded(message: Message, maxBytes: number): string {
  return `${KEYWORD}${textOf(message, maxBytes - Buffer.byteLength(KEYWORD))}`
}

/** Slack takes `<…>` for links and mentions; these three are the signs it wants escaped. */
function escapedForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}

/** Feishu takes `<at user_id="all">` for a mention and knows no escape: another sign looks the same. */
function withoutTags(text: string): string {
  return text.replaceAll("<", "‹").replaceAll(">", "›")
}

/** Body fields `timestamp` (seconds) and `sign`: base64 of the HMAC-SHA256 of nothing, under the key "timestamp\nsecret". */
function feishuSignature({ secret, now }: Signing): Record<string, string> {
  if (secret === null) return {}
  const timestamp = String(Math.floor(now / 1_000))
  const sign = createHmac("sha256", `${timestamp}\n${secret}`).digest("base64")
  return { timestamp, sign }
}

/** Query `timestamp` (milliseconds) and `sign`: base64 of the HMAC-SHA256 of "timestamp\nsecret" under the secret. */
function dingtalkAddress(url: URL, { secret, now }: Signing): URL {
  if (secret === null) return url
  const signed = new URL(url)
  const timestamp = String(now)
  signed.searchParams.set("timestamp", timestamp)
  signed.searchParams.set(
    "sign",
    createHmac("sha256", secret).update(`${timestamp}\n${secret}`).digest("base64"),
  )
  return signed
}

/** Vendors with a code in every answer: only a clear 0 under one of these names means that the message was taken. */
function judgeCode(text: string | null, names: readonly string[]): Answer {
  const json = jsonOf(text)
  if (!isRecord(json)) return refused(text === null ? null : "a body that is not the vendor's JSON")
  const code = names.map((name) => json[name]).find((value) => value !== undefined)
  if (code === 0) return { isTaken: true }
  return refused(code === undefined ? `a body without ${names[0]}` : errorIn(json))
}

/** Format `json` knows no receiver: its status decides, unless the body clearly is a refusal. */
function judgeUnknownReceiver(text: string | null): Answer {
  const json = jsonOf(text)
  if (!isRecord(json)) return { isTaken: true }
  const isRefusal =
    (typeof json["errcode"] === "number" && json["errcode"] !== 0) ||
    isFeishuRefusal(json) ||
    json["ok"] === false ||
    json["success"] === false ||
    json["error_code"] !== undefined
  return isRefusal ? refused(errorIn(json)) : { isTaken: true }
}

/** `{ code: 9499, msg }`: what Feishu says of a body in another format. A code like an HTTP status says nothing here. */
function isFeishuRefusal({ code, msg }: Record<string, unknown>): boolean {
  return typeof msg === "string" && typeof code === "number" && code >= 1_000
}

function refused(detail: string | null): Answer {
  return { isTaken: false, detail: detail ?? "no whole body that would say that it was taken" }
}

const CODES = ["errcode", "error_code", "code", "StatusCode", "error"]
const WORDS = ["errmsg", "error_msg", "error_message", "msg", "message", "StatusMessage"]

/** `code 40008: invalid message type`, from whichever fields the body has. */
export function errorIn(json: Record<string, unknown>): string {
  const [code, words] = [CODES, WORDS].map((names) => names.map((name) => json[name]).find(isSaid))
  const said = [
    code === undefined ? null : `code ${String(code)}`,
    words === undefined ? null : String(words),
  ]
  return said.filter((part) => part !== null).join(": ") || "a body that says no reason"
}

function isSaid(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && value !== "")
}

/** undefined for what is no JSON. */
export function jsonOf(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
