import type { LoadCurve } from "./load-settings.ts"
import { namesOf, type Reporter } from "./series.ts"
import type { LiveServer } from "./supernode.ts"

// Load is a curve over time. Cloud Eye's answers are computed from the curve at the time of the request, so a
// new curve replaces the past too: `load: 95` means 95 at any past time.

const MINUTE_MS = 60_000
const MAX_SAMPLES = 60

/** The statistics that `filter` knows. */
export const STATISTICS = ["average", "max", "min", "sum", "variance"] as const
export type Statistic = (typeof STATISTICS)[number]

/**
 * Samples that a server's agent reported within [start, start + span) while it was RUNNING: one value a
 * minute, but at most 60 in all.
 */
export function samplesOf({ start, spanMs, ...reporter }: SampledPeriod): number[] {
  const { supernode, server } = reporter
  if (
    [...namesOf({ ...reporter, npu: null }), ...namesOf(reporter)].some((name) =>
      supernode.load.silent.includes(name),
    )
  )
    return []
  const stepMs = Math.max(MINUTE_MS, spanMs / MAX_SAMPLES)
  const samples: number[] = []
  for (let at = start; at < start + spanMs; at += stepMs) {
    const value = ranAt(server, at) ? valueAt(reporter, at) : null
    if (value !== null) samples.push(Math.min(100, Math.max(0, value)))
  }
  return samples
}

export interface SampledPeriod extends Reporter {
  /** Aligned to the period; epoch milliseconds. */
  start: number
  spanMs: number
}

/** One statistic over samples, to six decimals so that the mean of equal values is that value. */
export function statisticOf(samples: readonly number[], statistic: Statistic): number {
  const sum = samples.reduce((total, value) => total + value, 0)
  const mean = sum / samples.length
  switch (statistic) {
    case "average":
      return rounded(mean)
    case "max":
      return Math.max(...samples)
    case "min":
      return Math.min(...samples)
    case "sum":
      return rounded(sum)
    case "variance":
      return rounded(samples.reduce((total, value) => total + (value - mean) ** 2, 0) / samples.length)
    default:
      return statistic satisfies never
  }
}

const rounded = (value: number): number => Math.round(value * 1e6) / 1e6

/** A card without a curve of its own has the load of its server. */
function valueAt(reporter: Reporter, at: number): number | null {
  const { supernode } = reporter
  const { load, sharedLoad, servers, setAt } = supernode.load
  const names = [...namesOf(reporter), ...namesOf({ ...reporter, npu: null })]
  const own = names.map((name) => servers[name]).find((curve) => curve !== undefined)
  if (own !== undefined) return curveAt(own, { at, setAt })
  if (sharedLoad === undefined) return load === undefined ? null : curveAt(load, { at, setAt })
  const total = curveAt(sharedLoad, { at, setAt })
  return total === null ? null : total / supernode.servers.filter((other) => ranAt(other, at)).length
}

/** Value of the newest step that has begun; before the first one there is no data. */
function curveAt(curve: LoadCurve, { at, setAt }: { at: number; setAt: number }): number | null {
  if (typeof curve === "number") return curve
  if (typeof curve === "function") {
    const value = curve(at)
    return value !== null && Number.isFinite(value) ? value : null
  }
  const pastPoints = curve
    .map((step) => ({ value: step.value, from: startOf(step.from, setAt) }))
    .filter((step) => step.from <= at)
    .sort((a, b) => a.from - b.from)
  return pastPoints.at(-1)?.value ?? null
}

function startOf(from: string | number | undefined, setAt: number): number {
  if (from === undefined) return -Infinity
  return typeof from === "string" ? Date.parse(from) : setAt + from
}

function ranAt(server: LiveServer, at: number): boolean {
  return server.runs.some((run) => run.from <= at && (run.to === null || at < run.to))
}
