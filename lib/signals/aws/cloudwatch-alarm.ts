import * as z from "zod"
import { cleanText } from "../../decision/inputs/foreign-text.ts"
import type { AlarmSignal, AlarmState } from "../../decision/inputs/signal.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { isoInstant } from "../instant.ts"
import { resourceIn, UNREADABLE_RESOURCE } from "../shape.ts"
import { signalId } from "../signal-id.ts"
import { cloudWatchPoints } from "./cloudwatch-reason.ts"

// Common parts of the three formats of a CloudWatch alarm. All formats must give the same id for the same
// state change. Only ARN, state and time are required; every other field may be absent or malformed.

export const alarmArn = onFirstUse(() =>
  z
    .string()
    .max(1_024)
    .regex(/^arn:aws[a-z-]*:cloudwatch:[a-z0-9-]+:\d{12}:alarm:.{1,255}$/s, {
      error: "must be the ARN of a CloudWatch alarm",
    }),
)

/** `state` of the EventBridge event and of the direct alarm action. */
export const alarmStateShape = onFirstUse(() =>
  z.object({
    value: z.string().max(64),
    timestamp: isoInstant(),
    reasonData: z.unknown().optional(),
  }),
)

/** `configuration` of the event and of the direct action of an alarm. Composite alarms have no metrics; metric math may lack `metricStat`. */
const configurationShape = onFirstUse(() =>
  z
    .object({
      metrics: z
        .array(
          z
            .object({
              metricStat: z.object({ metric: z.object({ dimensions: z.unknown().optional() }) }).nullish(),
            })
            .catch({ metricStat: { metric: { dimensions: UNREADABLE_RESOURCE } } }),
        )
        .nullish(),
    })
    .nullish()
    .catch({ metrics: [{ metricStat: { metric: { dimensions: UNREADABLE_RESOURCE } } }] }),
)

/** Dimensions of every metric behind an alarm, from `configuration`. */
export function dimensionsOf(configuration: unknown): Record<string, string>[] {
  return (configurationShape().parse(configuration)?.metrics ?? []).flatMap(({ metricStat }) =>
    metricStat ? [resourceIn(metricStat.metric.dimensions)] : [],
  )
}

/** One of the many series that an alarm watches (`alarmContributor`). */
export interface Contributor {
  id: string
  attributes: Record<string, string>
}

/**
 * Contributor of an event; `null` for the alarm as a whole. A malformed contributor becomes a resource that
 * is not ours.
 */
export function contributorIn(value: unknown): Contributor | null {
  if (value === undefined || value === null) return null
  const { id, attributes }: { id?: unknown; attributes?: unknown } =
    typeof value === "object" ? value : { id: value }
  const isNamed = (typeof id === "string" && id !== "") || typeof id === "number"
  if (!isNamed) return { id: "unreadable", attributes: { ...UNREADABLE_RESOURCE } }
  const named = resourceIn(attributes)
  // A series that does not name its resource may belong to any server.
  return { id: String(id), attributes: Object.keys(named).length > 0 ? named : { ...UNREADABLE_RESOURCE } }
}

export interface CloudWatchAlarm {
  arn: string
  /** `ALARM`, `OK`, `INSUFFICIENT_DATA` or something newer. */
  state: string
  /** Time of the state change, epoch milliseconds. */
  at: number
  /** `null` for the alarm as a whole. */
  contributor: Contributor | null
  /** Dimensions of each of its metrics. */
  dimensions: readonly Record<string, string>[]
  /** JSON text, or the parsed object; any other value carries no points. */
  reasonData: unknown
}

/** One state change of a CloudWatch alarm, or of one of its contributors, in any of the three formats. */
export function cloudWatchSignal(alarm: CloudWatchAlarm): AlarmSignal {
  const { arn, state, at, contributor, dimensions, reasonData } = alarm
  const part = contributor === null ? [] : [contributor.id]
  return {
    kind: "alarm",
    id: signalId("cloudwatch", arn, contributor?.id ?? "", state, at),
    source: "cloudwatch",
    alarm: cleanText(arn, 512),
    labels: {},
    resource: mergeDimensions(contributor === null ? dimensions : [...dimensions, contributor.attributes]),
    state: alarmState(state, contributor !== null),
    at,
    episode: { key: signalId("cloudwatch", arn, ...part), startsAt: state === "ALARM" ? at : null },
    ...(contributor === null ? {} : { contributor: signalId("contributor", contributor.id) }),
    ...cloudWatchPoints(reasonData),
  }
}

function alarmState(state: string, isContributor: boolean): AlarmState {
  switch (state) {
    case "ALARM":
      return "alarm"
    case "OK":
      return isContributor ? "contributor-ok" : "ok"
    case "INSUFFICIENT_DATA":
      return "insufficient-data"
    default:
      return "unknown"
  }
}

/**
 * Merges the dimensions of all metrics and of the contributor. If a name has several values, they are joined
 * with commas, since all of them must be ours.
 */
function mergeDimensions(dimensions: readonly Record<string, string>[]): Record<string, string> {
  const values = new Map<string, Set<string>>()
  for (const [name, value] of dimensions.flatMap((one) => Object.entries(one))) {
    values.set(name, (values.get(name) ?? new Set()).add(value))
  }
  return Object.fromEntries([...values].map(([name, different]) => [name, [...different].join(",")]))
}
