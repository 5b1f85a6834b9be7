import * as z from "zod"
import type { Signal } from "../decision/inputs/signal.ts"
import { SignalError } from "./signal-error.ts"

/** Which events a door takes; `any` is the command line's. */
export type DoorName = "alarm" | "schedule" | "manual" | "any"

export interface SignalContext {
  /** Arrival, epoch milliseconds. */
  now: number
  /** The name of ticks that bring none. */
  tickName?: string
}

export interface ReadSignals {
  signals: Signal[]
  /** Parts of a many-alarm event that could not be read; the readable rest is in `signals`. */
  problems: string[]
}

export type Json = Record<string, unknown>

/** One foreign shape: how people call it, whose door it is for, how it is recognized and how it is read. */
export interface Shape {
  name: string
  door: Exclude<DoorName, "any">
  looksLike(event: Json): boolean
  /** Throws SignalError where nothing in it can be read. */
  read(event: Json, context: SignalContext): ReadSignals
}

/** Alarms that one event may carry. */
const MAX_ALARMS = 1_000

/** A foreign value by its schema, or a SignalError with every problem and where it is. */
export function parseShape<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SignalError(
    parsed.error.issues.map(
      (issue) => `${[where, ...issue.path.map(String)].filter(Boolean).join(".")}: ${say(issue.message)}`,
    ),
  )
}

/** zod's words for a wrong type, as one says it to a person. */
function say(message: string): string {
  const [, expected, received] = /^Invalid input: expected (.+), received (.+)$/.exec(message) ?? []
  if (expected === undefined) return message
  return received === "undefined" ? `is missing (${expected})` : `must be ${expected}, not ${received}`
}

/** Reads each part by itself, so that one bad part loses no other. Throws SignalError when no part can be read. */
export function readEach(
  parts: readonly unknown[],
  where: string,
  read: (part: unknown, where: string) => Signal,
): ReadSignals {
  if (parts.length > MAX_ALARMS) {
    throw new SignalError(
      `${where}: has ${parts.length} alarms; at most ${MAX_ALARMS} are taken from one event`,
    )
  }
  const signals = new Map<string, Signal>()
  const problems: string[] = []
  parts.forEach((part, i) => {
    try {
      const signal = read(part, `${where}.${i}`)
      signals.set(signal.id, signal)
    } catch (error) {
      if (!(error instanceof SignalError)) throw error
      problems.push(...error.problems)
    }
  })
  if (signals.size === 0) throw new SignalError(problems.length > 0 ? problems : `${where}: is empty`)
  return { signals: [...signals.values()], problems }
}

/** One signal, no problems. */
export function one(signal: Signal): ReadSignals {
  return { signals: [signal], problems: [] }
}

const MAX_NAMES = 64
const MAX_NAMES_CHARS = 16 * 1024

/** Labels or dimensions, name -> value. Bounded, since the ledger keeps them. */
export const names = z.record(z.string(), z.string()).refine(
  (record) => {
    const entries = Object.entries(record)
    return (
      entries.length <= MAX_NAMES &&
      entries.reduce((sum, [k, v]) => sum + k.length + v.length, 0) <= MAX_NAMES_CHARS
    )
  },
  { error: `must be at most ${MAX_NAMES} names with ${MAX_NAMES_CHARS / 1024} KB of text` },
)
