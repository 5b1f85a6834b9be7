import type { Ports } from "../ports.ts"

/**
 * Maximum time from the start of a round to its attempt. Its reads take at most 12 s, and a buyer under caps across supernodes may
 * wait for its turn. In a process that was frozen meanwhile the evidence is as old as the freeze. Gates cannot see that: they
 * compare with the time of the last read.
 */
export const MAX_ROUND_MS = 60_000

/** Returns a check whether that much time has passed since this call, by the wall clock or the monotonic clock: either may stop. */
export function staleAfter({ clock }: Pick<Ports, "clock">, ms: number): () => boolean {
  const [wall, monotonic] = [clock.now(), clock.monotonic()]
  return () => Math.abs(clock.now() - wall) > ms || clock.monotonic() - monotonic > ms
}
