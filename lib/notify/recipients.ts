import { topicOf } from "../decision/explain/pending-action.ts"
import type { NotifyRecipient, NotifyTopic } from "../decision/policy/notify.ts"
import { recipientLabel } from "../decision/policy/recipient-label.ts"
import type { Delivery, Notifier } from "../ports.ts"
import { type Message, messageOf, testMessage } from "./message.ts"
import type { NetworkSettings } from "./post.ts"
import { publishToSmn, type SignHuaweiRequest } from "./smn.ts"
import { publishToSns, type SnsOptions } from "./sns.ts"
import { sendToWebhook } from "./webhook.ts"

export interface NotifyWorld {
  /** Signs requests to Huawei Cloud. */
  sign: SignHuaweiRequest
  smnEndpoint: string | null
  sns?: SnsOptions
  /** Epoch milliseconds. */
  now(): number
  network: NetworkSettings
}

/** One entry of the policy's `notify`. */
export interface Recipient {
  /** Position in the list and kind, such as `2 (feishu)`. Shown in messages and the ledger, so no address. */
  label: string
  topics: readonly NotifyTopic[]
  /** Sends once, without retries. Never throws. */
  send(message: Message, timeoutMs: number): Promise<Delivery>
}

export function recipientsOf(written: readonly NotifyRecipient[], world: NotifyWorld): Recipient[] {
  return written.map((recipient, i) => ({
    label: recipientLabel(recipient, i),
    topics: recipient.topics,
    send: (message, timeoutMs) => sendTo(recipient, message, { ...world, timeoutMs }),
  }))
}

function sendTo(
  recipient: NotifyRecipient,
  message: Message,
  { sign, smnEndpoint, sns, now, network, timeoutMs }: NotifyWorld & { timeoutMs: number },
): Promise<Delivery> {
  switch (recipient.kind) {
    case "webhook":
      return sendToWebhook(recipient, message, { now, timeoutMs, network })
    case "smn":
      return publishToSmn(recipient.urn, message, { sign, endpoint: smnEndpoint, timeoutMs, network })
    case "sns":
      return publishToSns(recipient.arn, message, { ...sns, timeoutMs, network })
    default:
      return recipient satisfies never
  }
}

/** Notifier that sends each notification to all recipients of its topic at once; null for an empty list. */
export function notifierFor(recipients: readonly Recipient[]): Notifier | null {
  if (recipients.length === 0) return null
  return {
    wants: (topic) => recipients.some(({ topics }) => topics.includes(topic)),
    async send(notification, timeoutMs) {
      const wanting = recipients.filter(({ topics }) => topics.includes(topicOf(notification.state)))
      const missed = wanting.filter(({ label }) => notification.to?.includes(label))
      // If the list was edited, the missed recipients may be gone. Then every recipient of the topic gets it.
      const addressed = missed.length > 0 ? missed : wanting
      const message = messageOf(notification)
      const deliveries = await Promise.all(
        addressed.map(async ({ label, send }) => ({ label, delivery: await send(message, timeoutMs) })),
      )
      const failures = deliveries.flatMap(({ label, delivery }) =>
        delivery.ok ? [] : [{ label, why: delivery.why }],
      )
      const taken = deliveries.flatMap(({ label, delivery }) => (delivery.ok ? [label] : []))
      if (failures.length === 0) return { ok: true, taken }
      const why = failures
        .map((one) => (addressed.length === 1 ? one.why : `${one.label}: ${one.why}`))
        .join("; ")
      return { ok: false, why, taken, failed: failures.map(({ label }) => label) }
    },
  }
}

/** Sends one test message to each recipient, regardless of its topics. */
export function sendTest(
  recipients: readonly Recipient[],
  { now, timeoutMs }: { now(): number; timeoutMs: number },
): Promise<{ to: string; on: readonly NotifyTopic[]; ok: boolean; why: string | null }[]> {
  const message = testMessage(now())
  return Promise.all(
    recipients.map(async ({ label, topics, send }) => {
      const delivery = await send(message, timeoutMs)
      return { to: label, on: topics, ok: delivery.ok, why: delivery.ok ? null : delivery.why }
    }),
  )
}
