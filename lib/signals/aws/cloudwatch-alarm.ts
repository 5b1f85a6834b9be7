import * as z from "zod"
import type { AlarmSignal, AlarmState } from "../../decision/inputs/signal.ts"
import { isoInstant } from "../instant.ts"
import { names } from "../shape.ts"
import { signalId } from "../signal-id.ts"
import { cloudWatchPoints } from "./cloudwatch-reason.ts"

// What the three shapes of a CloudWatch alarm have in common: they must give one id for one state change.

export const alarmArn = z.string().regex(/^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}$/s, {
  error: "must be the ARN of a CloudWatch alarm",
})

/** `state` of the EventBridge event and of the direct alarm action. */
export const alarmStateShape = z.object({
  value: z.string().max(64),
  timestamp: isoInstant,
  reasonData: z.string().nullish(),
})

/** `configuration` of the same two. A composite alarm has no metrics, metric math has some without `metricStat`. */
export const configurationShape = z
  .object({
    metrics: z
      .array(
        z.object({ metricStat: z.object({ metric: z.object({ dimensions: names.nullish() }) }).nullish() }),
      )
      .nullish(),
  })
  .nullish()

/** The dimensions of every metric behind an alarm. */
export function dimensionsOf(configuration: z.output<typeof configurationShape>): Record<string, string>[] {
  return (configuration?.metrics ?? []).flatMap(({ metricStat }) =>
    metricStat ? [metricStat.metric.dimensions ?? {}] : [],
  )
}

export interface CloudWatchAlarm {
  arn: string
  /** `ALARM`, `OK`, `INSUFFICIENT_DATA` or something newer. */
  state: string
  /** When it came into that state. */
  at: number
  /** Dimensions of each of its metrics. */
  dimensions: readonly Record<string, string>[]
  /** JSON text; null where the shape carries none. */
  reasonData: string | null
}

/** One state change of a CloudWatch alarm, whichever way it came. */
export function cloudWatchSignal({ arn, state, at, dimensions, reasonData }: CloudWatchAlarm): AlarmSignal {
  return {
    kind: "alarm",
    id: signalId("cloudwatch", arn, at),
    source: "cloudwatch",
    alarm: arn,
    labels: {},
    resource: shared(dimensions),
    state: stateOf(state),
    at,
    episode: { key: signalId("cloudwatch", arn), startsAt: state === "ALARM" ? at : null },
    ...cloudWatchPoints(reasonData),
  }
}

function stateOf(state: string): AlarmState {
  switch (state) {
    case "ALARM":
      return "alarm"
    case "OK":
      return "ok"
    case "INSUFFICIENT_DATA":
      return "insufficient-data"
    default:
      return "unknown"
  }
}

/** What all metrics of the alarm agree on: an alarm over two servers is about neither. */
function shared([first, ...others]: readonly Record<string, string>[]): Record<string, string> {
  return Object.fromEntries(
    Object.entries(first ?? {}).filter(([name, value]) =>
      others.every((other) => Object.hasOwn(other, name) && other[name] === value),
    ),
  )
}
