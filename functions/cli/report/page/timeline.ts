export interface Range {
  from: number
  to: number
}

const LEAST_MS = 60_000

/** The time range that all charts of the page show. */
export class Timeline {
  #range: Range
  readonly #listeners = new Set<(range: Range) => void>()

  constructor(private whole: Range) {
    this.#range = whole
  }

  get range(): Range {
    return this.#range
  }

  get isWhole(): boolean {
    return this.#range.from === this.whole.from && this.#range.to === this.whole.to
  }

  onChange(listener: (range: Range) => void): void {
    this.#listeners.add(listener)
  }

  /** Extends the whole range, since a live page grows. A page that showed everything continues to do so. */
  extend(whole: Range): void {
    const wasWhole = this.isWhole
    this.whole = whole
    if (wasWhole) this.show(whole)
  }

  show({ from, to }: Range): void {
    const { whole } = this
    const width = Math.min(Math.max(to - from, LEAST_MS), whole.to - whole.from)
    const start = Math.min(Math.max(from, whole.from), whole.to - width)
    if (start === this.#range.from && start + width === this.#range.to) return
    this.#range = { from: start, to: start + width }
    for (const listener of this.#listeners) listener(this.#range)
  }

  showAll(): void {
    this.show(this.whole)
  }

  /** Zooms around the middle. A `factor` below 1 shows a shorter range. */
  zoom(factor: number): void {
    const { from, to } = this.#range
    const [middle, half] = [(from + to) / 2, ((to - from) / 2) * factor]
    this.show({ from: middle - half, to: middle + half })
  }

  /** Moves by a share of the shown range; a positive share moves to later times. */
  move(share: number): void {
    const { from, to } = this.#range
    const by = (to - from) * share
    this.show({ from: from + by, to: to + by })
  }
}
