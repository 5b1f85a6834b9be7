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

// Amazon SNS, HTTP(S) subscription ("Verifying the signatures of Amazon SNS messages"). Pure; the caller
// fetches.

const ALGORITHMS = { "1": "RSA-SHA1", "2": "RSA-SHA256" } as const

const messageShape = z.object({
  Type: signedPart.type,
  Signature: signedPart.signature,
  SignatureVersion: z.enum(["1", "2"]),
  TopicArn: signedPart.line,
  MessageId: signedPart.messageId,
  Message: z.string(),
  Subject: signedPart.line.nullish(),
  SubscribeURL: signedPart.line.nullish(),
  Token: signedPart.line.nullish(),
  SigningCertURL: signedPart.line,
  Timestamp: signedPart.timestamp,
})

export type SnsMessage = z.output<typeof messageShape>

/**
 * Parses the body of a POST by SNS. Throws SignalError; raw message delivery has no signature, so it is never
 * readable.
 */
export function readSnsMessage(body: unknown): SnsMessage {
  return parseShape(messageShape, body, "")
}

/** The documented string to sign: `Subject` only if present, `SubscribeURL` and `Token` for confirmations. */
export function snsStringToSign(message: SnsMessage): string {
  const isNotification = message.Type === "Notification"
  const pairs: (readonly [string, string | null | undefined])[] = [
    ["Message", message.Message],
    ["MessageId", message.MessageId],
    ["Subject", isNotification ? message.Subject : null],
    ["SubscribeURL", isNotification ? null : message.SubscribeURL],
    ["Timestamp", message.Timestamp],
    ["Token", isNotification ? null : message.Token],
    ["TopicArn", message.TopicArn],
    ["Type", message.Type],
  ]
  return signedLines(
    pairs.flatMap(([key, value]) => (value === null || value === undefined ? [] : [[key, value] as const])),
  )
}

/** The same message in our common form. */
export function signedSns(message: SnsMessage): SignedMessage {
  return {
    kind: MESSAGE_KINDS[message.Type],
    topic: message.TopicArn,
    text: message.Message,
    subscribeUrl: message.Type === "Notification" ? null : (message.SubscribeURL ?? null),
    certificateUrl: message.SigningCertURL,
    stringToSign: snsStringToSign(message),
    signature: message.Signature,
    algorithm: ALGORITHMS[message.SignatureVersion],
  }
}

export interface SnsQuestion {
  message: SnsMessage
  /** Header `x-amz-sns-message-type`. */
  typeHeader: string | undefined
  /** Allowed topic ARNs. */
  topics: readonly string[]
  now: number
}

const CERTIFICATE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/SimpleNotificationService-[0-9a-f]+\.pem$/
const SUBSCRIBE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/\?Action=ConfirmSubscription&[\x21-\x7e]*$/
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]+$/

/** Reason to refuse a message before anything is fetched for it; null if its signature may be checked. */
export function snsProblem({ message, typeHeader, topics, now }: SnsQuestion): string | null {
  return (
    topicProblem(message.TopicArn, topics, "sns_topics") ??
    urlProblem(message) ??
    ageProblem(message.Timestamp, now) ??
    typeProblem(message.Type, typeHeader, "x-amz-sns-message-type")
  )
}

function urlProblem({ Type, TopicArn, SigningCertURL, SubscribeURL }: SnsMessage): string | null {
  const [, region] = TOPIC_ARN.exec(TopicArn) ?? []
  const [, certificateRegion] = CERTIFICATE_URL.exec(SigningCertURL) ?? []
  if (certificateRegion === undefined || certificateRegion !== region) {
    return "SigningCertURL: must be https://sns.REGION.amazonaws.com/SimpleNotificationService-HEX.pem in the topic's region"
  }
  if (Type !== "SubscriptionConfirmation") return null
  const [, subscribeRegion] = SUBSCRIBE_URL.exec(SubscribeURL ?? "") ?? []
  return subscribeRegion === region
    ? null
    : "SubscribeURL: must confirm at https://sns.REGION.amazonaws.com in the topic's region"
}
