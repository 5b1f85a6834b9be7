import { createHmac } from "node:crypto"
import { isRecord } from "../decision/policy/amounts.ts"
import type { WebhookFormat } from "../decision/policy/notify.ts"
import { type Message, textOf } from "./message.ts"

// Webhook bodies as each vendor documents them, and the responses that mean success. Feishu, DingTalk and
// WeCom refuse a message with HTTP 200 and an error code in the body: the status alone proves nothing.

/** Meaning of a 2xx response. `detail` is the vendor's error code and message; clean it before showing it. */
export type DeliveryVerdict = { isTaken: true } | { isTaken: false; detail: string }

export interface Format {
  body(message: Message, signing: Signing): Record<string, unknown>
  /** Interprets the body of a 2xx response; `text` is null if the body is incomplete. */
  judge(text: string | null): DeliveryVerdict
  /** Adds the signature to the URL. Absent if the signature is not part of the URL. */
  addressWith?(url: URL, signing: Signing): URL
}

export interface Signing {
  /** The robot's signing secret; `null` if the policy has none, and then nothing is signed. */
  secret: string | null
  /** Epoch milliseconds. */
  now: number
}

/** Start of each message to a group robot, because a robot may require a keyword in every message. */
const KEYWORD = "[supernode-autoscaler] "

const MAX_TEXT_BYTES = {
  json: 256 * 1024,
  // Documented limit: 40,000 characters.
  slack: 39_000,
  // Documented limit: 20 KB for the request.
  feishu: 18_000,
  // Documented limit: 20,000 bytes.
  dingtalk: 18_000,
  // Documented limit of `text.content`: 2,048 bytes.
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

/** Escapes the three characters that Slack requires; it reads `<…>` as a link or a mention. */
function escapedForSlack(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}

/** Replaces the brackets: Feishu reads `<at user_id="all">` as a mention and has no escape for it. */
function withoutTags(text: string): string {
  return text.replaceAll("<", "‹").replaceAll(">", "›")
}

/**
 * Body fields `timestamp` (seconds) and `sign`: base64 of the HMAC-SHA256 of an empty message, with the key
 * "timestamp\nsecret".
 */
function feishuSignature({ secret, now }: Signing): Record<string, string> {
  if (secret === null) return {}
  const timestamp = String(Math.floor(now / 1_000))
  const sign = createHmac("sha256", `${timestamp}\n${secret}`).digest("base64")
  return { timestamp, sign }
}

/**
 * URL with the query parameters `timestamp` (milliseconds) and `sign`: base64 of the HMAC-SHA256 of
 * "timestamp\nsecret", with the secret as key.
 */
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

/** For vendors with a code in every response. Success only if the first of these fields that exists is 0. */
function judgeCode(text: string | null, names: readonly string[]): DeliveryVerdict {
  const json = jsonOf(text)
  if (!isRecord(json)) return refused(text === null ? null : "a body that is not the vendor's JSON")
  const code = names.map((name) => json[name]).find((value) => value !== undefined)
  if (code === 0) return { isTaken: true }
  return refused(code === undefined ? `a body without ${names[0]}` : errorIn(json))
}

/** For format `json`, whose receiver is unknown. Success unless the body is clearly a refusal. */
function judgeUnknownReceiver(text: string | null): DeliveryVerdict {
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

/**
 * True for Feishu's response to a body in another format, such as `{ code: 9499, msg }`. A code below 1000
 * may be an HTTP status and does not count as a refusal.
 */
function isFeishuRefusal({ code, msg }: Record<string, unknown>): boolean {
  return typeof msg === "string" && typeof code === "number" && code >= 1_000
}

function refused(detail: string | null): DeliveryVerdict {
  return { isTaken: false, detail: detail ?? "a body that is incomplete or cannot be read" }
}

const CODES = ["errcode", "error_code", "code", "StatusCode", "error"]
const WORDS = ["errmsg", "error_msg", "error_message", "msg", "message", "StatusMessage"]

/** Error code and message from the fields that the body has, such as `code 40008: invalid message type`. */
export function errorIn(json: Record<string, unknown>): string {
  const [code, words] = [CODES, WORDS].map((names) => names.map((name) => json[name]).find(isSaid))
  const said = [
    code === undefined ? null : `code ${String(code)}`,
    words === undefined ? null : String(words),
  ]
  return said.filter((part) => part !== null).join(": ") || "a body without a reason"
}

function isSaid(value: unknown): value is string | number {
  return typeof value === "number" || (typeof value === "string" && value !== "")
}

/** Parsed JSON; undefined if the text is null or not JSON. */
export function jsonOf(text: string | null): unknown {
  try {
    return text === null ? undefined : JSON.parse(text)
  } catch {
    return undefined
  }
}
