import { verify, X509Certificate } from "node:crypto"
import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { instantOf } from "../instant.ts"

// Common parts of SMN and SNS over HTTP: a message, the string that was signed, and a certificate at a URL of
// the sender.

/** A message as received. No field may be trusted until `signatureProblem` returns `null`. */
export interface SignedMessage {
  type: "Notification" | "SubscriptionConfirmation" | "UnsubscribeConfirmation"
  /** SMN topic URN or SNS topic ARN. */
  topic: string
  /** The notification's own text, such as an alarm. */
  text: string
  /** Text of the time, unchanged, because it was signed as text. */
  timestamp: string
  /** URL that confirms a subscription; `null` if the message has none. */
  subscribeUrl: string | null
  certificateUrl: string
  /** The exact text that was signed. */
  stringToSign: string
  /** Signature in base64. */
  signature: string
  algorithm: "RSA-SHA256" | "RSA-SHA1"
}

/** The differences between the senders of signed messages. */
export interface Sender {
  /** Header that repeats the message's type. */
  typeHeader: string
  /** Key of the policy that lists the allowed topics. */
  listedIn: "smn_topics" | "sns_topics"
  /** Parses the body of a POST. Throws SignalError. */
  read(body: unknown): SignedMessage
  /** Reason to fetch nothing from the URLs in this message; `null` if they are the sender's own. */
  urlProblem(message: SignedMessage): string | null
}

// Only the message text may contain a line break. Otherwise the same signed text could be split into other
// fields.
const oneLine = onFirstUse(() =>
  z
    .string()
    .max(2_048)
    .regex(/^[^\r\n]*$/, { error: "must be one line" }),
)

/** Schemas of the fields of signed messages. */
export const signedPart = onFirstUse(() => ({
  line: oneLine(),
  type: z.enum(["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"]),
  messageId: z.string().regex(/^[0-9A-Za-z-]{1,64}$/, { error: "must be a message id" }),
  signature: z.string().regex(/^[A-Za-z0-9+/]{64,2048}={0,2}$/, { error: "must be base64" }),
  /** Kept as text, since the text was signed. */
  timestamp: oneLine().refine((text) => instantOf(text) !== null, {
    error: "must be a time such as 2024-01-12T16:50:00Z",
  }),
}))

const MAX_AGE_MS = 3_600_000
const MAX_AHEAD_MS = 300_000

export interface ReceivedMessage {
  sender: Sender
  message: SignedMessage
  /** Value of the header that repeats the type; `undefined` if it was not sent. */
  typeHeader: string | undefined
  topics: readonly string[]
  now: number
}

/** Reason to refuse a message before anything is fetched for it; `null` if its signature may be checked. */
export function messageProblem({ sender, message, typeHeader, topics, now }: ReceivedMessage): string | null {
  // Anyone can create a topic, and its messages get a valid signature.
  if (!topics.includes(message.topic))
    return `the topic is not allowed: it is not listed in ${sender.listedIn} of the policy`
  const problem = sender.urlProblem(message) ?? ageProblem(message.timestamp, now)
  if (problem !== null) return problem
  return typeHeader === undefined || typeHeader === message.type
    ? null
    : `header ${sender.typeHeader}: differs from the type in the body (${message.type})`
}

/** Refuses a message that is replayed later. The limit of one hour leaves time for the sender's retries. */
function ageProblem(timestamp: string, now: number): string | null {
  const at = instantOf(timestamp)
  if (at === null) return "timestamp: is not a time"
  if (now - at > MAX_AGE_MS) return "timestamp: is more than 1 h old"
  if (at - now > MAX_AHEAD_MS) return "timestamp: is more than 5 min in the future"
  return null
}

/** Reason why the signature is invalid under this certificate; `null` if it is valid. */
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
  return isRight ? null : "the signature does not match the message"
}

function certificateIn(pem: string): X509Certificate | null {
  try {
    return new X509Certificate(pem)
  } catch {
    return null
  }
}

/** `key\nvalue\n` for each pair that has a value. The last line also ends with a line break. */
export function signedLines(
  pairs: readonly (readonly [key: string, value: string | null | undefined])[],
): string {
  return pairs
    .map(([key, value]) => (value === null || value === undefined ? "" : `${key}\n${value}\n`))
    .join("")
}
