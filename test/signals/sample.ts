import { readFileSync } from "node:fs"
import type { AlarmSignal, Signal } from "../../lib/decision/inputs/signal.ts"
import { type DoorName, readSignals } from "../../lib/signals/read.ts"
import { SignalError } from "../../lib/signals/signal-error.ts"

/** Arrival time of the events in these tests. */
export const NOW = Date.parse("2024-01-12T16:51:17.500Z")

/** One event of test/events, a new object at every call. */
export function sample(name: string): Record<string, unknown> {
  return JSON.parse(readFileSync(new URL(`../events/${name}.json`, import.meta.url), "utf8")) as Record<
    string,
    unknown
  >
}

/** A sample event with the value at `path`, a list of keys and indexes, replaced. */
export function sampleWith(name: string, path: readonly (string | number)[], value: unknown): unknown {
  return replaced(sample(name), path, value)
}

export function replaced(
  into: unknown,
  [key, ...rest]: readonly (string | number)[],
  value: unknown,
): unknown {
  if (key === undefined) return value
  const copy = Array.isArray(into) ? [...(into as unknown[])] : { ...(into as object) }
  const at = copy as Record<string | number, unknown>
  at[key] = replaced(at[key], rest, value)
  return copy
}

export function signalsOf(event: unknown, door: DoorName = "any"): Signal[] {
  return readSignals(event, door, { now: NOW }).signals
}

/** The only alarm in an event. Throws if the event gives anything else. */
export function alarmIn(event: unknown): AlarmSignal {
  const [signal, ...others] = signalsOf(event, "alarm")
  if (signal?.kind !== "alarm" || others.length > 0) throw new Error("one alarm was expected")
  return signal
}

/** Problems of the `SignalError` that refuses an event. Throws if the event is accepted. */
export function problemsOf(event: unknown, door: DoorName = "any"): string[] {
  try {
    readSignals(event, door, { now: NOW })
  } catch (error) {
    if (error instanceof SignalError) return error.problems
    throw error
  }
  throw new Error("the event was taken")
}
