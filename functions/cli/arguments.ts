import { InvalidArgumentError } from "commander"
import * as z from "zod"
import { PLACEHOLDERS } from "../../lib/decision/explain/operator-command.ts"
import { durationMs } from "../../lib/decision/policy/amounts.ts"
import { words } from "./words.ts"

export { words } from "./words.ts"

// Parsers of arguments. Each throws commander's InvalidArgumentError: wrong usage, exit 2.

/** ISO 8601 with its zone; seconds are optional. */
const isoInstant = z.union([
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
])

/** Format in which times are shown to people: `2026-01-31 18:00:00 +08:00`. */
const SHOWN_INSTANT = /^(\d{4}-\d\d-\d\d) (\d\d:\d\d(?::\d\d)?) ?([+-]\d\d:\d\d)$/

/** TIME: ISO 8601 with its zone, or a duration from `now`; always in the future. */
export function timeAfter(now: number): (text: string) => number {
  return (text) => {
    const fromNow = durationMs(text)
    const at =
      fromNow === null
        ? instantIn(text, { orElse: "a duration from now", exampleAt: now + EXAMPLE_MS })
        : now + fromNow
    if (at <= now) throw new InvalidArgumentError(`${new Date(at).toISOString()} is not in the future.`)
    return at
  }
}

/** TIME: ISO 8601 with its zone, or a duration back from `now`; never in the future. */
export function timeBefore(now: number): (text: string) => number {
  return (text) => {
    const back = durationMs(text)
    const at =
      back === null
        ? instantIn(text, { orElse: "a duration back from now", exampleAt: now - EXAMPLE_MS })
        : now - back
    if (at > now) throw new InvalidArgumentError(`${new Date(at).toISOString()} is in the future.`)
    return at
  }
}

/** ISO 8601 with its zone -> epoch milliseconds. */
export function instant(text: string): number {
  return instantIn(text, { orElse: null, exampleAt: Date.UTC(2026, 0, 31) })
}

/** Distance between now and the example in a message. An option accepts an example that is this far away. */
const EXAMPLE_MS = 2 * 86_400_000

interface TimeForms {
  /** Description of the other form that the option accepts; `null` if there is none. */
  orElse: string | null
  /** Day of the examples in the message, epoch milliseconds. */
  exampleAt: number
}

function instantIn(text: string, { orElse, exampleAt }: TimeForms): number {
  const iso = text.trim().replace(SHOWN_INSTANT, "$1T$2$3")
  if (isoInstant.safeParse(iso).success) return Date.parse(iso)
  const other = orElse === null ? "" : `${orElse} such as "90s", "15m", "2h" or "3d", or `
  const day = new Date(exampleAt).toISOString().slice(0, "2026-01-31".length)
  throw new InvalidArgumentError(
    `It must be ${other}an ISO 8601 time with its zone such as ${day}T18:00:00Z or ${day}T18:00+08:00.`,
  )
}

/** A duration -> milliseconds. */
export function duration(text: string): number {
  const ms = durationMs(text)
  if (ms === null) throw new InvalidArgumentError('It must be a duration such as "90s", "15m" or "1h".')
  return ms
}

/** The operator's name. Refuses the placeholder of an example. */
export function actor(text: string): string {
  const name = words(text)
  if (isPlaceholder(name))
    throw new InvalidArgumentError(`${name} is a placeholder: write your name instead.`)
  return name
}

/** The reason for a command. Refuses the placeholder of an example. */
export function reason(text: string): string {
  const why = words(text)
  if (isPlaceholder(why))
    throw new InvalidArgumentError(`${why} is a placeholder: write your reason instead.`)
  return why
}

function isPlaceholder(text: string): boolean {
  return PLACEHOLDERS.some((one) => one === text)
}

/** A whole number from `min` to `max`. */
export function whole(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN
    if (number >= min && number <= max) return number
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`)
  }
}

/** A plan's hash, or its beginning: 12 to 64 hex digits; `sha256:` before them is optional. */
export function planHash(text: string): string {
  const [, digits] = /^(?:sha256:)?([0-9a-f]{12,64})$/.exec(text) ?? []
  if (digits !== undefined) return `sha256:${digits}`
  throw new InvalidArgumentError(
    "It must be a plan's hash as `dry-run` prints it: sha256: and 64 hex digits. For a plan that waits, the first 12 or more digits are enough.",
  )
}

/** Path of a file to write. Refuses `-`, since standard output is for what the command prints. */
export function planPath(text: string): string {
  const path = words(text)
  if (path === "-") throw new InvalidArgumentError("It must be a file, not -.")
  return path
}
