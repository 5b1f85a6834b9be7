const MINUTE_MS = 60_000
/** Maximum number of gaps between rows from which their usual distance is computed. */
const MAX_GAPS = 1_000
const FIRST_CAPACITY = 1_024

/**
 * Values of one meter in order of time. A row takes 16 bytes and the arrays double when full, so a year by
 * the minute takes 17 MB. A row lasts until the next one, but no longer than the usual distance of rows
 * (`stepMs`); after that there is a gap without data.
 */
export class LoadSeries {
  #times = new Float64Array(FIRST_CAPACITY)
  #values = new Float64Array(FIRST_CAPACITY)
  #step: number | null = null
  length = 0

  /** `at` is in epoch milliseconds and after all earlier rows. `value` is NaN if the file has none then. */
  add(at: number, value: number): void {
    if (this.length === this.#times.length) {
      this.#times = grown(this.#times)
      this.#values = grown(this.#values)
    }
    this.#times[this.length] = at
    this.#values[this.length] = value
    this.length += 1
    this.#step = null
  }

  get first(): number {
    return this.#times[0] ?? Number.NaN
  }

  get last(): number {
    return this.#times[this.length - 1] ?? Number.NaN
  }

  timeAt(row: number): number {
    return this.#times[row] ?? Number.NaN
  }

  valueAt(row: number): number {
    return this.#values[row] ?? Number.NaN
  }

  /** Usual distance of rows, milliseconds: the median of the first 1,000 gaps; a minute for a single row. */
  get stepMs(): number {
    this.#step ??= medianGap(this.#times.subarray(0, Math.min(this.length, MAX_GAPS + 1)))
    return this.#step
  }

  /** Duration of a row, milliseconds. */
  durationOf(row: number): number {
    return row + 1 < this.length
      ? Math.min(this.stepMs, this.timeAt(row + 1) - this.timeAt(row))
      : this.stepMs
  }

  /** Index of the first row at or after that time; `length` if there is none. */
  rowFrom(at: number): number {
    let [low, high] = [0, this.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.timeAt(middle) < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

function grown(array: Float64Array): Float64Array<ArrayBuffer> {
  const larger = new Float64Array(array.length * 2)
  larger.set(array)
  return larger
}

function medianGap(times: Float64Array): number {
  const gaps = Array.from(times.subarray(1), (time, i) => time - (times[i] ?? time)).sort((a, b) => a - b)
  return gaps[gaps.length >> 1] ?? MINUTE_MS
}
