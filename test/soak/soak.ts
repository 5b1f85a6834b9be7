import { randomUUID } from "node:crypto"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setTimeout as pause } from "node:timers/promises"
import { systemClock } from "../../lib/app/start.ts"
import { sayToAll } from "../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { ReceivedRequest } from "../../lib/sandbox/received.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { type Corridor, resultsOf } from "../corridor/corridor.ts"
import { Random } from "../simulation/random.ts"
import type { Bundle } from "../storm/bundle.ts"
import { OwnProcess } from "../storm/process.ts"
import { Account, type Attempt, type Judge } from "./account.ts"
import { Herd } from "./herd.ts"
import { Person } from "./person.ts"
import { placeFor, type SoakSupernode, supernodesOf } from "./place.ts"
import { alarmEvent, tickEvent } from "./signals.ts"
import { Weather } from "./weather.ts"

// Real processes, the real wire and a real file: workers are killed -9 every few hundred milliseconds while the cloud
// fails in every way it knows, and whoever looks on compares the chain with the wire all the time.

export interface SoakOptions {
  bundle: Bundle
  kills: number
  seed: number
  workers: number
  supernodes: number
  /** Stops at the first violation. */
  untilViolated?: boolean
}

export interface Soak {
  violations: string[]
  kills: number
  starts: number
  freezes: number
  attempts: number
  posts: number
  orders: number
  /** Attempts that a kill or a freeze left open until they were taken for unknown. */
  leftOpen: number
  outcomes: Record<string, number>
  settled: Person["settled"]
  resets: number
  pauses: number
  entries: number
  /** By how long after its `sendBefore` the latest request came; below 0 is before. */
  worstLatenessMs: number
  tookMs: number
}

export async function runSoak(options: SoakOptions): Promise<Soak> {
  const supernodes = supernodesOf(options.supernodes)
  const corridor = await placeFor(supernodes)
  const watch = new Watch(corridor, supernodes, options)
  try {
    return await watch.run()
  } finally {
    await watch.end()
    await corridor.close()
  }
}

/** A chain remembers each signal for 20 minutes, and has room for some 400 of them. */
const MOST_BEATS = 150
const LOOK_MS = 60
const PAUSE_MS = 800
const REST_MS = 20_000
/** Loopback, besides what we ourselves made the sandbox wait in our common event loop. */
const LOOPBACK_MS = 100

class Watch implements Judge {
  readonly #corridor: Corridor
  readonly #options: SoakOptions
  readonly #accounts: Map<SoakSupernode, Account>
  readonly #random: Random
  readonly #herd: Herd
  readonly #person: Person
  readonly #weather: Weather
  readonly #startedAt = Date.now()
  readonly #delay = monitorEventLoopDelay({ resolution: 10 })
  readonly #outcomes: Record<string, number> = {}
  readonly #broken: string[] = []
  #posts = 0
  #leftOpen = 0
  #entries = 0

