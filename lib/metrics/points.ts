import type { Datapoint } from "../decision/inputs/signal.ts"

/**
 * The usable points, oldest first. Points of other times are dropped, and so are NaN and Infinity; a period that is
 * reported twice with different values is missing, since it is unknown which one is true.
 */
export function pointsAt(starts: readonly number[], points: readonly Datapoint[]): Datapoint[] {
  const values = new Map<number, Set<number>>()
  for (const { at, value } of points) {
    if (Number.isFinite(value)) values.set(at, (values.get(at) ?? new Set()).add(value))
  }
  return starts.toReversed().flatMap((at) => {
    const told = [...(values.get(at) ?? [])]
    return told.length === 1 ? told.map((value) => ({ at, value })) : []
  })
}
