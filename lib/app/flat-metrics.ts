import type { Purchase } from "../decision/state/purchases.ts"
import type { RunFacts } from "./run-facts.ts"
import {
  attemptOpenSeconds,
  type CapUse,
  capUses,
  countsOf,
  METRICS,
  type MetricName,
  purchasesOfAll,
  windowOf,
} from "./run-metrics.ts"

/** Metrics of one run, for platforms whose only label is the supernode: CloudWatch (EMF) and LTS. */
export interface FlatMetrics {
  supernode: string
  /** Epoch milliseconds. */
  at: number
  /** A counter's delta, a gauge's value, or every observation of a histogram. */
  values: Partial<Record<MetricName, number[]>>
  /** Values of the other labels of /metrics, as fields to search for. */
  about: Record<string, unknown>
}

/** Metrics of all runs of one event. The purchases of all supernodes are collected once per event. */
export function flatMetricsOf(event: readonly RunFacts[]): FlatMetrics[] {
  const stateBy = new Map(event.map(({ stream, state }) => [stream, state]))
  const fleetOf = new Map<readonly string[], Purchase[] | null>()
  for (const { fleetStreams } of event)
    if (!fleetOf.has(fleetStreams))
      fleetOf.set(fleetStreams, purchasesOfAll(fleetStreams.map((stream) => stateBy.get(stream) ?? null)))
  return event.map((facts) => flatMetrics(facts, fleetOf.get(facts.fleetStreams) ?? null))
}

function flatMetrics(facts: RunFacts, fleet: readonly Purchase[] | null): FlatMetrics {
  const { loaded, at, decision, purchases, notifications, sources } = facts
  const blind = Object.entries(sources).flatMap(([source, { problem }]) => (problem === null ? [] : source))
  const cap = tightest(facts, fleet)
  return {
    supernode: loaded.policy.name,
    at,
    values: { ...countsIn(facts), ...gaugesIn(facts, cap) },
    about: {
      ...(decision ? { kind: decision.kind, held_by: decision.heldBy ?? "" } : {}),
      ...(purchases.length > 0 ? { outcomes: purchases } : {}),
      ...(notifications.length > 0 ? { notifications } : {}),
      ...(blind.length > 0 ? { without_data: blind } : {}),
      ...(cap ? { cap: cap.cap, currency: cap.use.cap.currency, window: windowOf(cap.use) } : {}),
      hash: loaded.hash,
    },
  }
}

function countsIn(facts: RunFacts): FlatMetrics["values"] {
  const values: FlatMetrics["values"] = {}
  for (const { name, value } of countsOf(facts)) {
    const before = values[name] ?? []
    values[name] = METRICS[name].kind === "histogram" ? [...before, value] : [(before[0] ?? 0) + value]
  }
  return values
}

function gaugesIn(facts: RunFacts, cap: CapUse | undefined): FlatMetrics["values"] {
  const { state, at, sources, signal, decision } = facts
  const reads = Object.values(sources)
  const isSeeing = reads.length > 0 && reads.every(({ problem }) => problem === null)
  return {
    ...(cap
      ? {
          supernode_autoscaler_spend: [cap.use.spent.amount],
          supernode_autoscaler_budget: [cap.use.cap.amount],
        }
      : {}),
    ...(state ? { supernode_autoscaler_attempt_open_seconds: [attemptOpenSeconds(state, at)] } : {}),
    // A source without data leaves a gap in this metric, and an alarm on missing data can detect the gap.
    ...(isSeeing ? { supernode_autoscaler_last_read_timestamp_seconds: [at / 1000] } : {}),
    ...(signal.at !== null && decision
      ? { supernode_autoscaler_last_tick_timestamp_seconds: [signal.at / 1000] }
      : {}),
    // A function reads its policy file when it starts, and does not start if that file is refused.
    supernode_autoscaler_policy_reload_success: [1],
    supernode_autoscaler_policy_info: [1],
  }
}

/** Budget with the largest spent share, among those that bind the supernode; `undefined` if none is known. */
function tightest({ loaded, state, at }: RunFacts, fleet: readonly Purchase[] | null): CapUse | undefined {
  const part = ({ use }: CapUse): number => use.spent.amount / use.cap.amount
  return capUses({ policy: loaded.policy, state, fleet, now: at }).sort((a, b) => part(b) - part(a))[0]
}
