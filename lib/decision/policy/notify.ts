import * as z from "zod"
import { onFirstUse } from "../../on-first-use.ts"
import { text } from "./text-shape.ts"
import { smnTopic, snsTopic } from "./topics.ts"
import { whenRecord } from "./units.ts"

// Policy key `notify`: recipients of notifications. Not part of the policy's hash. The addresses are secrets.

/** Topics that a recipient may choose with `on`. */
const NOTIFY_TOPICS = ["purchase", "trouble", "approval", "policy", "daily"] as const
export type NotifyTopic = (typeof NOTIFY_TOPICS)[number]

const WEBHOOK_FORMATS = ["json", "slack", "feishu", "dingtalk", "wecom"] as const
export type WebhookFormat = (typeof WEBHOOK_FORMATS)[number]

/** Formats of vendors whose robots may require a signature; each vendor has its own scheme. */
const SIGNED_FORMATS: readonly WebhookFormat[] = ["feishu", "dingtalk"]

export type NotifyRecipient = { topics: readonly NotifyTopic[] } & (
  | { kind: "webhook"; address: string; format: WebhookFormat; secret: string | null }
  | { kind: "smn"; urn: string }
  | { kind: "sns"; arn: string }
)

const ADDRESSES = ["webhook", "smn", "sns"] as const

/** One recipient as the file writes it; exactly one of `webhook`, `smn` and `sns`. */
export const notifyRecipient = onFirstUse(() =>
  z
    .strictObject({
      webhook: z.url({ protocol: /^https?$/, error: "must be an http or https URL" }).optional(),
      smn: smnTopic().optional(),
      sns: snsTopic().optional(),
      format: z.enum(WEBHOOK_FORMATS).optional(),
      secret: text(/^[\x21-\x7e]{1,256}$/, "must be the robot's signing secret, without spaces").optional(),
      on: z
        .array(z.enum(NOTIFY_TOPICS))
        .min(1, { error: `must name at least one of ${NOTIFY_TOPICS.join(", ")}` })
        .optional(),
    })
    .refine((written) => ADDRESSES.filter((key) => written[key] !== undefined).length === 1, {
      ...whenRecord,
      error: `must have exactly one of ${ADDRESSES.join(", ")}`,
    })
    .refine(({ webhook, format }) => format === undefined || webhook !== undefined, {
      ...whenRecord,
      path: ["format"],
      error: "belongs to a webhook: SMN and SNS have only one format",
    })
    .superRefine(({ secret, format, webhook }, ctx) => {
      if (secret === undefined) return
      const used = format ?? formatFor(webhook)
      if (SIGNED_FORMATS.includes(used)) return
      const message = `belongs to the formats ${SIGNED_FORMATS.join(" and ")}: no other webhook is signed`
      ctx.addIssue({ code: "custom", path: ["secret"], message })
    }, whenRecord)
    .meta({ oneOf: ADDRESSES.map((key) => ({ required: [key] })) })
    .transform(({ webhook, smn, sns, format, secret, on }): NotifyRecipient => {
      const topics = on ?? NOTIFY_TOPICS
      if (smn !== undefined) return { kind: "smn", urn: smn, topics }
      if (sns !== undefined) return { kind: "sns", arn: sns, topics }
      const address = webhook ?? ""
      return {
        kind: "webhook",
        address,
        format: format ?? formatFor(address),
        secret: secret ?? null,
        topics,
      }
    }),
)

/** Formats by webhook host; none of these hosts accepts plain JSON. */
const FORMATS_BY_HOST: Readonly<Record<string, WebhookFormat>> = {
  "open.feishu.cn": "feishu",
  "open.larksuite.com": "feishu",
  "oapi.dingtalk.com": "dingtalk",
  "qyapi.weixin.qq.com": "wecom",
  "hooks.slack.com": "slack",
}

/** Format of a webhook without `format`: the vendor's format on a known host, otherwise plain JSON. */
function formatFor(address: string | undefined): WebhookFormat {
  const host = address !== undefined && URL.canParse(address) ? new URL(address).hostname : ""
  return Object.hasOwn(FORMATS_BY_HOST, host) ? (FORMATS_BY_HOST[host] ?? "json") : "json"
}
