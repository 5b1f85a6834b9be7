import { systemClock } from "../../lib/app/start.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { ranCli } from "../world/command-line.ts"
import type { Random } from "../world/random.ts"
import type { Account } from "./account.ts"
import type { SoakSupernode } from "./soak-supernodes.ts"

// An operator at the command line, whose commands are always true: looks at the orders, settles unknown
// outcomes, resets breakers, and sometimes pauses everything.

export interface PersonOptions {
  settings: Record<string, string>
  random: Random
  ordersOf(supernode: SoakSupernode): readonly SandboxOrder[]
}

/** Time that a state must last before the operator acts, so that `unknown_outcome: auto` can act first. */
const PATIENCE_MS = 400
const MAX_RESUMES = 20

export class Person {
  readonly settled = { accepted: 0, completed: 0, absent: 0 }
  resets = 0
  /** Times from the acknowledgement of a pause until the start of the resume, epoch milliseconds. */
  readonly pauses: { from: number; to: number }[] = []
  /** Command and output of the last command that failed. */
  lastRefusal = ""
  readonly #options: PersonOptions
  readonly #seenSince = new Map<string, number>()

  constructor(options: PersonOptions) {
    this.#options = options
  }

  async lookAt(supernode: SoakSupernode, account: Account): Promise<void> {
    const { standing } = account
    if (standing === null) return
    if (isRefused(standing) && (await this.#say(["reset", supernode.name, "--why", "mended", "--by", "ops"])))
      this.resets += 1
    const { attempt } = standing
    if (!attempt || attempt.state === "open" || attempt.state === "accepted") return
    const since = this.#seenSince.get(attempt.id) ?? Date.now()
    this.#seenSince.set(attempt.id, since)
    if (Date.now() - since < PATIENCE_MS || account.isOnItsWay(attempt.id)) return
    const as = this.#truthAbout(supernode, account, attempt.id)
    if (
      await this.#say(["settle", supernode.name, "--as", as, "--why", "looked at the orders", "--by", "ops"])
    )
      this.settled[as] += 1
  }

  async pauseFor(wait: () => Promise<unknown>): Promise<void> {
    if (!(await this.#say(["pause", "--why", "soak", "--by", "ops"]))) return
    const pause = { from: Date.now(), to: Number.POSITIVE_INFINITY }
    this.pauses.push(pause)
    await wait()
    pause.to = Date.now()
    for (let tries = 0; !(await this.#say(["resume", "--by", "ops"])); tries++)
      if (tries === MAX_RESUMES) throw new Error(`cannot resume: ${this.lastRefusal}`)
  }

  /** A true settlement of the attempt by the console's list of orders. */
  #truthAbout(supernode: SoakSupernode, account: Account, id: string): keyof Person["settled"] {
    const posts = account.attempts.find((one) => one.id === id)?.posts ?? []
    const order = this.#options
      .ordersOf(supernode)
      .find(({ requestId }) => posts.some((post) => post.requestId === requestId))
    if (!order) return "absent"
    return this.#options.random.pick(["accepted", "completed"])
  }

  async #say(words: string[]): Promise<boolean> {
    const { code, out, err } = await ranCli({ env: this.#options.settings, clock: systemClock }, words)
    if (code !== 0) this.lastRefusal = `${words.join(" ")}: ${out}${err}`
    return code === 0
  }
}

function isRefused({ breaker, throttle, blocked, rulesOff }: SupernodeState): boolean {
  return breaker !== null || throttle !== null || Object.keys({ ...blocked, ...rulesOff }).length > 0
}
