import * as z from "zod"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import { LoadSeries } from "./load-series.ts"

// Reads a load history: CSV with the header `time,value` or `time,metric,value`, or JSON lines with the same
// fields. Reads it as a stream, so that a year by the minute takes little memory.

/** A load history: one series for all rules, or one for each rule by its name. */
export interface LoadHistory {
  /** The series without a rule's name, for rules without a series of their own; `null` if there is none. */
  all: LoadSeries | null
  byRule: ReadonlyMap<string, LoadSeries>
  /** Times of the first and last row, epoch milliseconds. */
  from: number
  to: number
}

/** A load history cannot be used. `problems` are lines `file:line: …`. */
export class LoadFileError extends Error {
  override readonly name = "LoadFileError"

  constructor(
    message: string,
    readonly problems: readonly string[],
  ) {
    super(message)
  }
}

/** Maximum number of reported problems; further ones are only counted. */
const MAX_PROBLEMS = 50
const MAX_LINE_CHARS = 10_000
/** Maximum number of rows: a year by the second fits. A larger file is probably a mistake. */
const MAX_ROWS = 40_000_000

/** Reads a load history. `rules`: valid values of `metric`. Throws LoadFileError with all problems. */
export async function readLoad(
  name: string,
  chunks: AsyncIterable<Uint8Array>,
  rules: readonly string[],
): Promise<LoadHistory> {
  const reader = new LoadReader(name, rules)
  const decoder = new TextDecoder("utf-8")
  let rest = ""
  for await (const chunk of chunks) {
    const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n")
    rest = lines.pop() ?? ""
    for (const line of lines) reader.take(line)
    if (rest.length > MAX_LINE_CHARS) {
      reader.take(rest)
      break
    }
  }
  const last = rest + decoder.decode()
  if (last !== "" && last.length <= MAX_LINE_CHARS) reader.take(last)
  return reader.end()
}

interface Row {
  time: unknown
  metric?: unknown
  value: unknown
}

class LoadReader {
  #line = 0
  #rows = 0
  /** `null` until the first line that is not empty. */
  #form: { kind: "json" } | { kind: "csv"; hasMetric: boolean } | null = null
  #isBroken = false
  readonly #series = new Map<string | null, LoadSeries>()
  readonly #problems: string[] = []
  #more = 0

  constructor(
    readonly name: string,
    readonly rules: readonly string[],
  ) {}

  take(text: string): void {
    this.#line += 1
    if (this.#isBroken) return
    const line = (this.#line === 1 ? text.replace(/^\uFEFF/, "") : text).trim()
    if (line === "") return
    if (line.length > MAX_LINE_CHARS) this.#stop("is longer than 10,000 characters")
    else if (this.#form === null) this.#begin(line)
    else if (++this.#rows > MAX_ROWS) this.#stop("is over the limit of 40 million rows")
    else this.#addLine(line)
  }

  #begin(line: string): void {
    if (line.startsWith("{")) {
      this.#form = { kind: "json" }
      this.#addLine(line)
      return
    }
    const header = cellsOf(line).join(",")
    if (header === "time,value" || header === "time,metric,value")
      this.#form = { kind: "csv", hasMetric: header !== "time,value" }
    else
      this.#stop(
        'must be the header "time,value" or "time,metric,value", or the first JSON line, such as {"time":"2026-01-31T18:00:00Z","value":97}',
      )
  }

  #addLine(line: string): void {
    const row = this.#form?.kind === "json" ? jsonRow(line) : csvRow(line, this.#form?.hasMetric === true)
    if (typeof row === "string") {
      this.#report(row)
      return
    }
    const at = instantOf(row.time)
    const value = readNumber(row.value)
    const metric = row.metric === undefined ? null : this.#ruleOf(row.metric)
    for (const problem of [at, value, metric]) {
      if (typeof problem === "object" && problem !== null) this.#report(problem.problem)
    }
    if (
      typeof at === "number" &&
      typeof value === "number" &&
      (metric === null || typeof metric === "string")
    )
      this.#add(metric, at, value)
  }

  #add(metric: string | null, at: number, value: number): void {
    const series = this.#series.get(metric) ?? new LoadSeries()
    this.#series.set(metric, series)
    if (series.length > 0 && at === series.last) this.#report("has the same time as the row before it")
    else if (series.length > 0 && at < series.last)
      this.#report("is earlier than the row before it: sort the rows by time")
    else series.add(at, value)
  }

