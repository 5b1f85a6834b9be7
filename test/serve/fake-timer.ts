import type { Timer } from "../../lib/serve/timer.ts"

/** Time that only the test moves, for the clock and for all timers. */
export class FakeTimer implements Timer {
  passedMs = 0
  #waiting: { at: number; work: () => void }[] = []

  after(ms: number, work: () => void): () => void {
    const entry = { at: this.passedMs + ms, work }
    this.#waiting.push(entry)
    return () => {
      this.#waiting = this.#waiting.filter((one) => one !== entry)
    }
  }

  get waiting(): number {
    return this.#waiting.length
  }

  /** Advances time and runs the due timers in order. Calls `onPass` with the length of every step. */
  pass(ms: number, onPass: (ms: number) => void = () => undefined): void {
    const end = this.passedMs + ms
    for (;;) {
      const [next] = this.#waiting.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)
      const until = next ? Math.max(next.at, this.passedMs) : end
      onPass(until - this.passedMs)
      this.passedMs = until
      if (!next) return
      this.#waiting = this.#waiting.filter((one) => one !== next)
      next.work()
    }
  }

  /** Simulates a sleeping machine: the clock advances, and no timer fires. */
  sleep(ms: number): void {
    this.passedMs += ms
  }
}
