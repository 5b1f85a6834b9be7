/**
 * Groups period starts into ranges [oldest, newest] without gaps. If rules have very different lags, the gap
 * between their periods must not be requested.
 */
export function periodRanges(
  starts: ReadonlySet<number>,
  periodMs: number,
  maxPeriods: number,
): [number, number][] {
  const found: [number, number][] = []
  for (const start of [...starts].sort((a, b) => a - b)) {
    const last = found.at(-1)
    const continues =
      last !== undefined && start === last[1] + periodMs && start < last[0] + maxPeriods * periodMs
    if (continues) last[1] = start
    else found.push([start, start])
  }
  return found
}
