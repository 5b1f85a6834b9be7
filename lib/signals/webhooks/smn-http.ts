import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { parseShape } from "../shape.ts"
import { type Sender, signedLines, signedPart } from "./signed-message.ts"

// Simple Message Notification, HTTP(S) subscription (umn, appendix "HTTP/HTTPS messages").

const messageShape = onFirstUse(() =>
  z.object({
    type: signedPart().type,
    signature: signedPart().signature,
    signature_version: z.literal("v1", { error: 'must be "v1"' }),
    topic_urn: signedPart().line,
    message_id: signedPart().messageId,
    message: z.string(),
    subject: signedPart().line.nullish(),
    subscribe_url: signedPart().line.nullish(),
    signing_cert_url: signedPart().line,
    timestamp: signedPart().timestamp,
  }),
)

type SmnMessage = z.output<ReturnType<typeof messageShape>>

// Matched against the text, not against a parsed URL: no port, user or query, and no dots in the path.
const CERTIFICATE_URL =
  /^https:\/\/smn\.([a-z0-9-]+)\.myhuaweicloud\.(?:com|cn|eu)\/smn\/SMN_([a-z0-9-]+)_[0-9a-f]+\.pem$/
const SUBSCRIBE_URL = /^https:\/\/(?:[a-z0-9-]+\.)+huaweicloud\.com\/[\x21-\x7e]*$/
const TOPIC_URN = /^urn:smn:([a-z0-9-]+):[^:]+:[^:]+$/

export const SMN: Sender = {
  typeHeader: "x-smn-message-type",
  listedIn: "smn_topics",
  read(body) {
    const message = parseShape(messageShape(), body, "")
    return {
      type: message.type,
      topic: message.topic_urn,
      text: message.message,
      timestamp: message.timestamp,
      subscribeUrl: message.subscribe_url ?? null,
      certificateUrl: message.signing_cert_url,
      stringToSign: stringToSign(message),
      signature: message.signature,
      algorithm: "RSA-SHA256",
    }
  },
  urlProblem({ type, topic, certificateUrl, subscribeUrl }) {
    const [, host, path] = CERTIFICATE_URL.exec(certificateUrl) ?? []
    if (host === undefined)
      return "signing_cert_url: must be https://smn.REGION.myhuaweicloud.com/smn/SMN_REGION_HEX.pem"
    const [, region] = TOPIC_URN.exec(topic) ?? []
    if (host !== region || path !== region) return "signing_cert_url: must be in the region of the topic"
    if (type !== "SubscriptionConfirmation" || SUBSCRIBE_URL.test(subscribeUrl ?? "")) return null
    return "subscribe_url: must be an https URL at *.huaweicloud.com"
  },
}

/** As documented: `subject` only in notifications and if not empty, `subscribe_url` only in other types. */
function stringToSign(message: SmnMessage): string {
  const isNotification = message.type === "Notification"
  return signedLines([
    ["message", message.message],
    ["message_id", message.message_id],
    ["subject", isNotification ? message.subject || null : null],
    ["subscribe_url", isNotification ? null : message.subscribe_url || null],
    ["timestamp", message.timestamp],
    ["topic_urn", message.topic_urn],
    ["type", message.type],
  ])
}
