import type { Datapoint } from "../decision/inputs/signal.ts"
import { isInstant } from "./instant.ts"

/** Maximum number of periods of a rule. */
const MAX_POINTS = 100

/**
 * Foreign points as ours, oldest first, the newest 100; null if none is left. A point without a valid time or
 * number is dropped.
 */
export function readDatapoints(raw: readonly { at: unknown; value: unknown }[]): Datapoint[] | null {
  const values = new Map<number, number>()
  const contradicted = new Set<number>()
  for (const { at, value } of raw) {
    if (!isInstant(at) || typeof value !== "number" || !Number.isFinite(value)) continue
    if (values.has(at) && values.get(at) !== value) contradicted.add(at)
    values.set(at, value)
  }
  // Two values at one time are no evidence for either.
  const points = [...values].filter(([at]) => !contradicted.has(at)).map(([at, value]) => ({ at, value }))
  points.sort((a, b) => a.at - b.at)
  return points.length > 0 ? points.slice(-MAX_POINTS) : null
}
