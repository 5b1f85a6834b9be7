// Amounts and kinds of values in words, without the schemas, which cost a start more than all of this.

/** A mapping that may already have other problems, so that one reading of a file finds them all. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `1h`, `30d` -> milliseconds; null for anything else. */
export function durationMs(text: string): number | null {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(text)
  if (!match) return null
  return Number(match[1]) * MS[match[2] as keyof typeof MS]
}

/** `5m`: the shortest text for a duration, the same in sentences and files. */
export function sayDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms !== 0 && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`
  }
  return `${ms / MS.s}s`
}

/** `29m 57s`: a computed duration, in whole seconds. */
export function sayTimeLeft(ms: number): string {
  let seconds = Math.ceil(ms / MS.s)
  const parts: string[] = []
  for (const unit of ["d", "h", "m", "s"] as const) {
    const count = Math.floor(seconds / (MS[unit] / MS.s))
    seconds -= count * (MS[unit] / MS.s)
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join(" ") || "0s"
}

/** `2 points`, `1 point`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`
}
