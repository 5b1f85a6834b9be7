import { setTimeout as delay } from "node:timers/promises"
import type { Clock } from "../ports.ts"

export const systemClock: Clock = {
  now: () => Date.now(),
  // The global `performance` would load all of node:perf_hooks.
  monotonic: () => Number(process.hrtime.bigint()) / 1e6,
  wait: async (ms) => {
    await delay(ms)
  },
}
