import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { type Token, tokensOf } from "./tokens.ts"

// Finds lenient readers in the sources: code that replaces a foreign value that is absent, null or of another
// type, instead of refusing it. Each one needs a row in the table of its folder, so that no reader goes
// unnoticed.

const MODIFIERS = new Set(["catch", "nullish", "nullable", "optional", "default", "prefault", "coerce"])
const COERCIONS = new Set(["Number", "String", "Boolean", "parseInt", "parseFloat"])
/** `OWNER.NAME(`: turns a value that is not a date, or not a list, into another value. */
const MEMBERS: Readonly<Record<string, string>> = { parse: "Date", isArray: "Array" }
/** Fields of responses. A `?? something` after one of them replaces a missing value. */
const FIELDS = new Set([
  ...["Results", "Timestamps", "Values", "Messages", "Value", "Id", "StatusCode", "MetricDataResults"],
  ...["servers", "datapoints", "values", "result", "data", "warnings", "isPartial", "header", "date"],
])

/**
 * Meaning of each odd value of a field. "refused": the part of the event is not read, and a problem says why.
 */
export interface LenientRow {
  absent: string
  null: string
  /** Of another type than documented. */
  wrongTyped: string
  /** Of the right type, but impossible: an instant before 2015, or a text of a megabyte. */
  implausible: string
}

/** The meanings in the order of the columns. */
export type Meanings = readonly [absent: string, nothing: string, wrongTyped: string, implausible: string]

/** Meanings of a field whose odd values all mean the same. */
export function always(meaning: string): Meanings {
  return [meaning, meaning, meaning, meaning]
}

/** A table from rows in short form. */
export function tableOf(rows: Readonly<Record<string, Meanings>>): LenientTable {
  return Object.fromEntries(
    Object.entries(rows).map(([key, [absent, nothing, wrongTyped, implausible]]) => [
      key,
      { absent, null: nothing, wrongTyped, implausible },
    ]),
  )
}

/** Rows by `FILE FIELD READER…`: the field, and the names of its readers in order of appearance. */
export type LenientTable = Readonly<Record<string, LenientRow>>

/** Every lenient reader in the given files and folders, as the keys of a table. */
export function lenientReadersIn(root: string, places: readonly string[]): string[] {
  const found = new Map<string, string[]>()
  for (const file of places.flatMap((place) => sourcesIn(root, place))) {
    const tokens = tokensOf(readFileSync(join(root, file), "utf8"))
    for (const i of tokens.keys()) {
      const reader = readerAt(tokens, i)
      if (reader === null) continue
      const field = `${file} ${fieldAt(tokens, i)}`
      found.set(field, [...(found.get(field) ?? []), reader])
    }
  }
  return [...found].map(([field, readers]) => `${field} ${readers.join(" ")}`)
}

function sourcesIn(root: string, place: string): string[] {
  if (place.endsWith(".ts")) return [place]
  return readdirSync(join(root, place), { recursive: true, encoding: "utf8" })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => join(place, file))
    .sort()
}

/** The reader's name if the token is one, or `null`. */
function readerAt(tokens: readonly Token[], i: number): string | null {
  const { kind, text } = tokens[i] ?? { kind: "other", text: "" }
  const [before, after] = [tokens[i - 1]?.text, tokens[i + 1]?.text]
  if (kind !== "word") return null
  if (MODIFIERS.has(text) && before === "." && (after === "(" || text === "coerce")) return text
  if (COERCIONS.has(text) && before !== "." && after === "(") return text
  const owner = Object.hasOwn(MEMBERS, text) ? MEMBERS[text] : undefined
  if (owner !== undefined && before === "." && tokens[i - 2]?.text === owner && after === "(")
    return `${owner}.${text}`
  if (text === "isRecord" && after === "(" && isChoice(tokens, closingOf(tokens, i + 1) + 1))
    return "isRecord?"
  if (FIELDS.has(text) && after === "?" && tokens[i + 2]?.text === "?") return `${text}??`
  return null
}

/** True for a single question mark, which is a choice between two values. */
function isChoice(tokens: readonly Token[], at: number): boolean {
  return tokens[at]?.text === "?" && tokens[at + 1]?.text !== "?"
}

function closingOf(tokens: readonly Token[], open: number): number {
  let depth = 0
  for (let i = open; i < tokens.length; i++) {
    const { kind, text } = tokens[i] ?? { kind: "other", text: "" }
    if (kind !== "punctuation") continue
    if (text === "(") depth += 1
    else if (text === ")") depth -= 1
    if (depth === 0) return i
  }
  return tokens.length
}

/**
 * The nearest key, parameter or constant that contains the token: the last `NAME:` or `const NAME` around it.
 */
function fieldAt(tokens: readonly Token[], at: number): string {
  let depth = 0
  for (let i = at - 1; i > 0; i--) {
    const text = tokens[i]?.kind === "string" ? "" : (tokens[i]?.text ?? "")
    if (")]}".includes(text) && text !== "") depth += 1
    else if ("([{".includes(text) && text !== "") depth -= 1
    if (depth > 0) continue
    const name = tokens[i - 1]
    if (text === ":" && name && (name.kind === "word" || name.kind === "string")) return name.text
    if (name?.text === "const" || name?.text === "function") return "{[".includes(text) ? `${text}…` : text
  }
  return "(file)"
}
