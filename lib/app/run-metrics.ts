import { type BudgetUse, budgetUse } from "../decision/money/cap-use.ts"
import { sayDuration } from "../decision/policy/amounts.ts"
import type { Policy } from "../decision/policy/policy.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { Purchase } from "../decision/state/purchases.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { RunFacts } from "./run-facts.ts"

// Metrics of a run, computed from its facts. /metrics, CloudWatch and LTS share one list of names. The names
// and labels are a public contract.

interface Metric {
  kind: "counter" | "gauge" | "histogram"
  unit: "count" | "seconds" | "none"
  labels: readonly string[]
  help: string
}

export const METRICS = {
  supernode_autoscaler_decisions_total: {
    kind: "counter",
    unit: "count",
    labels: ["supernode", "kind", "held_by"],
    help: "Decisions of live and observing runs. held_by is the reason of the first gate that failed, empty if none failed.",
  },
  supernode_autoscaler_purchases_total: {
    kind: "counter",
    unit: "count",
    labels: ["supernode", "outcome"],
    help: "Purchase attempts by outcome: accepted, rejected, not-sent, unknown.",
  },
  supernode_autoscaler_spend: {
    kind: "gauge",
    unit: "none",
    labels: ["supernode", "currency", "cap", "window"],
    help: "Money booked and reserved in the window of a budget. cap is supernode, or fleet for all supernodes of the policy file together.",
  },
  supernode_autoscaler_budget: {
    kind: "gauge",
    unit: "none",
    labels: ["supernode", "currency", "cap", "window"],
    help: "The budget that the policy allows in the window.",
  },
  supernode_autoscaler_attempt_open_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: ["supernode"],
    help: "Age of the purchase attempt that is not closed; 0 if there is none.",
  },
  supernode_autoscaler_last_tick_timestamp_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: ["shard"],
    help: "Scheduled time of the newest tick that ended without an error, Unix time. The label shard exists only if ticks are divided.",
  },
  supernode_autoscaler_tick_shards: {
    kind: "gauge",
    unit: "none",
    labels: [],
    help: "Number of shards among which the ticks for all supernodes are divided; 1 if they are not.",
  },
  supernode_autoscaler_last_read_timestamp_seconds: {
    kind: "gauge",
    unit: "seconds",
    labels: ["supernode", "source"],
    help: "When a run last got data from the source, Unix time; 0 if it was queried but never returned data.",
  },
  supernode_autoscaler_policy_reload_success: {
    kind: "gauge",
    unit: "none",
    labels: [],
    help: "1 if the last read of the policy file was accepted; 0 if it was refused and the previous file stays in use.",
  },
  supernode_autoscaler_policy_info: {
    kind: "gauge",
    unit: "none",
    labels: ["supernode", "hash"],
    help: "Always 1: the hash of the current policy.",
  },
  supernode_autoscaler_ledger_seconds: {
    kind: "histogram",
    unit: "seconds",
    labels: [],
    help: "Time that one read of a newest entry or one append to the ledger took.",
  },
  supernode_autoscaler_notifications_total: {
    kind: "counter",
    unit: "count",
    labels: ["to", "result"],
    help: "Notifications by recipient, as the policy lists them, and result: sent, failed.",
  },
} as const satisfies Record<string, Metric>

export type MetricName = keyof typeof METRICS

/** One value: a delta of a counter, an observation of a histogram, or the current value of a gauge. */
export interface Sample {
  name: MetricName
  labels: Readonly<Record<string, string>>
  value: number
}

/** Deltas and observations that one run adds to counters and histograms. */
export function countsOf({ loaded, decision, purchases, ledgerMs, notifications }: RunFacts): Sample[] {
  const supernode = loaded.policy.name
  const decided = decision && { supernode, kind: decision.kind, held_by: decision.heldBy ?? "" }
  return [
    ...(decided ? [one("supernode_autoscaler_decisions_total", decided)] : []),
    ...purchases.map((outcome) => one("supernode_autoscaler_purchases_total", { supernode, outcome })),
    ...ledgerMs.map((ms) => sample("supernode_autoscaler_ledger_seconds", {}, ms / 1000)),
    ...notifications.map((delivery) => one("supernode_autoscaler_notifications_total", { ...delivery })),
  ]
}

