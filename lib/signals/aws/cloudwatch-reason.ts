import * as z from "zod"
import type { AlarmSignal } from "../../decision/inputs/signal.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { readDatapoints } from "../datapoints.ts"
import { instantOf } from "../instant.ts"
import { readJson } from "../json-text.ts"
import { SignalError } from "../signal-error.ts"

/** `reasonData` of a metric alarm. A composite alarm has `triggeringAlarms` there instead, and no points. */
const reasonShape = onFirstUse(() =>
  z.object({
    startDate: z.string().nullish().catch(null),
    period: z.number().positive().finite().nullish().catch(null),
    recentDatapoints: z.array(z.unknown()).catch([]),
    evaluatedDatapoints: z
      .array(
        z
          .object({ timestamp: z.string().max(64), value: z.unknown().optional() })
          .nullable()
          .catch(null),
      )
      .catch([]),
  }),
)

type Points = Pick<AlarmSignal, "points" | "periodMs">
type Raw = { at: number; value: unknown }

const NO_POINTS: Points = { points: null, periodMs: null }

/** The alarm's own datapoints. They are optional, so an unreadable one is dropped and not reported. */
export function cloudWatchPoints(reasonData: unknown): Points {
  const json = typeof reasonData === "string" ? jsonOrNull(reasonData) : reasonData
  const reason = reasonShape().safeParse(json).data
  if (!reason) return NO_POINTS
  const periodMs = reason.period ? reason.period * 1_000 : null
  const evaluated = reason.evaluatedDatapoints.flatMap((point) => {
    const at = point && instantOf(point.timestamp)
    return point && at !== null ? [{ at, value: point.value }] : []
  })
  const points = readDatapoints([...evaluated, ...datedRecent(reason, evaluated)])
  return points === null ? NO_POINTS : { points, periodMs }
}

/**
 * Adds times to `recentDatapoints`. They are bare values from `startDate` on, one per period, and a missing
 * period makes the list shorter. `evaluatedDatapoints` have times. If they do not fit the computed times,
 * there was a gap, and the bare values are ignored. Without `evaluatedDatapoints` the values are used: a gap
 * can only make a value look older than it is, never newer.
 */
function datedRecent(reason: z.output<ReturnType<typeof reasonShape>>, evaluated: readonly Raw[]): Raw[] {
  const start = reason.startDate ? instantOf(reason.startDate) : null
  if (start === null || !reason.period) return []
  const stepMs = reason.period * 1_000
  const recent = reason.recentDatapoints.map((value, i) => ({ at: start + i * stepMs, value }))
  if (evaluated.length === 0) return recent
  const newest = evaluated.reduce((a, b) => (b.at > a.at ? b : a))
  const valueAt = new Map(recent.map(({ at, value }) => [at, value]))
  const fits =
    recent.at(-1)?.at === newest.at &&
    evaluated.every(({ at, value }) => !valueAt.has(at) || valueAt.get(at) === value)
  return fits ? recent : []
}

function jsonOrNull(text: string): unknown {
  try {
    return readJson(text, "reasonData")
  } catch (error) {
    if (error instanceof SignalError) return null
    throw error
  }
}
