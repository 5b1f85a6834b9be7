import { inZone } from "../print/time.ts"
import type { LoggedEvent } from "./event-log.ts"
import { findingText } from "./event-log.ts"
import type { ReportEvent, Value } from "./report.ts"

/** Texts of all findings, each stored once. */
export class Texts {
  readonly #indices = new Map<string, number>()

  get all(): string[] {
    return [...this.#indices.keys()]
  }

  /**
   * Converts an event for the page: indices replace its findings' texts, and recorded times are in the page's
   * zone.
   */
  numbered({ place, ...event }: LoggedEvent, zone: string): ReportEvent {
    const shown = (value: Value) => (typeof value === "string" ? inZone(value, zone) : value)
    return {
      ...event,
      title: inZone(event.title, zone),
      rows: [...event.rows, ...place].map(([label, value]) => [label, shown(value)]),
      findings: event.findings.map((finding) => [
        this.#index(finding.gate),
        finding.passed === true ? 1 : finding.passed === false ? 0 : -1,
        this.#index(inZone(findingText(finding), zone)),
      ]),
    }
  }

  #index(text: string): number {
    const known = this.#indices.get(text)
    if (known !== undefined) return known
    this.#indices.set(text, this.#indices.size)
    return this.#indices.size - 1
  }
}
