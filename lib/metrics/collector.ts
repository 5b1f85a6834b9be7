import type { Reading } from "../decision/inputs/reading.ts"
import type { MetricQuery } from "../ports.ts"
import { readAlarm } from "./alarm.ts"
import type { BatchTime } from "./batching/batch.ts"
import { limiterOf } from "./batching/concurrency.ts"
import { type ChunkOptions, type Meter, meterOf } from "./batching/meter.ts"
import { type Discovery, discoveryOf } from "./cloud-eye/discovery.ts"
import { cloudEyeKind } from "./cloud-eye/queries.ts"
import { cloudEyeReading, seriesOf } from "./cloud-eye/reading.ts"
import { wantOf } from "./cloud-eye/wants.ts"
import { cloudwatchKind } from "./cloudwatch/queries.ts"
import { cloudwatchReading, cloudwatchSeries, cloudwatchWant } from "./cloudwatch/reading.ts"
import { expressionOf, prometheusKind, prometheusReading, prometheusWant } from "./prometheus/reading.ts"
import type { MetricSources } from "./sources.ts"

/** One supernode among those of an event. */
export interface Participant {
  /** One reading per rule, in the policy's order. Never throws: a failed reading has a `problem`. */
  read(query: MetricQuery): Promise<Reading[]>
  /** The supernode reads nothing more, so the others do not wait for it. */
  leave(): void
}

/** The meters that the supernodes of one event read together. */
export interface MetricEvent {
  /** A supernode joins before its run starts. Supernodes that start together share requests. */
  join(): Participant
}

export interface CollectorOptions extends BatchTime {
  /** CloudWatch's region for rules that name none (AWS_REGION). */
  awsRegion?: string | null
}

/** Maximum number of supernodes that wait for each other. */
const CHUNK = 100

/** Names of series (for "*" in dimensions) are kept from one event to the next, their points are not. */
export function metricCollector(
  sources: MetricSources,
  { awsRegion = null, ...time }: CollectorOptions,
): { event(): MetricEvent } {
  const discovery = discoveryOf(sources)
  return {
    event() {
      const limited = limiterOf()
      const newChunk = () => chunkOf({ sources, discovery, awsRegion, limited, ...time })
      let chunk = newChunk()
      return {
        join() {
          if (!chunk.isOpen()) chunk = newChunk()
          return chunk.join()
        },
      }
    },
  }
}

interface ChunkParts extends ChunkOptions {
  sources: MetricSources
  discovery: Discovery
  awsRegion: string | null
}

/** Accepts supernodes until it has 100, or until one of its meters has sent requests. */
function chunkOf(parts: ChunkParts): { isOpen(): boolean; join(): Participant } {
  const meters = metersOf(parts)
  let joined = 0
  return {
    isOpen: () => joined < CHUNK && !meters.some((meter) => meter.isSent()),
    join() {
      joined += 1
      const members = meters.map((meter) => meter.join())
      return {
        async read(query) {
          const read = await Promise.all(members.map((member) => member.read(query)))
          const byRule = new Map(read.flatMap((readings) => [...readings]))
          return query.policy.rules.map(({ name }) => byRule.get(name) ?? readAlarm(name, query))
        },
        leave() {
          for (const member of members) member.leave()
        },
      }
    },
  }
}

function metersOf({ sources, discovery, awsRegion, ...options }: ChunkParts): Meter[] {
  const cloudEye = meterOf(
    cloudEyeKind(sources),
    {
      source: (rule) => rule.metric["cloud-eye"],
      want: (rule, source, query) => wantOf(rule, source, { query, discovery }),
      series: seriesOf,
      reading: cloudEyeReading,
    },
    options,
  )
  const prometheus = meterOf(
    prometheusKind(sources),
    {
      source: (rule) => rule.metric.prometheus,
      want: prometheusWant,
      series: expressionOf,
      reading: (rule, want, answers) => prometheusReading(rule, want, answers[0] ?? []),
    },
    options,
  )
  const cloudwatch = meterOf(
    cloudwatchKind(sources),
    {
      source: (rule) => rule.metric.cloudwatch,
      want: (rule, source, query) => cloudwatchWant(rule, source, { query, region: awsRegion }),
      series: cloudwatchSeries,
      reading: cloudwatchReading,
    },
    options,
  )
  return [cloudEye, prometheus, cloudwatch]
}
