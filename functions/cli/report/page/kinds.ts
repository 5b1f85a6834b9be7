import type { EventKind } from "../report.ts"

/** How each kind of event is called and marked; the shape says it without the colour. */
export const KINDS: Readonly<Record<EventKind, { label: string; mark: string; isDecision: boolean }>> = {
  purchase: { label: "purchase", mark: "▲", isDecision: true },
  unknown: { label: "outcome unknown", mark: "?", isDecision: true },
  failed: { label: "order failed", mark: "✕", isDecision: true },
  "would-buy": { label: "would buy", mark: "△", isDecision: true },
  hold: { label: "hold", mark: "●", isDecision: true },
  command: { label: "command", mark: "■", isDecision: false },
  observation: { label: "observation", mark: "◆", isDecision: false },
}

/** The more important one of two in the same place is drawn. */
export const RANK: readonly EventKind[] = [
  "hold",
  "observation",
  "command",
  "would-buy",
  "failed",
  "purchase",
  "unknown",
]
