import type { LoggedEvent } from "./event-log.ts"
import { findingText } from "./event-log.ts"
import type { ReportEvent } from "./report.ts"

/** The texts of all findings, each once. */
export class Texts {
  readonly #indices = new Map<string, number>()

  get all(): string[] {
    return [...this.#indices.keys()]
  }

  /** The event with numbers in place of its findings' texts. */
  numbered({ place, ...event }: LoggedEvent): ReportEvent {
    return {
      ...event,
      rows: [...event.rows, ...place],
      findings: event.findings.map((finding) => [
        this.#index(finding.gate),
        finding.passed === true ? 1 : finding.passed === false ? 0 : -1,
        this.#index(findingText(finding)),
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
