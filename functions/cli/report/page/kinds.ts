import type { EventKind } from "../report.ts"

/**
 * Name and mark of each kind of event. Each mark has its own shape, so colour is not needed to tell them
 * apart.
 */
export const KINDS: Readonly<Record<EventKind, { label: string; mark: string; isDecision: boolean }>> = {
  purchase: { label: "purchase", mark: "▲", isDecision: true },
  unknown: { label: "outcome unknown", mark: "?", isDecision: true },
  failed: { label: "order failed", mark: "✕", isDecision: true },
  "would-buy": { label: "would buy", mark: "△", isDecision: true },
  hold: { label: "hold", mark: "●", isDecision: true },
  command: { label: "command", mark: "■", isDecision: false },
  observation: { label: "observation", mark: "◆", isDecision: false },
}

/** Kinds from least to most important. The most important event of a shared marker is drawn. */
export const RANK: readonly EventKind[] = [
  "hold",
  "observation",
  "command",
  "would-buy",
  "failed",
  "purchase",
  "unknown",
]
