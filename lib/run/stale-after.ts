import type { Ports } from "../ports.ts"

/**
 * From the start of a round to its attempt. Its readings take at most 12 s, and a buyer under caps across supernodes may
 * wait for its turn. A process that was frozen in between has evidence as old as its freeze, and gates cannot see that:
 * they judge by the time of the last reading.
 */
export const MAX_ROUND_MS = 60_000

/** Whether so much time has passed since this call, by the wall clock or the monotonic one: either may stop. */
export function staleAfter({ clock }: Pick<Ports, "clock">, ms: number): () => boolean {
  const [wall, monotonic] = [clock.now(), clock.monotonic()]
  return () => Math.abs(clock.now() - wall) > ms || clock.monotonic() - monotonic > ms
}
