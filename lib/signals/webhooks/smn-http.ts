import * as z from "zod"
import { parseShape } from "../shape.ts"
import {
  ageProblem,
  MESSAGE_KINDS,
  type SignedMessage,
  signedLines,
  signedPart,
  topicProblem,
  typeProblem,
} from "./signed-message.ts"

// Simple Message Notification, HTTP(S) subscription (umn, appendix "HTTP/HTTPS messages"). Pure; the caller
// fetches.

const messageShape = z.object({
  type: signedPart.type,
  signature: signedPart.signature,
  signature_version: z.literal("v1", { error: 'must be "v1"' }),
  topic_urn: signedPart.line,
  message_id: signedPart.messageId,
  message: z.string(),
  subject: signedPart.line.nullish(),
  subscribe_url: signedPart.line.nullish(),
  signing_cert_url: signedPart.line,
  timestamp: signedPart.timestamp,
})

export type SmnMessage = z.output<typeof messageShape>

/** Parses the body of a POST by SMN. Throws SignalError. */
export function readSmnMessage(body: unknown): SmnMessage {
  return parseShape(messageShape, body, "")
}

/** The documented string to sign; `subject` is part of it only if it is not empty. */
export function smnStringToSign(message: SmnMessage): string {
  const { message: text, message_id, subject, subscribe_url, timestamp, topic_urn, type } = message
  const middle =
    type === "Notification" ? (["subject", subject] as const) : (["subscribe_url", subscribe_url] as const)
  return signedLines([
    ["message", text],
    ["message_id", message_id],
    ...(middle[1] ? [[middle[0], middle[1]] as const] : []),
    ["timestamp", timestamp],
    ["topic_urn", topic_urn],
    ["type", type],
  ])
}

/** The same message in our common form. */
export function signedSmn(message: SmnMessage): SignedMessage {
  return {
    kind: MESSAGE_KINDS[message.type],
    topic: message.topic_urn,
    text: message.message,
    subscribeUrl: message.type === "Notification" ? null : (message.subscribe_url ?? null),
    certificateUrl: message.signing_cert_url,
    stringToSign: smnStringToSign(message),
    signature: message.signature,
    algorithm: "RSA-SHA256",
  }
}

export interface SmnQuestion {
  message: SmnMessage
  /** Header `x-smn-message-type`. */
  typeHeader: string | undefined
  /** Allowed topic URNs. */
  topics: readonly string[]
  now: number
}

// Matched on the written text, not on a parsed URL: no port, no user, no query, no dots in the path.
const CERTIFICATE_URL =
  /^https:\/\/smn\.([a-z0-9-]+)\.myhuaweicloud\.(?:com|cn|eu)\/smn\/SMN_([a-z0-9-]+)_[0-9a-f]+\.pem$/
const SUBSCRIBE_URL = /^https:\/\/(?:[a-z0-9-]+\.)+huaweicloud\.com\/[\x21-\x7e]*$/
const TOPIC_URN = /^urn:smn:([a-z0-9-]+):[^:]+:[^:]+$/

/** Reason to refuse a message before anything is fetched for it; null if its signature may be checked. */
export function smnProblem({ message, typeHeader, topics, now }: SmnQuestion): string | null {
  return (
    topicProblem(message.topic_urn, topics, "smn_topics") ??
    certificateUrlProblem(message) ??
    subscribeUrlProblem(message) ??
    ageProblem(message.timestamp, now) ??
    typeProblem(message.type, typeHeader, "x-smn-message-type")
  )
}

function certificateUrlProblem({ signing_cert_url, topic_urn }: SmnMessage): string | null {
  const [, host, path] = CERTIFICATE_URL.exec(signing_cert_url) ?? []
  if (host === undefined)
    return "signing_cert_url: must be https://smn.REGION.myhuaweicloud.com/smn/SMN_REGION_HEX.pem"
  const [, region] = TOPIC_URN.exec(topic_urn) ?? []
  return host === region && path === region ? null : "signing_cert_url: must be in the region of the topic"
}

function subscribeUrlProblem({ type, subscribe_url }: SmnMessage): string | null {
  if (type !== "SubscriptionConfirmation" || SUBSCRIBE_URL.test(subscribe_url ?? "")) return null
  return "subscribe_url: must be an https URL at *.huaweicloud.com"
}