  #ruleOf(metric: unknown): string | { problem: string } {
    if (typeof metric === "string" && this.rules.includes(metric)) return metric
    const near = typeof metric === "string" ? didYouMean(metric, this.rules) : null
    const known = near === null ? `; its rules are ${this.rules.join(", ")}` : `; did you mean ${near}?`
    return { problem: `metric: must be the name of a rule of this supernode, not ${shown(metric)}${known}` }
  }

  end(): LoadHistory {
    const rows = [...this.#series.values()]
    if (this.#form === null)
      this.#report("has no rows: expected the header time,value and one row per time", 1)
    else if (rows.length === 0 && this.#problems.length === 0) this.#report("has a header and no rows", 1)
    if (this.#problems.length > 0) {
      const count = this.#problems.length + this.#more
      const more =
        this.#more === 0
          ? []
          : [`${this.name}: and ${this.#more} more ${this.#more === 1 ? "problem" : "problems"}`]
      throw new LoadFileError(
        `the load file has ${count} ${count === 1 ? "problem" : "problems"}; nothing was simulated`,
        [...this.#problems, ...more],
      )
    }
    return historyOf(this.#series)
  }

  #report(problem: string, line = this.#line): void {
    if (this.#problems.length >= MAX_PROBLEMS) this.#more += 1
    else this.#problems.push(`${this.name}:${line}: ${problem}`)
  }

  #stop(problem: string): void {
    this.#report(problem)
    this.#isBroken = true
  }
}

/** Load history from series by rule name. The key `null` is the series for every rule without its own. */
export function historyOf(series: ReadonlyMap<string | null, LoadSeries>): LoadHistory {
  const byRule = new Map<string, LoadSeries>()
  for (const [rule, one] of series) if (rule !== null) byRule.set(rule, one)
  const rows = [...series.values()].filter(({ length }) => length > 0)
  return {
    all: series.get(null) ?? null,
    byRule,
    from: Math.min(...rows.map(({ first }) => first)),
    to: Math.max(...rows.map(({ last }) => last)),
  }
}

function csvRow(line: string, hasMetric: boolean): Row | string {
  const cells = cellsOf(line)
  const expected = hasMetric ? 3 : 2
  if (cells.length !== expected)
    return `must have ${expected} cells (${hasMetric ? "time,metric,value" : "time,value"}), not ${cells.length}`
  const [time = "", second = "", third = ""] = cells
  return hasMetric ? { time, metric: second, value: third } : { time, value: second }
}

function cellsOf(line: string): string[] {
  return line.split(",").map((cell) => {
    const text = cell.trim()
    return text.length >= 2 && text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1) : text
  })
}

const FIELDS = ["time", "metric", "value"]

function jsonRow(line: string): Row | string {
  let row: unknown
  try {
    row = JSON.parse(line)
  } catch (error) {
    return `is not JSON: ${error instanceof Error ? error.message : String(error)}`
  }
  if (typeof row !== "object" || row === null || Array.isArray(row))
    return "must be an object with time, value and optionally metric"
  const foreign = Object.keys(row).find((key) => !FIELDS.includes(key))
  if (foreign !== undefined)
    return `${JSON.stringify(foreign)} is not a known field: allowed fields are time, metric and value`
  for (const needed of ["time", "value"]) if (!(needed in row)) return `has no ${needed}`
  return row as Row
}

const isoInstant = z.union([
  z.iso.datetime({ offset: true }),
  z.iso.datetime({ offset: true, precision: -1 }),
])
/** A time outside the years 2000 to 2100 is probably a number in another unit. */
const EARLIEST_MS = Date.parse("2000-01-01T00:00:00Z")
const LATEST_MS = Date.parse("2100-01-01T00:00:00Z")

function instantOf(time: unknown): number | { problem: string } {
  const isSeconds = typeof time === "number" || (typeof time === "string" && /^-?\d+(\.\d+)?$/.test(time))
  const at = isSeconds ? Math.round(Number(time) * 1_000) : isoTime(time)
  if (at === null)
    return {
      problem: `time: must be ISO 8601 with its zone, such as 2026-01-31T18:00:00Z, or epoch seconds, not ${shown(time)}`,
    }
  if (at >= EARLIEST_MS && at < LATEST_MS) return at
  const unit = isSeconds ? ": epoch times are in seconds" : ""
  return { problem: `time: must lie between 2000 and 2100, not ${shown(time)}${unit}` }
}

/** Form that Date.parse reads directly; the schema checks every other text. */
const PLAIN_UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z$/

function isoTime(time: unknown): number | null {
  if (typeof time !== "string") return null
  if (!PLAIN_UTC.test(time) && !isoInstant.safeParse(time).success) return null
  const at = Date.parse(time)
  return Number.isNaN(at) ? null : at
}

/** The number, or NaN if there is no value at that time: the cell is empty, NaN or null. */
function readNumber(value: unknown): number | { problem: string } {
  if (value === null || value === "" || value === "NaN") return Number.NaN
  const number =
    typeof value === "number"
      ? value
      : typeof value === "string" && /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i.test(value)
        ? Number(value)
        : Number.NaN
  if (Number.isFinite(number)) return number
  return {
    problem: `value: must be a number without a unit, or empty if there is no value, not ${shown(value)}`,
  }
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
