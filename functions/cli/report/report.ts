// The data of a report: everything that its page shows, as JSON. Times are epoch milliseconds; texts are
// visible and bounded. The page adds only the presentation.

export interface Report {
  v: 1
  /** `simulation`: nothing was bought. `ledger`: the entries of a ledger. */
  kind: "simulation" | "ledger"
  title: string
  /** Time at which this data was made. */
  generatedAt: number
  /** Version of the program. */
  version: string
  /** `null` for a simulation, or for a ledger without an id. */
  ledgerId: string | null
  /** One view per supernode of a ledger, or per policy of a simulation. */
  views: View[]
  /** Texts to which findings refer by index, since most of them occur many times. */
  texts: string[]
  /** Limits of this report that its reader should know. */
  notes: string[]
}

/** One supernode under its policy. */
export interface View {
  /** Unique within the report, and equal in all versions of a live page. */
  id: string
  supernode: string
  /** Path of the policy file; `null` for a ledger. */
  policyFile: string | null
  /** Hashes of the policies that were active, oldest first. */
  policies: { hash: string; since: number }[]
  /** IANA zone of the policy, for every time on the page. */
  timezone: string
  from: number
  to: number
  facts: Fact[]
  loads: Load[]
  /** All three lists have the same length. */
  servers: { at: number[]; running: number[]; present: number[] }
  /** `limits.servers`; `null` if unknown. */
  serversLimit: number | null
  bands: Band[]
  spend: Spend | null
  /** Reasons why nothing was bought, most frequent first. `unit` names the things that `count` counts. */
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

/** A text, or a time that the page shows in the policy's zone. */
export type Value = string | { at: number }

/** The values of one meter, and the thresholds of the rules that read it. */
export interface Load {
  title: string
  /** Metric and statistic, as far as the policy names them. */
  says: string
  rules: string[]
  values: Envelope
  thresholds: Threshold[]
  /** Reason why there is nothing to draw; `null` if there are values. */
  empty: string | null
}

/**
 * A series that is short enough to draw. If `bucketMs` is null, each element is one value, and `low` equals
 * `high`. Otherwise each element has the smallest and the largest value of a bucket, which begins at `at` and
 * has this length. A null value means no data.
 */
export interface Envelope {
  at: number[]
  low: (number | null)[]
  high: (number | null)[]
  bucketMs: number | null
  /** Number of values before they were combined. */
  rows: number
}

export interface Threshold {
  rule: string
  /** `breach`: beyond this value the rule demands servers. `clear`: this value ends a latched rule. */
  kind: "breach" | "clear"
  value: number
  /** Such as `above 85` or `from 70: 1 up`. */
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

/** Sum of the purchases that count at each time. */
export interface Spend {
  currency: string
  /** `per 30d` or `per month`; `since the start` if no budget is set. */
  window: string
  at: number[]
  amount: number[]
  /** Budgets with the time in which each applies; empty if there is no budget. */
  budget: { from: number; to: number; amount: number }[]
  /** Number of purchases without a price; `amount` does not include them. */
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

/** An entry of the ledger that a person may want to see. An attempt and its outcome are one event. */
export interface ReportEvent {
  id: string
  at: number
  kind: EventKind
  /** One sentence. */
  title: string
  /** Reason of a hold, or outcome of an order. */
  reason: string | null
  price: string | null
  /** Further facts, in order. */
  rows: [label: string, value: Value][]
  findings: ReportFinding[]
}

/**
 * Indices in `texts` of the gate's name and its sentence. Verdict: 1 passed, 0 did not pass, -1 was not
 * evaluated.
 */
export type ReportFinding = [gate: number, verdict: 1 | 0 | -1, says: number]
