import type { SupernodeState } from "../../lib/decision/state/state.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { ranCli } from "../world/command-line.ts"
import type { Random } from "../world/random.ts"
import type { Account } from "./account.ts"
import type { SoakSupernode } from "./soak-supernodes.ts"

// An operator at the command line who does an operator's work, and never lies: looks at the orders, settles what is
// unknown, closes breakers, and stops everything now and then.

export interface PersonOptions {
  settings: Record<string, string>
  random: Random
  ordersOf(supernode: SoakSupernode): readonly SandboxOrder[]
}

/** How long a state must last before a person looks: `unknown_outcome: auto` is given its chance. */
const PATIENCE_MS = 400
const MAX_RESUMES = 20

export class Person {
  readonly settled = { accepted: 0, completed: 0, absent: 0 }
  resets = 0
  /** From the acknowledgement of a pause until the start of its end. */
  readonly pauses: { from: number; to: number }[] = []
  /** What the command line last refused to do. */
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

  /** What the console's list of orders says of the newest attempt. */
  #truthAbout(supernode: SoakSupernode, account: Account, id: string): keyof Person["settled"] {
    const posts = account.attempts.find((one) => one.id === id)?.posts ?? []
    const order = this.#options
      .ordersOf(supernode)
      .find(({ requestId }) => posts.some((post) => post.requestId === requestId))
    if (!order) return "absent"
    return this.#options.random.pick(["accepted", "completed"])
  }

  async #say(words: string[]): Promise<boolean> {
    const { code, out, err } = await ranCli({ env: this.#options.settings, user: "ops" }, words)
    if (code !== 0) this.lastRefusal = `${words.join(" ")}: ${out}${err}`
    return code === 0
  }
}

function isRefused({ breaker, throttle, blocked, rulesOff }: SupernodeState): boolean {
  return breaker !== null || throttle !== null || Object.keys({ ...blocked, ...rulesOff }).length > 0
}
