import type { Random } from "../simulation/random.ts"

/** How often, after a step. */
const FALLS_BEHIND = 0.25

interface Step {
  who: number
  go: () => void
}

/**
 * Lets exactly one waiting step go on at a time and follows it to its end before the next, so that every order of steps can
 * happen, and the same seed gives the same one. Either any of them by chance; or, as a run that is held up in the worst
 * moment, by rank: the first one goes on until, now and then, it falls behind all others.
 */
export class Interleaver {
  steps = 0
  readonly #waiting: Step[] = []
  readonly #ranks = new Map<number, number>()
  #lowest = 0

  constructor(
    private readonly random: Random,
    private readonly byRank: boolean,
  ) {}

  /** Comes back when it is this one's turn. */
  turn(who: number): Promise<void> {
    return new Promise((go) => this.#waiting.push({ who, go }))
  }

  /** Until nothing waits any more. */
  async runAll(): Promise<void> {
    // An immediate comes only when no promise has anything left to do.
    const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
    await settled()
    while (this.#waiting.length > 0) {
      const [next] = this.#waiting.splice(this.#next(), 1)
      this.steps += 1
      if (next && this.random.chance(FALLS_BEHIND)) this.#ranks.set(next.who, --this.#lowest)
      next?.go()
      await settled()
    }
  }

  #next(): number {
    const { random } = this
    if (!this.byRank) return random.whole(0, this.#waiting.length - 1)
    const ranks = this.#waiting.map(({ who }) => this.#rankOf(who))
    return ranks.indexOf(Math.max(...ranks))
  }

  #rankOf(who: number): number {
    const rank = this.#ranks.get(who) ?? this.random.next()
    this.#ranks.set(who, rank)
    return rank
  }
}
