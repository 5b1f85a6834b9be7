/** One measured value. `at` is the start of its period, epoch milliseconds. */
export interface Datapoint {
  at: number
  value: number
}

export type AlarmSource = "cloud-eye" | "cloudwatch" | "alertmanager"

/**
 * What the alarm says of itself. Only `alarm` may lead to a purchase. `contributor-ok`: one of many series that a CloudWatch
 * alarm watches is well again, which closes no episode.
 */
export type AlarmState = "alarm" | "ok" | "contributor-ok" | "insufficient-data" | "unknown"

/** What an alarm's datapoints measure, in the words of its message; null where the message does not say. */
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

/** A monitoring alarm changed state or repeated itself. It wakes us; evidence decides. */
export interface AlarmSignal {
  kind: "alarm"
  /** Equal for every delivery of the same event, whatever the door it came by. */
  id: string
  source: AlarmSource
  /** Cloud Eye `alarm_id`, the CloudWatch alarm's ARN, or the `alertname` label. */
  alarm: string
  /** Alertmanager's and Grafana's labels; empty for the others. */
  labels: Record<string, string>
  /** The dimensions of what is alarming, as name -> value; empty where the message names no resource. */
  resource: Record<string, string>
  state: AlarmState
  /** The alarm's own time, epoch milliseconds; arrival for Alertmanager and Grafana, which repeat with old times. */
  at: number
  /** The run of trouble that this belongs to. `startsAt` is null where only the chain can tell (Cloud Eye). */
  episode: { key: string; startsAt: number | null }
  /** The alarm's own datapoints, oldest first; null where the shape carries none. */
  points: Datapoint[] | null
  /** The period of those points; null where the shape does not say. */
  periodMs: number | null
  /** The one series of many that this event of a CloudWatch alarm is about; absent for the alarm as a whole. */
  contributor?: string
  /** The metric of those points. Only Cloud Eye's messages name it. */
  metric?: AlarmMetric
  /** Alertmanager and Grafana: the numbers of the alert, measured at arrival. The rule says which one counts. */
  values?: NamedValue[]
}

/** One share of the supernodes: the `index`-th of `count`, from 1. */
export interface Shard {
  index: number
  count: number
}

/** A cron tick: look at everything, as if no alarm had ever been delivered. */
export interface TickSignal {
  kind: "tick"
  id: string
  /** The rule, schedule or trigger that fired. */
  name: string
  /** The scheduled time, epoch milliseconds. */
  at: number
  /** The share of the supernodes that this tick is for; absent: all of them. */
  shard?: Shard
}

/** A person asks. Comes by direct invocation or the command line only, never through a webhook. */
export interface RequestSignal {
  kind: "request"
  id: string
  at: number
  /** The supernode's name in the policy. */
  supernode: string
  mode: "dry-run" | "live"
  /** The rung asked for, by its number of servers in all; null: evidence decides. */
  servers: number | null
  requestedBy: string
  why: string
  /** The plan that the person was shown; what differs from it is not bought. */
  planHash: string | null
  bypassCooldown: boolean
}

export type Signal = AlarmSignal | TickSignal | RequestSignal
