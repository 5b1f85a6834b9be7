import { verify, X509Certificate } from "node:crypto"
import * as z from "zod"
import { instantOf } from "../instant.ts"

// What SMN and SNS over HTTP have in common: a message, a string to sign, and a certificate at a URL of theirs.

/** A message as it came: nothing of it may be believed before `signatureProblem` is null. */
export interface SignedMessage {
  kind: "notification" | "subscription" | "unsubscription"
  /** SMN topic URN or SNS topic ARN. */
  topic: string
  /** The notification's own text, such as an alarm. */
  text: string
  /** Where a subscription is confirmed; null for notifications. */
  subscribeUrl: string | null
  certificateUrl: string
  /** The exact text that was signed. */
  stringToSign: string
  /** base64. */
  signature: string
  algorithm: "RSA-SHA256" | "RSA-SHA1"
}

export const MESSAGE_KINDS = {
  Notification: "notification",
  SubscriptionConfirmation: "subscription",
  UnsubscribeConfirmation: "unsubscription",
} as const

// No field but the message itself may hold a line break: else the same signed text could be cut into other fields.
const oneLine = z
  .string()
  .max(2_048)
  .regex(/^[^\r\n]*$/, { error: "must be one line" })

/** The parts of signed messages, by what they may hold. */
export const signedPart = {
  line: oneLine,
  type: z.enum(["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]),
  messageId: z.string().regex(/^[0-9A-Za-z-]{1,64}$/, { error: "must be a message id" }),
  signature: z.string().regex(/^[A-Za-z0-9+/]{64,2048}={0,2}$/, { error: "must be base64" }),
  /** Kept as text, since the text is what was signed. */
  timestamp: oneLine.refine((text) => instantOf(text) !== null, {
    error: "must be a time such as 2024-01-12T16:50:00Z",
  }),
}

const MAX_AGE_MS = 3_600_000
const MAX_AHEAD_MS = 300_000

/** A message that is kept and sent again later is refused, whoever signed it; an hour leaves room for the sender's retries. */
export function ageProblem(timestamp: string, now: number): string | null {
  const at = instantOf(timestamp)
  if (at === null) return "timestamp: is no time"
  if (now - at > MAX_AGE_MS) return "timestamp: is more than 1 h old"
  if (at - now > MAX_AHEAD_MS) return "timestamp: is more than 5 min ahead"
  return null
}

/** A topic must be on the list: anyone may sign up a topic of his own and have it signed. */
export function topicProblem(topic: string, topics: readonly string[], listedIn: string): string | null {
  return topics.includes(topic)
    ? null
    : `the topic is not allowed: only those in ${listedIn} of the policy are`
}

/** Header and body must agree on what this is. `header` is undefined where it was not sent. */
export function typeProblem(type: string, header: string | undefined, name: string): string | null {
  return header === undefined || header === type
    ? null
    : `header ${name}: does not agree with the body, which says ${type}`
}

/** Why the signature does not hold under this certificate; null if it does. */
export function signatureProblem({
  message,
  pem,
  now,
}: {
  message: SignedMessage
  pem: string
  now: number
}): string | null {
  const certificate = certificateIn(pem)
  if (certificate === null) return "the signing certificate cannot be read"
  if (now < Date.parse(certificate.validFrom)) return "the signing certificate is not valid yet"
  if (!(now <= Date.parse(certificate.validTo))) return "the signing certificate has expired"
  if (certificate.publicKey.asymmetricKeyType !== "rsa") return "the signing certificate has no RSA key"
  const isRight = verify(
    message.algorithm,
    Buffer.from(message.stringToSign),
    certificate.publicKey,
    Buffer.from(message.signature, "base64"),
  )
  return isRight ? null : "the signature does not fit the message"
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

/** `key\nvalue\n` for each pair, the last line ended too. */
export function signedLines(pairs: readonly (readonly [key: string, value: string])[]): string {
  return pairs.map(([key, value]) => `${key}\n${value}\n`).join("")
}
