import { setImmediate as nextTurn } from "node:timers/promises"

interface Task {
  at: number
  order: number
  act: () => void
}

/**
 * Virtual time. Every delay is a task. Tasks run one by one in the order of their times. After each task, all
 * promises that can settle do so before the next task. So the speed of the machine has no effect.
 */
export class Scheduler {
  readonly #heap: Task[] = []
  #order = 0

  /**
   * `followed` resolves when all work that a task began has gone as far as it can without more virtual time.
   */
  constructor(
    public now: number,
    private readonly followed: () => Promise<void> = allPromisesFollowed,
  ) {}

  at(time: number, act: () => void): void {
    const task = { at: Math.max(this.now, Math.round(time)), order: this.#order++, act }
    let place = this.#heap.push(task) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      if (!this.#isBefore(place, parent)) break
      this.#swap(place, parent)
      place = parent
    }
  }

  after(ms: number, act: () => void): void {
    this.at(this.now + ms, act)
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => this.after(ms, resolve))
  }

  /** Runs tasks until `end`, until `isFinished` returns true, or until no task is left. */
  async runUntil(end: number, isFinished: () => boolean): Promise<void> {
    for (;;) {
      const next = this.#heap[0]
      if (!next || next.at > end || isFinished()) break
      this.#removeFirst()
      this.now = next.at
      next.act()
      await this.followed()
    }
    if (end < Infinity && !isFinished()) this.now = Math.max(this.now, end)
  }

  #removeFirst(): void {
    const last = this.#heap.pop()
    if (!last || this.#heap.length === 0) return
    this.#heap[0] = last
    let place = 0
    for (;;) {
      const [left, right] = [2 * place + 1, 2 * place + 2]
      const child = right < this.#heap.length && this.#isBefore(right, left) ? right : left
      if (child >= this.#heap.length || !this.#isBefore(child, place)) return
      this.#swap(place, child)
      place = child
    }
  }

  #isBefore(i: number, j: number): boolean {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (!a || !b) return false
    return a.at < b.at || (a.at === b.at && a.order < b.order)
  }

  #swap(i: number, j: number): void {
    const [a, b] = [this.#heap[i], this.#heap[j]]
    if (!a || !b) return
    this.#heap[i] = b
    this.#heap[j] = a
  }
}

/**
 * Like `allPromisesFollowed`, but also waits for the turns of the event loop that long work yields to others.
 */
export async function allTurnsFollowed(): Promise<void> {
  do {
    await nextTurn()
  } while (process.getActiveResourcesInfo().includes("Immediate"))
}

/** Resolves when no promise has work left. It waits for no timer. */
export function allPromisesFollowed(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve))
}
