import { operatorCommand } from "../decision/explain/operator-command.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import type { Anchor, Notification } from "../ports.ts"
import { cutBytes } from "./text.ts"

/** A notification before it is formatted for a vendor. */
export interface Message {
  /** One line; the subject of an e-mail. */
  title: string
  lines: string[]
  /** The ledger's heads. `null` unless the notification is about a purchase or is the daily report. */
  anchor: Anchor | null
  /** The fields of format `json`, besides `text`. */
  fields: Record<string, unknown>
}

const TITLES: Record<Notification["state"], string> = {
  unknown: "the outcome of a purchase is unknown",
  stuck: "a purchase is stuck",
  partial: "a purchase delivered fewer servers than planned",
  wrong: "a purchase delivered something other than planned",
  breaker: "the cloud refused a purchase, and buying is off",
  efficacy: "a purchase did not help, and automatic buying is off",
  "approval-needed": "a purchase needs approval",
  purchase: "a purchase was accepted",
  "order-unpaid": "an order awaits payment",
  "order-differs": "an order differs from its plan",
  "order-unreadable": "an accepted order cannot be read",
  blind: "a source has had no data for 3 ticks",
  "policy-refused": "a new policy file was refused",
  daily: "daily report of the ledger",
}

const MAX_SAYS = 1_500

export function messageOf(notification: Notification): Message {
  const { about: _about, to: _to, since, ...fields } = notification
  const { supernode, mode, state, todo, entry, anchor = null } = notification
  const says = cleanText(notification.says, MAX_SAYS)
  const hint = mode === "live" ? "" : ` (${mode}: nothing is bought in this mode)`
  const isDone = state === "purchase" || state === "daily"
  return {
    title: cleanText(`${supernode}: ${TITLES[state]}${hint}`, 200),
    lines: [
      says,
      `${isDone ? "To see more" : "To do"}: \`${todo}\``,
      `On record: ${entry.stream}#${entry.seq} ${entry.hash}`,
    ],
    anchor,
    fields: { ...fields, says, since: new Date(since).toISOString() },
  }
}

const HEADS = `Ledger heads. Keep them outside the ledger; \`${operatorCommand.auditVerify} --anchor FILE\` compares them:`

/** Full text, at most `maxBytes` in UTF-8. Omits heads that do not fit, because cut JSON is unusable. */
export function textOf({ title, lines, anchor }: Message, maxBytes: number): string {
  const text = [title, ...lines].join("\n")
  if (!anchor) return cutBytes(text, maxBytes)
  const whole = `${text}\n${HEADS}\n${JSON.stringify(anchor)}`
  if (Buffer.byteLength(whole) <= maxBytes) return whole
  const count = Object.keys(anchor.heads).length
  const note = `\nThe heads of ${count} streams are too long for this format; recipients of json, SMN and SNS get them.`
  return `${cutBytes(text, maxBytes - Buffer.byteLength(note))}${note}`
}

/** Message of the command `notify test`, which checks that a recipient can be reached. */
export function testMessage(at: number): Message {
  const time = new Date(at).toISOString()
  return {
    title: "supernode-autoscaler: test message",
    lines: [
      `Sent at ${time} by the command \`supernode-autoscaler notify test\`. Nothing happened, and no action is needed.`,
    ],
    anchor: null,
    fields: { state: "test", since: time },
  }
}
