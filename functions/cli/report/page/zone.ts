import type { Value } from "../report.ts"

const DAY_MS = 86_400_000

interface Parts {
  date: string
  time: string
  seconds: string
  offset: string
}

/** Times in one IANA zone. */
export class Zone {
  readonly #format: Intl.DateTimeFormat

  /** A zone that this browser does not know is replaced by UTC. */
  constructor(readonly name: string) {
    this.#format = formatOf(name) ?? formatIn("UTC")
  }

  /** `2026-03-02 18:00:05 +08:00`. */
  instant(at: number): string {
    const { date, time, seconds, offset } = this.parts(at)
    return `${date} ${time}:${seconds} ${offset}`
  }

  /** `2026-03-02 18:00`. */
  minute(at: number): string {
    const { date, time } = this.parts(at)
    return `${date} ${time}`
  }

  /** `Asia/Shanghai (+08:00)`; has both offsets if the start and the end of the range differ. */
  saying({ from, to }: { from: number; to: number }): string {
    const offsets = [...new Set([from, to].map((at) => this.parts(at).offset))]
    return `${this.#format.resolvedOptions().timeZone} (${offsets.join(", ")})`
  }

  value(value: Value): string {
    return typeof value === "string" ? value : this.instant(value.at)
  }

  /**
   * Label of a tick on an axis whose ticks are `step` milliseconds apart. If the day changes, a second line
   * has the date.
   */
  tick(at: number, step: number, before: number | null): string {
    const { date, time } = this.parts(at)
    const isNewDay = before === null || this.parts(before).date !== date
    if (step >= 28 * DAY_MS) return date.slice(0, 7)
    if (step >= DAY_MS) return isNewDay ? date.slice(5) : ""
    return isNewDay ? `${time}\n${date.slice(5)}` : time
  }

  parts(at: number): Parts {
    const found: Record<string, string> = {}
    for (const { type, value } of this.#format.formatToParts(at)) found[type] = value
    const { year = "", month = "", day = "", hour = "", minute = "", second = "", timeZoneName = "" } = found
    const offset = timeZoneName.replace(/^(GMT|UTC)/, "") || "+00:00"
    return { date: `${year}-${month}-${day}`, time: `${hour}:${minute}`, seconds: second, offset }
  }
}

function formatOf(timeZone: string): Intl.DateTimeFormat | null {
  try {
    return formatIn(timeZone)
  } catch {
    return null
  }
}

function formatIn(timeZone: string): Intl.DateTimeFormat {
  return new Intl.DateTimeFormat("en-CA", {
    timeZone,
    year: "numeric",
    month: "2-digit",
    day: "2-digit",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    hourCycle: "h23",
    timeZoneName: "longOffset",
  })
}
