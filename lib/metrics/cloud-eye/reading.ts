import type { Reading, Series } from "../../decision/inputs/reading.ts"
import type { Datapoint } from "../../decision/inputs/signal.ts"
import type { SeriesAnswer, Want } from "../batching/requests.ts"
import { pointsAt } from "../points.ts"
import { type SeriesProblem, sayProblems } from "../problems.ts"
import type { CloudEyePoints, CloudEyeSeriesDemand } from "./queries.ts"
import type { CloudEyeWant } from "./wants.ts"

type CameFor = readonly SeriesAnswer<CloudEyePoints>[]

/** All series of one rule, in the order of its owners and their metrics. */
export function seriesOf({
  place,
  periodMs,
  filter,
  starts,
  owners,
}: CloudEyeWant): Want<CloudEyeSeriesDemand>[] {
  return owners.flatMap(({ metrics }) =>
    metrics.map((metric) => ({ series: { place, periodMs, filter, metric }, starts })),
  )
}

/** The reading of one rule from the answers to its series, in their order. */
export function cloudEyeReading(rule: string, want: CloudEyeWant, received: readonly CameFor[]): Reading {
  const series: Series[] = []
  const problems: SeriesProblem[] = [...want.problems]
  let next = 0
  for (const { server, metrics } of want.owners) {
    const own = received.slice(next, next + metrics.length)
    next += metrics.length
    const parts = own.map((answers) => pointsAt(want.starts, answers.flatMap(pointsIn)))
    const points = metrics.length === 1 ? (parts[0] ?? []) : combineParts(parts, want)
    const hasAny = own.some((answers) => answers.some(({ read }) => read.ok && read.value !== null))
    if (hasAny) series.push({ server, points })
    problems.push(...problemsOf(server, { own, parts, points, want }))
  }
  const failures = received.flat().flatMap(({ read }) => (read.ok ? [] : [read]))
  const isRefused = want.refusal.credentials || failures.some(({ credentials }) => credentials)
  // A series that is absent from the answer or unreadable must not count as missing data.
  const isLeftOut = received
    .flat()
    .some(({ read }) => read.ok && (read.value === null || read.value.unreadable))
  const isUnasked = want.refusal.refused || isLeftOut || failures.some(({ refused }) => refused)
  return {
    rule,
    periodMs: want.periodMs,
    series,
    problem: sayProblems(problems),
    ...(isRefused ? { credentials: true as const } : {}),
    ...(isUnasked ? { unasked: true as const } : {}),
  }
}

function pointsIn({ read }: SeriesAnswer<CloudEyePoints>): Datapoint[] {
  return read.ok ? (read.value?.points ?? []) : []
}

/**
 * Combines the parts of one owner, such as the cards of a server. A period has a value only if every part
 * reported in it: a card without a report may be the busy one, or it may be dead and the others have its
 * load.
 */
function combineParts(parts: readonly Datapoint[][], { starts, aggregate }: CloudEyeWant): Datapoint[] {
  const byStart = new Map<number, number[]>()
  for (const { at, value } of parts.flat()) byStart.set(at, [...(byStart.get(at) ?? []), value])
  return starts.toReversed().flatMap((at) => {
    const values = byStart.get(at) ?? []
    if (values.length < parts.length) return []
    const value = {
      average: () => values.reduce((sum, one) => sum + one, 0) / values.length,
      max: () => Math.max(...values),
      min: () => Math.min(...values),
    }[aggregate]()
    return Number.isFinite(value) ? [{ at, value }] : []
  })
}

interface OwnerParts {
  own: readonly CameFor[]
  parts: readonly Datapoint[][]
  points: readonly Datapoint[]
  want: CloudEyeWant
}

function problemsOf(server: string | null, { own, parts, points, want }: OwnerParts): SeriesProblem[] {
  const reasons = new Set(own.flat().flatMap((one) => reasonForNoData(one) ?? []))
  const problems = [...reasons].map((says) => ({ server, says }))
  if (reasons.size > 0 || points.length > 0) return problems
  const silent = parts.filter((part) => part.length < want.starts.length).length
  const says =
    parts.length > 1
      ? `${silent} of its ${parts.length} series did not report in every period; a period counts only if all series report`
      : "Cloud Eye has no usable point in the requested periods"
  return [...problems, { server, says }]
}

function reasonForNoData({ read }: SeriesAnswer<CloudEyePoints>): string | null {
  if (!read.ok) return `Cloud Eye could not be read: ${read.why}`
  if (read.value?.unreadable) return "Cloud Eye's response has unreadable points"
  return read.value === null ? "Cloud Eye's response lacks the series" : null
}
