import { inZone } from "../print/time.ts"
import type { LoggedEvent } from "./event-log.ts"
import { findingText } from "./event-log.ts"
import type { ReportEvent, Value } from "./report.ts"

/** The texts of all findings, each once. */
export class Texts {
  readonly #indices = new Map<string, number>()

  get all(): string[] {
    return [...this.#indices.keys()]
  }

  /** The event with numbers in place of its findings' texts, and with recorded instants in the zone of the page. */
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
