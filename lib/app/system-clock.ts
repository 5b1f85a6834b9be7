import { setTimeout as delay } from "node:timers/promises"
import type { Clock } from "../ports.ts"

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  wait: async (ms) => {
    await delay(ms)
  },
}
