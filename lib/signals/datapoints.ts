import type { Datapoint } from "../decision/inputs/signal.ts"
import { isInstant } from "./instant.ts"

/** Maximum number of points, which is the maximum number of periods of a rule. */
const MAX_POINTS = 100

/**
 * Converts foreign points to datapoints: the newest 100, oldest first. A point without a valid time or number
 * is dropped. Returns `null` if none is left.
 */
export function readDatapoints(raw: readonly { at: unknown; value: unknown }[]): Datapoint[] | null {
  const values = new Map<number, number>()
  const contradicted = new Set<number>()
  for (const { at, value } of raw) {
    if (!isInstant(at) || typeof value !== "number" || !Number.isFinite(value)) continue
    if (values.has(at) && values.get(at) !== value) contradicted.add(at)
    values.set(at, value)
  }
  // If one time has two different values, neither is reliable.
  const points = [...values].filter(([at]) => !contradicted.has(at)).map(([at, value]) => ({ at, value }))
  points.sort((a, b) => a.at - b.at)
  return points.length > 0 ? points.slice(-MAX_POINTS) : null
}
