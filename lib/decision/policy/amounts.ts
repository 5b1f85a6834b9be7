// Durations and counts as text. Imports no schemas, since loading them slows a start more than all of this.

/** True for a mapping, even if its values are invalid, so that one read of a file can report all problems. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}

const MS = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `90s`, `15m`, `1h`, `30d` -> milliseconds; `null` for anything else. */
export function durationMs(text: string): number | null {
  const match = /^(\d{1,6})(s|m|h|d)$/.exec(text)
  if (!match) return null
  return Number(match[1]) * MS[match[2] as keyof typeof MS]
}

/** `5m`: the shortest text of a duration in one unit, as the policy file writes it. */
export function sayDuration(ms: number): string {
  for (const unit of ["d", "h", "m", "s"] as const) {
    if (ms !== 0 && ms % MS[unit] === 0) return `${ms / MS[unit]}${unit}`
  }
  return `${ms / MS.s}s`
}

/** `29m 57s`: a computed duration, rounded up to whole seconds. */
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
