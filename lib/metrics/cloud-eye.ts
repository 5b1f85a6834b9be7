import type { Policy } from "../decision/policy.ts"
import type { Reading, Series } from "../decision/reading.ts"
import type { Datapoint } from "../decision/signal.ts"
import type { MetricQuestion, Read } from "../ports.ts"
import { planQueries, seriesKey } from "./cloud-eye-queries.ts"
import { type CloudEyeWant, wantOf } from "./cloud-eye-wants.ts"
import { pointsAt } from "./points.ts"
import { type SeriesProblem, sayProblems } from "./problems.ts"
import type { CloudEyeQuery, CloudEyeSeries, MetricSources } from "./sources.ts"

/** Requests in flight at once: enough for speed, few enough not to be throttled. */
const MAX_CONCURRENT = 4

/** What one request brought for one series. Null points: the answer left the series out, or there was no answer. */
interface Answer {
  key: string
  from: number
  to: number
  points: Datapoint[] | null
  failed: { why: string; credentials: boolean } | null
}

/** Readings of the rules whose evidence is Cloud Eye's, by rule name. Never throws; what did not come is missing. */
export async function readCloudEye(
  question: MetricQuestion,
  sources: MetricSources,
): Promise<Map<string, Reading>> {
  const wants = question.policy.rules.flatMap((rule) => {
    const source = rule.metric["cloud-eye"]
    return source === undefined ? [] : [{ rule: rule.name, want: wantOf(rule, source, question) }]
  })
  const queries = planQueries(wants.map(({ want }) => want))
  const answers = await inParallel(queries, async (query) =>
    answersTo(query, await ask(sources, question.policy, query)),
  )
  const byKey = new Map<string, Answer[]>()
  for (const answer of answers.flat()) byKey.set(answer.key, [...(byKey.get(answer.key) ?? []), answer])
  return new Map(wants.map(({ rule, want }) => [rule, readingOf(rule, want, byKey)]))
}

/** One source's failure, thrown or answered, must cost no other reading. */
async function ask(
  sources: MetricSources,
  policy: Policy,
  query: CloudEyeQuery,
): Promise<Read<CloudEyeSeries[]>> {
  try {
    return await sources.cloudEye(policy, query)
  } catch (cause) {
    return { ok: false, why: cause instanceof Error ? cause.message : String(cause), credentials: false }
  }
}

function answersTo(query: CloudEyeQuery, read: Read<CloudEyeSeries[]>): Answer[] {
  const question = { periodMs: Number(query.period) * 1_000, filter: query.filter }
  const { from, to } = query
  const came = new Map<string, Datapoint[]>()
  for (const { namespace, metricName, dimensions, points } of read.ok ? read.value : []) {
    const key = seriesKey(question, { namespace, metric_name: metricName, dimensions })
    // The period at `from` was only asked for to make the next one whole; another request may have it in full.
    came.set(key, [...(came.get(key) ?? []), ...points.filter(({ at }) => from < at && at < to)])
  }
  return query.metrics.map((metric) => {
    const key = seriesKey(question, metric)
    return { key, from, to, points: came.get(key) ?? null, failed: read.ok ? null : read }
  })
}

function readingOf(rule: string, want: CloudEyeWant, byKey: ReadonlyMap<string, Answer[]>): Reading {
  const series: Series[] = []
  const problems: SeriesProblem[] = [...want.problems]
  for (const { server, metric } of want.series) {
    const answers = (byKey.get(seriesKey(want, metric)) ?? []).filter(({ from, to }) =>
      want.starts.some((start) => from < start && start < to),
    )
    const came = answers.flatMap(({ points }) => (points === null ? [] : [points]))
    const points = pointsAt(want.starts, came.flat())
    if (came.length > 0) series.push({ server, points })
    for (const answer of answers) {
      const says = whyNothing(answer)
      if (says !== null) problems.push({ server, says })
    }
    if (points.length === 0 && came.length === answers.length) {
      problems.push({ server, says: "Cloud Eye has no usable point in the periods asked for" })
    }
  }
  const isRefused = want.series.some(({ metric }) =>
    (byKey.get(seriesKey(want, metric)) ?? []).some(({ failed }) => failed?.credentials),
  )
  return {
    rule,
    periodMs: want.periodMs,
    series,
    problem: sayProblems(problems),
    ...(isRefused ? { credentials: true as const } : {}),
  }
}

function whyNothing({ points, failed }: Answer): string | null {
  if (failed !== null) return `Cloud Eye could not be read: ${failed.why}`
  return points === null ? "Cloud Eye's answer left out the series" : null
}

async function inParallel<In, Out>(items: readonly In[], work: (item: In) => Promise<Out>): Promise<Out[]> {
  const results: Out[] = []
  const queue = items.entries()
  const worker = async () => {
    // The iterator is shared: each worker takes the next item that no other took.
    for (const [i, item] of queue) results[i] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(MAX_CONCURRENT, items.length) }, worker))
  return results
}
