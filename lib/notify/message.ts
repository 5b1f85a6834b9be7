import type { Notice } from "../ports.ts"

/** The JSON body: `text` is what Slack and its like show; the rest is for machines, which those leave alone. */
export interface WebhookMessage extends Omit<Notice, "since" | "about"> {
  text: string
  /** ISO 8601, UTC. */
  since: string
}

const TITLES: Record<Notice["state"], string> = {
  unknown: "the outcome of a purchase is unknown",
  stuck: "a purchase is stuck",
  partial: "a purchase gave fewer servers than planned",
  wrong: "a purchase gave something else than planned",
  breaker: "the cloud refused a purchase, and buying is off",
  efficacy: "what was bought did not help, and automatic buying is off",
  "approval-needed": "a purchase wants approval",
}

export function messageOf({ about: _about, since, ...notice }: Notice): WebhookMessage {
  const { supernode, mode, state, todo, entry } = notice
  const says = shortened(notice.says)
  const lines = [
    `${supernode}: ${TITLES[state]}${mode === "live" ? "" : ` (${mode}: nothing is bought in this mode)`}`,
    escaped(says),
    `To do: \`${todo}\``,
    `On record: ${entry.stream}#${entry.seq} ${entry.hash}`,
  ]
  return { ...notice, says, since: new Date(since).toISOString(), text: lines.join("\n") }
}

/** A refusal is told in the cloud's own words, and a stuck purchase names every server: enough is enough. */
function shortened(text: string): string {
  return text.length > 1_500 ? `${text.slice(0, 1_499)}…` : text
}

/** Slack takes `<…>` for links and mentions; these three are the signs it wants escaped. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;")
}
