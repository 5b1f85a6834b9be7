import type * as z from "zod"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import type { AlarmSignal, Signal } from "../decision/inputs/signal.ts"
import { readJson } from "./json-text.ts"
import { SignalError } from "./signal-error.ts"

/** Kinds of events that a door accepts. `any` is the door of the command line. */
export type DoorName = "alarm" | "schedule" | "manual" | "any"

export interface SignalContext {
  /** Arrival time, epoch milliseconds. */
  now: number
  /** Name for ticks that have none. Defaults to `tick`. */
  tickName?: string
  /** True for alarms that a supernode lists. If absent, every alarm counts as listed. */
  concerns?: Concerns | undefined
}

/** The part of an alarm that routing uses. */
export type Subject = Pick<AlarmSignal, "source" | "alarm" | "labels">
export type Concerns = (subject: Subject) => boolean

export interface ReadSignals {
  signals: Signal[]
  /** Problems of the parts of a many-alarm event that could not be read. The other parts are in `signals`. */
  problems: string[]
}

export type Json = Record<string, unknown>

/** One foreign event format: its name, its door, its recognition and its reader. */
export interface Shape {
  name: string
  door: Exclude<DoorName, "any">
  looksLike(event: Json): boolean
  /** Throws SignalError if no part of it can be read. */
  read(event: Json, context: SignalContext): ReadSignals
}

/** Parses a foreign value by its schema, or throws a SignalError with every problem and its path. */
export function parseShape<T extends z.ZodType>(schema: T, value: unknown, where: string): z.output<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new SignalError(
    parsed.error.issues.map((issue) => {
      const place = [where, ...issue.path.map(String)].filter(Boolean).join(".")
      return `${place || "the event"}: ${say(issue.message)}`
    }),
  )
}

/** Rewords zod's message about a wrong type. Its other messages are short and quote no foreign text. */
function say(message: string): string {
  const [, expected, received] = /^Invalid input: expected (\w+), received (\w+)$/.exec(message) ?? []
  if (expected === undefined) return message
  return received === "undefined" ? `is missing (${expected})` : `must be ${expected}, not ${received}`
}

export interface EachPart {
  read(part: unknown, where: string): Signal
  /** Alarm of a part, also of an unreadable part; `null` if it is unknown. */
  subject(part: unknown): Subject | null
  concerns: Concerns | undefined
}

/**
 * Reads each part by itself, so a malformed part does not affect the others. A malformed part is ignored if
 * it is an alarm that no supernode lists. Signals have the order in which they run. Throws SignalError if
 * there are no parts, or if no part was read or ignored.
 */
export function readEach(parts: readonly unknown[], where: string, each: EachPart): ReadSignals {
  const { read, subject, concerns } = each
  const found = new Map<string, Candidate>()
  const problems: string[] = []
  let ignored = 0
  const isUnlisted = (part: unknown): boolean => {
    const about = concerns ? subject(part) : null
    return about !== null && concerns?.(about) === false
  }
  for (const [i, part] of parts.entries()) {
    try {
      const signal = read(part, `${where}.${i}`)
      // Two parts may have the same id. A signal that concerns us is preferred, then one with state `alarm`.
      const held = found.get(signal.id)
      const candidate = { signal, isOurs: !isUnlisted(part) }
      if (held === undefined || comesBefore(candidate, held)) found.set(signal.id, candidate)
    } catch (error) {
      if (!(error instanceof SignalError)) throw error
      if (isUnlisted(part)) ignored += 1
      else problems.push(...error.problems)
    }
  }
  if (found.size === 0 && ignored === 0)
    throw new SignalError(problems.length > 0 ? problems : `${where}: is empty`)
  const signals = [...found.values()].map(({ signal }) => signal)
  return { signals: signals.toSorted(inOrder), problems: shortened(problems) }
}

interface Candidate {
  signal: Signal
  isOurs: boolean
}

/** True if the candidate replaces `held`, which has the same id and was found before. */
function comesBefore(candidate: Candidate, held: Candidate): boolean {
  if (candidate.isOurs !== held.isOurs) return candidate.isOurs
  const [mayWake, mightWake] = [isInAlarm(candidate.signal), isInAlarm(held.signal)]
  return mayWake === mightWake ? candidate.signal.at > held.signal.at : mayWake
}