  constructor(corridor: Corridor, supernodes: readonly SoakSupernode[], options: SoakOptions) {
    this.#corridor = corridor
    this.#options = options
    this.#random = new Random(options.seed)
    this.#accounts = new Map(supernodes.map((one) => [one, new Account(one.name, this)]))
    const { sandbox } = corridor
    this.#weather = new Weather(sandbox, this.#random)
    this.#person = new Person({
      settings: corridor.settings(),
      random: this.#random,
      ordersOf: (supernode) => this.#ordersOf(supernode),
    })
    // Some 300 ms a kill: how far apart alarms must be for all of them to be remembered.
    const beatMs = Math.max(500, Math.ceil((options.kills * 300) / MOST_BEATS))
    this.#herd = new Herd({
      workers: options.workers,
      start: () =>
        new OwnProcess(options.bundle.file, [String(supernodes.length), String(beatMs)], corridor.settings()),
      random: this.#random,
      posts: () => this.#posts + sandbox.scaleUps.length,
    })
  }

  get violations(): string[] {
    const accounts = [...this.#accounts.values()]
    const accidents = this.#herd.accidents.map((words) => `a worker ended by itself: ${words}`)
    return [...accounts.flatMap((account) => account.violations), ...this.#broken, ...accidents]
  }

  async run(): Promise<Soak> {
    this.#delay.enable()
    let isOver = false
    const stop = () => {
      isOver = true
    }
    // The ledger is made before anybody is frozen while making it: from then on who reads waits for nobody.
    const desk = { ledger: this.#corridor.ledger, clock: systemClock, newId: randomUUID }
    await sayToAll(desk, { verb: "resume", supernode: null, why: "the soak begins", by: "soak" })
    const killing = this.#herd.killUntil(this.#options.kills, () => isOver || this.#isTooBad())
    await Promise.all([killing.finally(stop), this.#lookOn(() => !isOver).finally(stop)])
    await this.#herd.end()
    if (!this.#isTooBad()) await this.#comeToRest()
    await this.#verify()
    return this.#report()
  }

  async end(): Promise<void> {
    this.#delay.disable()
    await this.#herd.end()
  }

  #isTooBad(): boolean {
    return this.violations.length > (this.#options.untilViolated ? 0 : 20)
  }

  async #lookOn(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      this.#weather.goOn(this.#posts)
      await this.#look()
      for (const [supernode, account] of this.#accounts) await this.#person.lookAt(supernode, account)
      if (this.#random.chance(0.015))
        await this.#person.pauseFor(() => pause(PAUSE_MS).then(() => this.#look()))
      await pause(LOOK_MS)
    }
  }

  /** First the wire and then the chain: what was opened before a request came is known when it is judged. */
  async #look(): Promise<void> {
    const { sandbox } = this.#corridor
    const posts = [...sandbox.scaleUps]
    const orders = [...sandbox.orders]
    sandbox.forgetRequests()
    this.#posts += posts.length
    for (const [supernode, account] of this.#accounts) {
      const fromSeq = (account.head?.seq ?? 0) + 1
      for await (const entry of this.#corridor.ledger.read(supernode.stream, { fromSeq }))
        this.#follow(entry, account)
      for (const post of posts.filter(({ path }) => path.includes(supernode.id))) account.sent(post)
      account.check(orders.filter((order) => order.supernode === supernode.id))
    }
  }

  #follow(entry: LedgerEntry, account: Account): void {
    account.follow(entry)
    this.#entries += 1
    const { outcome, observation } = entry
    if (observation?.kind === "unknown") this.#leftOpen += 1
    if (!outcome) return
    const name = outcome.kind === "accepted" ? outcome.kind : `${outcome.kind} (${nameOf(outcome)})`
    this.#outcomes[name] = (this.#outcomes[name] ?? 0) + 1
  }

  wireMs(): number {
    return LOOPBACK_MS + this.#delay.max / 1e6
  }

  whyNotToSend(post: ReceivedRequest, { openedAt, sendBefore }: Attempt): string | null {
    const pausedAt = this.#person.pauses.find(({ from, to }) => openedAt > from && post.at < to)
    if (pausedAt) return "a POST of an attempt that was opened after a pause was acknowledged"
    const lateMs = post.at - sendBefore
    // Between our last look at the clock and the kernel's write a process may always be stopped; nobody can close that gap.
    const wasFrozen = this.#herd.freezes.some(({ from, to }) => from < post.at && to > sendBefore)
    return lateMs > this.wireMs() && !wasFrozen ? `a POST ${lateMs} ms after sendBefore` : null
  }

  #ordersOf({ id }: SoakSupernode): SandboxOrder[] {
    return this.#corridor.sandbox.orders.filter(({ supernode }) => supernode === id)
  }

  /** No failures any more: each supernode comes to rest, buys once more as it is told to, and comes to rest again. */
  async #comeToRest(): Promise<void> {
    this.#weather.clear()
    await this.#untilAtRest()
    for (const supernode of this.#accounts.keys()) await this.#buyOnceMore(supernode)
    await this.#untilAtRest()
    for (const [supernode, account] of this.#accounts) account.checkAtRest(this.#ordersOf(supernode))
  }

  async #untilAtRest(): Promise<void> {
    const until = Date.now() + REST_MS
    do {
      await this.#corridor.lambda("schedule", tickEvent(Date.now()))
      await this.#look()
      for (const [supernode, account] of this.#accounts) await this.#person.lookAt(supernode, account)
      await pause(LOOK_MS)
    } while (!this.#isAtRest() && Date.now() < until)
    if (!this.#isAtRest())
      this.#broken.push(`no rest within ${REST_MS / 1000} s; the last refusal: ${this.#person.lastRefusal}`)
  }

  #isAtRest(): boolean {
    return [...this.#accounts.values()].every(
      ({ standing }) => !standing?.attempt && !standing?.breaker && !standing?.throttle,
    )
  }

  async #buyOnceMore(supernode: SoakSupernode): Promise<void> {
    const [result] = resultsOf(await this.#corridor.lambda("alarm", alarmEvent(supernode, Date.now())))
    const end = result?.outcome?.kind ?? result?.decision.heldBy
    if (end !== "accepted" && end !== "already-there")
      this.#broken.push(`${supernode.name} does not buy any more when all is well: ${end}`)
  }

  async #verify(): Promise<void> {
    const { ledger } = this.#corridor
    for await (const stream of ledger.streams()) {
      const chain = await ledger.verify(stream)
      if (!chain.ok) this.#broken.push(`${stream} #${chain.seq} ${chain.problem}`)
    }
  }

  #report(): Soak {
    const accounts = [...this.#accounts.values()]
    return {
      violations: this.violations,
      kills: this.#herd.kills,
      starts: this.#herd.starts,
      freezes: this.#herd.freezes.length,
      attempts: accounts.reduce((sum, { attempts }) => sum + attempts.length, 0),
      posts: this.#posts,
      orders: this.#corridor.sandbox.orders.length,
      leftOpen: this.#leftOpen,
      outcomes: this.#outcomes,
      settled: this.#person.settled,
      resets: this.#person.resets,
      pauses: this.#person.pauses.length,
      entries: this.#entries,
      worstLatenessMs: Math.max(...accounts.map(({ worstLatenessMs }) => worstLatenessMs)),
      tookMs: Date.now() - this.#startedAt,
    }
  }
}

function nameOf(outcome: Exclude<NonNullable<LedgerEntry["outcome"]>, { kind: "accepted" }>): string {
  return outcome.kind === "rejected" ? outcome.class : outcome.reason
}
