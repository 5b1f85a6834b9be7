// The data of a report: everything that its page shows, as JSON. Instants are epoch milliseconds, texts are visible
// and bounded. The page adds nothing but presentation.

export interface Report {
  v: 1
  /** `simulation`: nothing was bought. `ledger`: what is on record. */
  kind: "simulation" | "ledger"
  title: string
  /** Time at which this data was made. */
  generatedAt: number
  /** Version of the program. */
  version: string
  /** null: a simulation, or a ledger without an id. */
  ledgerId: string | null
  /** Each supernode of a ledger; each policy of a simulation. */
  views: View[]
  /** Texts that findings name by their index, since most of them occur many times. */
  texts: string[]
  /** Limits of this report that its reader should know. */
  notes: string[]
}

/** One supernode under its policy. */
export interface View {
  /** Unique within the report, and the same in the next version of a live page. */
  id: string
  supernode: string
  /** Policy file; null for a ledger. */
  policyFile: string | null
  /** Hashes of the policies in force, oldest first. */
  policies: { hash: string; since: number }[]
  /** IANA zone of the policy, for every time on the page. */
  timezone: string
  from: number
  to: number
  facts: Fact[]
  loads: Load[]
  /** The same number of elements in each. */
  servers: { at: number[]; running: number[]; present: number[] }
  /** `limits.servers`; null: unknown. */
  serversLimit: number | null
  bands: Band[]
  spend: Spend | null
  /** Why nothing was bought, most frequent first; `unit` is what `count` counts. */
  holds: { unit: string; reasons: { reason: string; count: number }[] }
  /** Oldest first. */
  events: ReportEvent[]
  notes: string[]
}

/** A key figure. */
export interface Fact {
  label: string
  value: Value
}

/** Text, or an instant that the page writes in the policy's zone. */
export type Value = string | { at: number }

/** The values of one meter, and the thresholds of the rules that read it. */
export interface Load {
  title: string
  /** Metric and statistic, as far as the policy names them. */
  says: string
  rules: string[]
  values: Envelope
  thresholds: Threshold[]
  /** Why there is nothing to draw; null where there is. */
  empty: string | null
}

/**
 * A series that is short enough to draw. Without `bucketMs` each element is one value and `low` equals `high`; else
 * it is the smallest and the largest value of a bucket of that length, which `at` begins. null: no data.
 */
export interface Envelope {
  at: number[]
  low: (number | null)[]
  high: (number | null)[]
  bucketMs: number | null
  /** Values before they were combined. */
  rows: number
}

export interface Threshold {
  rule: string
  /** `breach` is the side that asks for servers, `clear` ends a latched rule. */
  kind: "breach" | "clear"
  value: number
  /** `above 85`, `from 70: 1 up`. */
  says: string
  from: number
  to: number
}

export type BandKind = "cooldown" | "in-flight" | "waiting" | "paused"

export interface Band {
  kind: BandKind
  from: number
  to: number
  says: string
}

/** Money of the purchases that count at each time. */
export interface Spend {
  currency: string
  /** `per 30d`, `per month`; `since the start` where no budget is set. */
  window: string
  at: number[]
  amount: number[]
  /** The budget from that time on; empty: none. */
  budget: { from: number; to: number; amount: number }[]
  /** Purchases without a price, which the amounts lack. */
  unpriced: number
}

export const EVENT_KINDS = [
  "purchase",
  "unknown",
  "failed",
  "would-buy",
  "hold",
  "command",
  "observation",
] as const
export type EventKind = (typeof EVENT_KINDS)[number]

/** An entry of the ledger that a person may want to look at; an attempt and its outcome are one. */
export interface ReportEvent {
  id: string
  at: number
  kind: EventKind
  /** One sentence. */
  title: string
  /** Reason of a hold, outcome of an order. */
  reason: string | null
  price: string | null
  /** Further facts, in order. */
  rows: [label: string, value: Value][]
  findings: ReportFinding[]
}

/** `texts` indices of the gate's name and its sentence; the verdict: 1 passed, 0 did not, -1 was not evaluated. */
export type ReportFinding = [gate: number, verdict: 1 | 0 | -1, says: number]
