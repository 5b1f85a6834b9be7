import { createSign } from "node:crypto"
import { generate } from "selfsigned"
import { expect } from "vitest"
import {
  type HttpRequest,
  receiveWebhook,
  type WebhookDeps,
  type WebhookResponse,
} from "../../../lib/signals/webhooks/webhooks.ts"
import { sample } from "../sample.ts"

export const NOW = Date.parse("2024-01-12T16:51:17.500Z")
export const HOUR = 3_600_000
export const TOKEN = "THE-WEBHOOK-TOKEN"
export const SMN_TOPIC = "urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:supernode-alarms"
const SNS_TOPIC = "arn:aws:sns:eu-central-1:123456789012:supernode-alarms"

export type Json = Record<string, unknown>
interface Keys {
  private: string
  cert: string
}

export async function keysOf(from: string, to: string): Promise<Keys> {
  return generate([{ name: "commonName", value: "smn" }], {
    keySize: 2048,
    algorithm: "sha256",
    notBeforeDate: new Date(from),
    notAfterDate: new Date(to),
  })
}

/** Keys of the sender; the certificate is valid through 2024. */
export const keys = await keysOf("2024-01-01", "2025-01-01")

/** Environment of the webhooks; it records outgoing requests. */
export class FakeWorld {
  readonly fetched: string[] = []
  readonly confirmed: string[] = []
  pem: string | null = keys.cert
  confirms = true

  deps(over: Partial<WebhookDeps> = {}): WebhookDeps {
    return {
      now: NOW,
      webhookTokens: [TOKEN],
      smnTopics: [SMN_TOPIC],
      snsTopics: [SNS_TOPIC],
      fetchCertificate: async (url) => {
        this.fetched.push(url)
        return this.pem === null ? { ok: false, why: "connection refused" } : { ok: true, pem: this.pem }
      },
      confirmSubscription: async (url) => {
        this.confirmed.push(url)
        return this.confirms ? { ok: true } : { ok: false, why: "status 404" }
      },
      ...over,
    }
  }
}

export function post(path: string, body: unknown, headers: Record<string, string> = {}): HttpRequest {
  const bytes = Buffer.isBuffer(body)
    ? body
    : Buffer.from(typeof body === "string" ? body : JSON.stringify(body))
  return { method: "POST", path, headers, body: bytes }
}

export const answerOf = (status: number, error: RegExp | string) => ({
  kind: "answer",
  status,
  body: { error: typeof error === "string" ? error : expect.stringMatching(error) },
})

/** Signs the documented string, built here independently: each key and each value on its own line. */
export function sign(
  body: Json,
  signedKeys: readonly string[],
  { algorithm = "RSA-SHA256", key = keys.private } = {},
): string {
  const text = signedKeys.flatMap((name) => (body[name] ? [`${name}\n${String(body[name])}\n`] : [])).join("")
  return createSign(algorithm).update(text).sign(key, "base64")
}

const SMN_KEYS = {
  Notification: ["message", "message_id", "subject", "timestamp", "topic_urn", "type"],
  SubscriptionConfirmation: ["message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"],
  UnsubscribeConfirmation: ["message", "message_id", "subscribe_url", "timestamp", "topic_urn", "type"],
}

export interface Signing {
  over?: Json
  key?: string
}

/** A message as SMN sends it, with a real signature. */
export function smnBody(name: string, { over = {}, key = keys.private }: Signing = {}): Json {
  const body: Json = { ...(sample(name)["body"] as Json), ...over }
  const signed = SMN_KEYS[body["type"] as keyof typeof SMN_KEYS] ?? SMN_KEYS.Notification
  return { ...body, signature: sign(body, signed, { key }) }
}

export const notification = (signing?: Signing) => smnBody("smn-http-notification", signing)
export const confirmation = (over: Json = {}) =>
  smnBody("smn-http-subscription-confirmation", {
    over: {
      subscribe_url: "https://cn-southwest-2-console.huaweicloud.com/smn/subscription/confirm?token=abc",
      ...over,
    },
  })

export async function receive(
  request: HttpRequest,
  over: Partial<WebhookDeps> = {},
  world = new FakeWorld(),
): Promise<WebhookResponse> {
  return receiveWebhook(request, world.deps(over))
}
