import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { parseShape } from "../shape.ts"
import { type Sender, signedLines, signedPart } from "./signed-message.ts"

// Amazon SNS, HTTP(S) subscription ("Verifying the signatures of Amazon SNS messages").

const ALGORITHMS = { "1": "RSA-SHA1", "2": "RSA-SHA256" } as const

const messageShape = onFirstUse(() =>
  z.object({
    Type: signedPart().type,
    Signature: signedPart().signature,
    SignatureVersion: z.enum(["1", "2"]),
    TopicArn: signedPart().line,
    MessageId: signedPart().messageId,
    Message: z.string(),
    Subject: signedPart().line.nullish(),
    SubscribeURL: signedPart().line.nullish(),
    Token: signedPart().line.nullish(),
    SigningCertURL: signedPart().line,
    Timestamp: signedPart().timestamp,
  }),
)

type SnsMessage = z.output<ReturnType<typeof messageShape>>

const CERTIFICATE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/SimpleNotificationService-[0-9a-f]+\.pem$/
const SUBSCRIBE_URL =
  /^https:\/\/sns\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?\/\?Action=ConfirmSubscription&[\x21-\x7e]*$/
const TOPIC_ARN = /^arn:aws[a-z-]*:sns:([a-z0-9-]+):\d{12}:[A-Za-z0-9_.-]+$/

/** SNS as a sender. Raw message delivery has no signature, so `read` refuses it. */
export const SNS: Sender = {
  typeHeader: "x-amz-sns-message-type",
  listedIn: "sns_topics",
  read(body) {
    const message = parseShape(messageShape(), body, "")
    return {
      type: message.Type,
      topic: message.TopicArn,
      text: message.Message,
      timestamp: message.Timestamp,
      subscribeUrl: message.SubscribeURL ?? null,
      certificateUrl: message.SigningCertURL,
      stringToSign: stringToSign(message),
      signature: message.Signature,
      algorithm: ALGORITHMS[message.SignatureVersion],
    }
  },
  urlProblem({ type, topic, certificateUrl, subscribeUrl }) {
    const [, region] = TOPIC_ARN.exec(topic) ?? []
    const [, certificateRegion] = CERTIFICATE_URL.exec(certificateUrl) ?? []
    if (certificateRegion === undefined || certificateRegion !== region) {
      return "SigningCertURL: must be https://sns.REGION.amazonaws.com/SimpleNotificationService-HEX.pem in the topic's region"
    }
    if (type !== "SubscriptionConfirmation") return null
    const [, subscribeRegion] = SUBSCRIBE_URL.exec(subscribeUrl ?? "") ?? []
    return subscribeRegion === region
      ? null
      : "SubscribeURL: must confirm at https://sns.REGION.amazonaws.com in the topic's region"
  },
}

/** As documented: `Subject` only if it is present, `SubscribeURL` and `Token` only in confirmations. */
function stringToSign(message: SnsMessage): string {
  const isNotification = message.Type === "Notification"
  return signedLines([
    ["Message", message.Message],
    ["MessageId", message.MessageId],
    ["Subject", isNotification ? message.Subject : null],
    ["SubscribeURL", isNotification ? null : message.SubscribeURL],
    ["Timestamp", message.Timestamp],
    ["Token", isNotification ? null : message.Token],
    ["TopicArn", message.TopicArn],
    ["Type", message.Type],
  ])
}