/**
 * Sorts the signals of one event by time. At the same time, alarms come first. So an OK cannot close an
 * episode before the alarm of the same event and time has run.
 */
function inOrder(a: Signal, b: Signal): number {
  return a.at - b.at || Number(isInAlarm(b)) - Number(isInAlarm(a))
}

function isInAlarm(signal: Signal): boolean {
  return signal.kind === "alarm" && signal.state === "alarm"
}

/** An own field of a foreign value; `undefined` if the value is not an object or lacks the field. */
export function ownField(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, name)) return undefined
  return (value as Json)[name]
}

/** Alarm that a JSON text names under `key`; `null` if it is unknown. */
export function subjectIn(text: unknown, source: Subject["source"], key: string): Subject | null {
  if (typeof text !== "string") return null
  try {
    const alarm = ownField(readJson(text, ""), key)
    return typeof alarm === "string" ? { source, alarm, labels: {} } : null
  } catch (error) {
    if (error instanceof SignalError) return null
    throw error
  }
}

/** Maximum number of reported problems. Further problems would be much like the first ones. */
const MAX_PROBLEMS = 20

function shortened(problems: readonly string[]): string[] {
  const more = problems.length - MAX_PROBLEMS
  return more <= 0 ? [...problems] : [...problems.slice(0, MAX_PROBLEMS), `and ${more} more such problems`]
}

/** One signal, no problems. */
export function one(signal: Signal): ReadSignals {
  return { signals: [signal], problems: [] }
}

const MAX_NAMES = 64
const MAX_NAME_CHARS = 256
const MAX_VALUE_CHARS = 1_024
const MAX_NAMES_CHARS = 16 * 1024

/**
 * Labels or dimensions by name, cleaned and bounded, since the ledger keeps them. Values that are not text
 * are dropped, and so is everything past 64 names or 16 KB. Empty if `value` is not an object.
 */
export function namesIn(value: unknown): Record<string, string> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return {}
  const kept = new Map<string, string>()
  let chars = 0
  for (const [rawName, rawText] of Object.entries(value)) {
    if (typeof rawText !== "string" || rawName === "__proto__") continue
    const name = cleanText(rawName, MAX_NAME_CHARS)
    // If cleaning turns this name into another existing name, that other name keeps its value.
    if (name !== rawName && Object.hasOwn(value, name)) continue
    const text = cleanText(rawText, MAX_VALUE_CHARS)
    chars += name.length + text.length
    if (kept.size >= MAX_NAMES || chars > MAX_NAMES_CHARS) break
    kept.set(name, text)
  }
  return Object.fromEntries(kept)
}

/** A resource whose name is unreadable. It is no server of ours, and it differs from having no resource. */
export const UNREADABLE_RESOURCE: Readonly<Record<string, string>> = { unreadable: "resource" }

/**
 * Resource that a message names, from a mapping or a list of `{ name, value }`. Empty if `value` is absent,
 * `null` or an empty text; `UNREADABLE_RESOURCE` if any part of it cannot be kept.
 */
export function resourceIn(value: unknown): Record<string, string> {
  if (value === undefined || value === null || value === "") return {}
  const pairs = Array.isArray(value) ? pairsIn(value) : value
  const names = namesIn(pairs)
  const isWhole =
    typeof pairs === "object" && pairs !== null && Object.keys(pairs).length === Object.keys(names).length
  return isWhole ? names : { ...UNREADABLE_RESOURCE }
}

/** Converts `[{ name, value }]` to a mapping; `null` if an item is malformed or a name occurs twice. */
function pairsIn(list: readonly unknown[]): Record<string, unknown> | null {
  const pairs = new Map<string, unknown>()
  for (const item of list) {
    if (typeof item !== "object" || item === null || !("name" in item) || !("value" in item)) return null
    if (typeof item.name !== "string" || pairs.has(item.name)) return null
    pairs.set(item.name, item.value)
  }
  return Object.fromEntries(pairs)
}

/** Text of a foreign field, cleaned; `null` for any other value and for blank text. */
export function textIn(value: unknown, maxChars: number): string | null {
  return typeof value === "string" ? cleanText(value, maxChars) || null : null
}
