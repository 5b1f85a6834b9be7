/**
 * Maximum age of a signal by its own time. An older one does not describe the present; the next tick
 * evaluates anew.
 */
export const STALE_AFTER_MS = 15 * 60_000

/** One measured value. `at` is the start of its period, epoch milliseconds. */
export interface Datapoint {
  at: number
  value: number
}

export type AlarmSource = "cloud-eye" | "cloudwatch" | "alertmanager"

/**
 * State that the alarm reports. Only `alarm` may lead to a purchase. `contributor-ok`: one of many series of
 * a CloudWatch alarm recovered, which closes no episode.
 */
export type AlarmState = "alarm" | "ok" | "contributor-ok" | "insufficient-data" | "unknown"

/** The metric of an alarm's datapoints, as its message names it; null if it names none. */
export interface AlarmMetric {
  namespace: string | null
  name: string | null
  unit: string | null
}

/** One number that an alert names: an annotation, or an entry of Grafana's `values` by its refId. */
export interface NamedValue {
  from: "annotation" | "values"
  name: string
  value: number
  /** The text behind an annotation's number, such as `%`; null for a bare number. */
  unit: string | null
}

/** A monitoring alarm that changed its state or was repeated. It starts a run; evidence decides. */
export interface AlarmSignal {
  kind: "alarm"
  /** Equal for every delivery of the same event, whatever its transport. */
  id: string
  source: AlarmSource
  /** Cloud Eye `alarm_id`, the CloudWatch alarm's ARN, or the `alertname` label. */
  alarm: string
  /** Alertmanager's and Grafana's labels; empty for the others. */
  labels: Record<string, string>
  /** Dimensions of the alarming resource, as name -> value; empty if the message names no resource. */
  resource: Record<string, string>
  state: AlarmState
  /**
   * The alarm's own time, epoch milliseconds; the arrival time for Alertmanager and Grafana, which repeat
   * with old times.
   */
  at: number
  /** The episode of this alarm. `startsAt` is null if only the chain knows it (Cloud Eye). */
  episode: { key: string; startsAt: number | null }
  /** The alarm's own datapoints, oldest first; null if the format carries none. */
  points: Datapoint[] | null
  /** Period of those points; null if the format does not name it. */
  periodMs: number | null
  /** The one series that this event of a CloudWatch alarm concerns; absent for the alarm as a whole. */
  contributor?: string
  /** Metric of those points. Only Cloud Eye's messages name it. */
  metric?: AlarmMetric
  /** Alertmanager and Grafana: the numbers of the alert, measured at arrival. The rule says which one counts. */
  values?: NamedValue[]
}

/** One share of the supernodes: the `index`-th of `count`, from 1. */
export interface Shard {
  index: number
  count: number
}

/** A cron tick: evaluates everything, as if no alarm had ever been delivered. */
export interface TickSignal {
  kind: "tick"
  id: string
  /** The rule, schedule or trigger that fired. */
  name: string
  /** The scheduled time, epoch milliseconds. */
  at: number
  /** Share of the supernodes for this tick; absent: all of them. */
  shard?: Shard
}

/** Request of a person. Comes by direct invocation or the command line only, never through a webhook. */
export interface RequestSignal {
  kind: "request"
  id: string
  at: number
  /** Name of the supernode in the policy. */
  supernode: string
  mode: "dry-run" | "live"
  /** Requested rung, by its total number of servers; null: evidence decides. */
  servers: number | null
  requestedBy: string
  why: string
  /** Hash of the plan that the person was shown; a different plan is not bought. */
  planHash: string | null
  bypassCooldown: boolean
}

export type Signal = AlarmSignal | TickSignal | RequestSignal
