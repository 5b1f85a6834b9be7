import type { Random } from "../simulation/random.ts"
import { allPromisesFollowed } from "../simulation/scheduler.ts"

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
  readonly #waiting: Waiting

  constructor(
    private readonly random: Random,
    byRank: boolean,
  ) {
    this.#waiting = byRank ? new Ranked(random) : new Shuffled(random)
  }

  /** Comes back when it is this one's turn. */
  turn(who: number): Promise<void> {
    return new Promise((go) => this.#waiting.add({ who, go }))
  }

  /** Until nothing waits any more. */
  async runAll(): Promise<void> {
    await allPromisesFollowed()
    for (let next = this.#waiting.take(); next; next = this.#waiting.take()) {
      this.steps += 1
      if (this.random.chance(FALLS_BEHIND)) this.#waiting.fallsBehind(next.who)
      next.go()
      await allPromisesFollowed()
    }
  }
}

/** There may be tens of thousands, so none of this walks through all of them. */
interface Waiting {
  add(step: Step): void
  /** The one that goes on next. */
  take(): Step | undefined
  fallsBehind(who: number): void
}

class Shuffled implements Waiting {
  readonly #steps: Step[] = []

  constructor(private readonly random: Random) {}

  add(step: Step): void {
    this.#steps.push(step)
  }

  take(): Step | undefined {
    const steps = this.#steps
    if (steps.length === 0) return undefined
    const at = this.random.whole(0, steps.length - 1)
    const taken = steps[at]
    const last = steps.pop()
    if (last && at < steps.length) steps[at] = last
    return taken
  }

  fallsBehind(): void {}
}

class Ranked implements Waiting {
  /** First come, first served, for each. */
  readonly #steps = new Map<number, Step[]>()
  /** All that ever waited, who goes first in front. */
  readonly #order: number[] = []

  constructor(private readonly random: Random) {}

  add(step: Step): void {
    const steps = this.#steps.get(step.who)
    if (steps) steps.push(step)
    else {
      this.#steps.set(step.who, [step])
      this.#order.splice(this.random.whole(0, this.#order.length), 0, step.who)
    }
  }

  take(): Step | undefined {
    for (const who of this.#order) {
      const step = this.#steps.get(who)?.shift()
      if (step) return step
    }
    return undefined
  }

  fallsBehind(who: number): void {
    this.#order.splice(this.#order.indexOf(who), 1)
    this.#order.push(who)
  }
}
