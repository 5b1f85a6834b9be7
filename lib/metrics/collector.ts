import { setImmediate as nextTurn } from "node:timers/promises"
import type { Reading } from "../decision/inputs/reading.ts"
import type { MetricQuestion } from "../ports.ts"
import { readAlarm } from "./alarm.ts"
import type { BatchOptions } from "./batching/batch.ts"
import { type Meter, meterOf } from "./batching/meter.ts"
import { type Discovery, discoveryOf } from "./cloud-eye/discovery.ts"
import { cloudEyeKind } from "./cloud-eye/queries.ts"
import { cloudEyeReading, seriesOf } from "./cloud-eye/reading.ts"
import { wantOf } from "./cloud-eye/wants.ts"
import { cloudwatchKind } from "./cloudwatch/queries.ts"
import { cloudwatchReading, cloudwatchSeries, cloudwatchWant } from "./cloudwatch/reading.ts"
import { expressionOf, prometheusKind, prometheusReading, prometheusWant } from "./prometheus/reading.ts"
import type { MetricSources } from "./sources.ts"

/** One supernode's place among those of an event. All take theirs before any of them runs, so that they find each other. */
export interface Participant {
  /** One reading per rule, in the policy's order. Never throws: what could not be read is missing and says why. */
  read(question: MetricQuestion): Promise<Reading[]>
  /** It will not ask any more: the others shall not wait for it. */
  leave(): void
}

/** The meters as the supernodes of one event read them together. */
export interface MetricEvent {
  seat(): Participant
}

export interface CollectorOptions extends BatchOptions {
  /** CloudWatch's region where a rule names none (AWS_REGION). */
  awsRegion?: string | null
}

/** What the series are called (the "*" of dimensions) is remembered from one event to the next, what they say is not. */
export function metricCollector(
  sources: MetricSources,
  options: CollectorOptions = {},
): { event(): MetricEvent } {
  const discovery = discoveryOf(sources)
  return {
    event() {
      const meters = metersOf(sources, discovery, options)
      const oneByOne = turnsOf()
      return { seat: () => participantOf(meters, oneByOne) }
    },
  }
}

/**
 * Each in a turn of its own: one answer serves many supernodes, and each of them then decides. All in one turn of the event
 * loop, a hundred decisions would keep webhooks waiting.
 */
function turnsOf(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return () => {
    last = last.then(() => nextTurn())
    return last
  }
}

function participantOf(meters: readonly Meter[], oneByOne: () => Promise<void>): Participant {
  for (const meter of meters) meter.join()
  let isAwaited = true
  return {
    async read(question) {
      // The others wait only for the first reading; a second one (another round, another signal) is late.
      const isFirst = isAwaited
      isAwaited = false
      const read = await Promise.all(meters.map((meter) => meter.read(question, isFirst)))
      await oneByOne()
      const byRule = new Map(read.flatMap((readings) => [...readings]))
      return question.policy.rules.map(({ name }) => byRule.get(name) ?? readAlarm(name, question))
    },
    leave() {
      if (isAwaited) for (const meter of meters) meter.pass()
      isAwaited = false
    },
  }
}

function metersOf(sources: MetricSources, discovery: Discovery, options: CollectorOptions): Meter[] {
  const cloudEye = meterOf(
    cloudEyeKind(sources),
    {
      source: (rule) => rule.metric["cloud-eye"],
      want: (rule, source, question) => wantOf(rule, source, { question, discovery }),
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
      reading: (rule, want, told) => prometheusReading(rule, want, told[0] ?? []),
    },
    options,
  )
  const cloudwatch = meterOf(
    cloudwatchKind(sources),
    {
      source: (rule) => rule.metric.cloudwatch,
      want: (rule, source, question) =>
        cloudwatchWant(rule, source, { question, region: options.awsRegion ?? null }),
      series: cloudwatchSeries,
      reading: cloudwatchReading,
    },
    options,
  )
  return [cloudEye, prometheus, cloudwatch]
}
