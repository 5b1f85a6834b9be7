import type { NotifyRecipient } from "./notify.ts"

/**
 * `2 (feishu)`: a recipient's place in the list, and its kind or format. For messages, metrics and the
 * ledger, which must never contain its address.
 */
export function recipientLabel(recipient: NotifyRecipient, index: number): string {
  return `${index + 1} (${recipient.kind === "webhook" ? recipient.format : recipient.kind})`
}
