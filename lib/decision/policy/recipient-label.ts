import type { NotifyRecipient } from "./notify.ts"

/** `2 (feishu)`: its place in the list and its kind, for messages, metrics and the ledger; never its address. */
export function recipientLabel(recipient: NotifyRecipient, index: number): string {
  return `${index + 1} (${recipient.kind === "webhook" ? recipient.format : recipient.kind})`
}
