import type { Ports } from "../ports.ts"

/**
 * Maximum time from the start of a round to its attempt. Reads take at most 12 s, and a buyer under fleet caps may wait for its
 * turn. If the process was frozen meanwhile, its evidence is old. The gates cannot detect that, since they use the time at the start
 * of the round.
 */
export const MAX_ROUND_MS = 60_000

/** Returns a check whether `ms` have passed since this call. It compares two clocks, since either one may stop during a freeze. */
export function staleAfter({ clock }: Pick<Ports, "clock">, ms: number): () => boolean {
  const [wall, monotonic] = [clock.now(), clock.monotonic()]
  return () => Math.abs(clock.now() - wall) > ms || clock.monotonic() - monotonic > ms
}