/** Initial samples of 0 for purchases and notifications, so that even the first one shows as an increase. */
export function startsAtZero(supernodes: readonly string[], recipients: readonly string[]): Sample[] {
  const outcomes: readonly Outcome["kind"][] = ["accepted", "rejected", "not-sent", "unknown"]
  return [
    ...supernodes.flatMap((supernode) =>
      outcomes.map((outcome) => sample("supernode_autoscaler_purchases_total", { supernode, outcome }, 0)),
    ),
    ...recipients.flatMap((to) =>
      ["sent", "failed"].map((result) =>
        sample("supernode_autoscaler_notifications_total", { to, result }, 0),
      ),
    ),
  ]
}

/** Values from which the gauges of one supernode at `now` are computed. */
export interface KnownSupernode {
  policy: Policy
  policyHash: string
  /** `null` if it is not known yet. */
  state: SupernodeState | null
  /** Result of `purchasesOfAll`. */
  fleet: readonly Purchase[] | null
  /** Last time that each queried source returned data, epoch milliseconds; `null` if it never did. */
  lastReads: Readonly<Record<string, number | null>>
  now: number
}

/** Gauges of one supernode; those of unknown values are absent. */
export function gaugesOf(known: KnownSupernode): Sample[] {
  const { policy, policyHash, state, lastReads, now } = known
  const supernode = policy.name
  return [
    ...capUses(known).flatMap(({ cap, use }) => {
      const { spent, cap: allowed } = use
      const labels = { supernode, currency: allowed.currency, cap, window: windowOf(use) }
      return [
        sample("supernode_autoscaler_spend", labels, spent.amount),
        sample("supernode_autoscaler_budget", labels, allowed.amount),
      ]
    }),
    ...(state
      ? [sample("supernode_autoscaler_attempt_open_seconds", { supernode }, attemptOpenSeconds(state, now))]
      : []),
    ...Object.entries(lastReads).map(([source, at]) =>
      sample("supernode_autoscaler_last_read_timestamp_seconds", { supernode, source }, (at ?? 0) / 1000),
    ),
    one("supernode_autoscaler_policy_info", { supernode, hash: policyHash }),
  ]
}

/** Label of a budget's window, such as `30d`; `month` for a calendar month. */
export function windowOf({ per }: BudgetUse): string {
  return per === "month" ? per : sayDuration(per)
}

export interface CapUse {
  cap: "supernode" | "fleet"
  use: BudgetUse
}

/** Use of each budget that binds a supernode. A budget is absent if its purchases are unknown. */
export function capUses({
  policy,
  state,
  fleet,
  now,
}: Pick<KnownSupernode, "policy" | "state" | "fleet" | "now">): CapUse[] {
  const at = { timezone: policy.timezone, now }
  const own = policy.limits.budget
  const all = policy.fleet?.budget ?? null
  return [
    ...(own && state ? [{ cap: "supernode" as const, use: budgetUse(own, state.purchases, at) }] : []),
    ...(all && fleet ? [{ cap: "fleet" as const, use: budgetUse(all, fleet, at) }] : []),
  ]
}

/** Age in seconds of the attempt that is not closed yet; 0 if there is none. */
export function attemptOpenSeconds({ attempt }: SupernodeState, now: number): number {
  return attempt ? Math.max(0, now - attempt.openedAt) / 1000 : 0
}

/**
 * Purchases of all supernodes of a policy file; `null` unless every state is known. Callers compute it once
 * for all supernodes, since computing it for each one would take quadratic time.
 */
export function purchasesOfAll(states: readonly (SupernodeState | null)[]): Purchase[] | null {
  const known = states.filter((state) => state !== null)
  return known.length === states.length ? known.flatMap(({ purchases }) => purchases) : null
}

export function sample(name: MetricName, labels: Sample["labels"], value: number): Sample {
  return { name, labels, value }
}

function one(name: MetricName, labels: Sample["labels"]): Sample {
  return sample(name, labels, 1)
}
