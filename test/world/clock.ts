import type { Clock } from "../../lib/ports.ts"

/** A clock that shows this time, or the result of the function. Its waits take no time. */
export function clockAt(time: number | (() => number)): Clock {
  const now = typeof time === "number" ? () => time : time
  return { now, monotonic: now, wait: async () => undefined }
}
