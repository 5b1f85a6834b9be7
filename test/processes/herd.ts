import { setTimeout as pause } from "node:timers/promises"
import type { Random } from "../world/random.ts"
import type { OwnProcess } from "./process.ts"

export interface HerdOptions {
  workers: number
  start(): OwnProcess
  random: Random
  /** A number that changes with each purchase that is sent: some kills aim at the moment right after one. */
  sent(): number
}

/**
 * A freeze is sometimes longer than a request may wait, and shorter than the time after which its outcome is
 * unknown.
 */
const FREEZE_MS = { least: 100, most: 1_500 }
const BETWEEN_KILLS_MS = { least: 100, most: 400 }
const AIM_MS = 400

/**
 * Workers that are killed with SIGKILL every few hundred milliseconds and start again at once. Some are only
 * frozen.
 */
export class Herd {
  kills = 0
  starts = 0
  /** Stderr of workers that ended without a kill. */
  readonly accidents: string[] = []
  freezes = 0
  /** Processes that may still send a request, including killed ones until they have ended. */
  readonly pids = new Set<number>()
  readonly #options: HerdOptions
  readonly #living = new Set<OwnProcess>()
  readonly #thaws: Promise<void>[] = []
  #hasExited = false

  constructor(options: HerdOptions) {
    this.#options = options
    for (let i = 0; i < options.workers; i++) this.#start()
  }

  /** Kills until that many kills, or until `isTooBad` returns true. */
  async killUntil(kills: number, isTooBad: () => boolean): Promise<void> {
    const { random } = this.#options
    while (this.kills < kills && !isTooBad()) {
      await this.#someMoment()
      if (random.chance(0.1)) for (const one of [...this.#living]) this.#kill(one)
      else if (random.chance(0.15)) this.#thaws.push(this.#freeze(random.pick([...this.#living])))
      else this.#kill(random.pick([...this.#living]))
    }
  }

  /** Ends all workers. Safe to call after any failure. */
  async end(): Promise<void> {
    this.#hasExited = true
    for (const one of this.#living) one.signal("SIGKILL")
    await Promise.all([...this.#thaws, ...[...this.#living].map((one) => one.ended)])
  }

  #start(): void {
    const one = this.#options.start()
    this.starts += 1
    this.#living.add(one)
    const { pid } = one
    if (pid !== undefined) this.pids.add(pid)
    void one.ended.then(() => {
      if (pid !== undefined) this.pids.delete(pid)
      if (this.#living.delete(one) && !this.#hasExited) {
        this.accidents.push(one.stderr)
        this.#start()
      }
    })
  }

  #kill(one: OwnProcess): void {
    if (!one.signal("SIGKILL")) return
    this.kills += 1
    this.#living.delete(one)
    this.#start()
  }

  async #freeze(one: OwnProcess): Promise<void> {
    const { least, most } = FREEZE_MS
    if (!one.signal("SIGSTOP")) return
    this.freezes += 1
    await pause(this.#options.random.whole(least, most))
    one.signal("SIGCONT")
  }

  /** Waits until a random moment, or until shortly after a purchase was sent. */
  async #someMoment(): Promise<void> {
    const { random, sent } = this.#options
    const { least, most } = BETWEEN_KILLS_MS
    await pause(random.whole(least, most) / 2)
    if (random.chance(0.5)) return void (await pause(random.whole(least, most) / 2))
    const before = sent()
    for (let waited = 0; waited < AIM_MS && sent() === before; waited += 3) await pause(3)
    await pause(random.whole(0, 30))
  }
}
