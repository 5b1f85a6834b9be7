import type { Datapoint } from "../decision/inputs/signal.ts"

/**
 * The usable points at these period starts, oldest first. Points at other times, NaN and infinities are
 * dropped. If a period has two different values, it is missing, since it is unknown which one is true.
 */
export function pointsAt(starts: readonly number[], points: readonly Datapoint[]): Datapoint[] {
  const values = new Map<number, Set<number>>()
  for (const { at, value } of points) {
    if (Number.isFinite(value)) values.set(at, (values.get(at) ?? new Set()).add(value))
  }
  return starts.toReversed().flatMap((at) => {
    const distinct = [...(values.get(at) ?? [])]
    return distinct.length === 1 ? distinct.map((value) => ({ at, value })) : []
  })
}
