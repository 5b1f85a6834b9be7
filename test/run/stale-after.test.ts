import { expect, it } from "vitest"
import { staleAfter } from "../../lib/run/stale-after.ts"

it.each([
  ["both clocks advanced by a minute", 60_000, 60_000, false],
  ["the wall clock advanced further, since a suspended machine stopped the monotonic clock", 60_001, 0, true],
  ["the wall clock was set back", -60_001, 1, true],
  ["the monotonic clock advanced further, since the wall clock was set back meanwhile", 0, 60_001, true],
])(
  "the age of what a run has read is taken from the clock that shows the larger change: %s",
  (_, wallMs, monotonicMs, isStale) => {
    let passed = { wallMs: 0, monotonicMs: 0 }
    const clock = { now: () => 1_000_000 + passed.wallMs, monotonic: () => 5_000 + passed.monotonicMs }
    const isOver = staleAfter({ clock: { ...clock, wait: async () => undefined } }, 60_000)
    expect(isOver()).toBe(false)
    passed = { wallMs, monotonicMs }
    expect(isOver()).toBe(isStale)
  },
)
