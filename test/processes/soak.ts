import { randomUUID } from "node:crypto"
import { mkdtempSync, rmSync, statSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as pause } from "node:timers/promises"
import { systemClock } from "../../lib/app/start.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { resultsOf } from "../corridor/corridor.ts"
import { Random } from "../world/random.ts"
import { Account, type Attempt, type Judge } from "./account.ts"
import type { Bundle } from "./bundle.ts"
import { decidedAt, type Handover, HandoverReader, HandoverRecorder } from "./handover.ts"
import { Herd } from "./herd.ts"
import { look, whyTooLate } from "./look.ts"
import { Person } from "./person.ts"
import { OwnProcess } from "./process.ts"
import { alarmEvent, tickEvent } from "./signals.ts"
import {
  cloudFor,
  policyOf,
  SERVER_MINOR,
  SOAK_SETTINGS,
  type SoakSupernode,
  supernodesOf,
} from "./soak-supernodes.ts"
import { type StoreFixture, type StoreName, storeFixtureOver } from "./store-fixture.ts"
import { Weather } from "./weather.ts"

// Real processes, the real wire and a real file: workers are killed with SIGKILL every few hundred
// milliseconds while the sandbox fails in all its ways, and an observer compares the chain with the wire all
// the time.

export interface SoakOptions {
  bundle: Bundle
  store: StoreName
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
  /** Number of attempts that a kill or a freeze left open until they counted as unknown. */
  leftOpen: number
  outcomes: Record<string, number>
  settled: Person["settled"]
  resets: number
  pauses: number
  entries: number
  /** Greatest delay of a handover after its `sendBefore`, in milliseconds. Negative means before. */
  worstLatenessMs: number
  tookMs: number
}

export async function runSoak(options: SoakOptions): Promise<Soak> {
  const supernodes = supernodesOf(options.supernodes)
  const folder = mkdtempSync(join(tmpdir(), "soak-"))
  const file = join(folder, "handovers.jsonl")
  // This process makes the last purchases, and records them like those of the workers.
  const recorder = new HandoverRecorder(file, systemClock)
  const handovers = new HandoverReader(file)
  const fixture = await storeFixtureOver({
    cloud: await cloudFor(supernodes),
    store: options.store,
    policy: policyOf(supernodes),
    clock: recorder.clock,
    settings: SOAK_SETTINGS,
  })
  const watch = new Watch({ fixture, supernodes, file, handovers }, options)
  try {
    return await watch.run()
  } finally {
    await watch.end()
    await fixture.close()
    recorder.close()
    handovers.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

interface WatchedPlace {
  fixture: StoreFixture
  supernodes: readonly SoakSupernode[]
  /** File in which workers record their handovers. */
  file: string
  handovers: HandoverReader
}

/** A chain remembers each signal for 20 minutes, and has room for about 400 of them. */
const MAX_BEATS = 150
const LOOK_MS = 60
const PAUSE_MS = 800
/**
 * All should be at rest within seconds. This limit ends a wait that would never end, even on a very busy
 * machine.
 */
const REST_MS = 100_000
/** On a busy machine the second within which a request must be sent may pass. */
const MAX_TRIES = 20

class Watch implements Judge {
  readonly serverMinor = SERVER_MINOR
  readonly #fixture: StoreFixture
  readonly #handovers: HandoverReader
  readonly #options: SoakOptions
  readonly #accounts: Map<SoakSupernode, Account>
  readonly #random: Random
  readonly #herd: Herd
  readonly #person: Person
  readonly #weather: Weather
  readonly #startedAt = Date.now()
  readonly #outcomes: Record<string, number> = {}
  readonly #broken: string[] = []
  #posts = 0
  #leftOpen = 0
  #entries = 0

  constructor({ fixture, supernodes, file, handovers }: WatchedPlace, options: SoakOptions) {
    this.#fixture = fixture
    const { corridor } = fixture
    this.#handovers = handovers
    this.#options = options
    this.#random = new Random(options.seed)
    this.#accounts = new Map(supernodes.map((one) => [one, new Account(one.name, this)]))
    this.#weather = new Weather(corridor.sandbox, this.#random)
    this.#person = new Person({
      settings: corridor.settings(),
      random: this.#random,
      ordersOf: (supernode) => this.#ordersOf(supernode),
    })
    // At about 300 ms for each kill, the interval of alarms at which a chain can remember all of them.
    const beatMs = Math.max(500, Math.ceil((options.kills * 300) / MAX_BEATS))
    this.#herd = new Herd({
      workers: options.workers,
      start: () =>
        new OwnProcess(
          options.bundle.file,
          [file, "roam", String(supernodes.length), String(beatMs)],
          corridor.settings(),
        ),
      random: this.#random,
      sent: () => statSync(file).size,
    })
  }

  get violations(): string[] {
    const accounts = [...this.#accounts.values()]
    const accidents = this.#herd.accidents.map((words) => `a worker ended by itself: ${words}`)
    return [...accounts.flatMap((account) => account.violations), ...this.#broken, ...accidents]
  }

  async run(): Promise<Soak> {
    let hasExited = false
    const stop = () => {
      hasExited = true
    }
    // Writes to the ledger before the first freeze, so that no process is frozen while it sets up the ledger.
    // After that, no reader waits for a writer.
    const ports = { ledger: this.#fixture.ledger, clock: systemClock, newId: randomUUID }
    await commandAll(ports, { verb: "resume", supernode: null, why: "the soak begins", by: "soak" })
    const killing = this.#herd.killUntil(this.#options.kills, () => hasExited || this.#isTooBad())
    await Promise.all([killing.finally(stop), this.#lookOn(() => !hasExited).finally(stop)])
    await this.#herd.end()
    if (!this.#isTooBad()) await this.#comeToRest()
    await this.#verify()
    return this.#report()
  }

  async end(): Promise<void> {
    await this.#herd.end()
  }

  #isTooBad(): boolean {
    return this.violations.length > (this.#options.untilViolated ? 0 : 20)
  }

  async #lookOn(goesOn: () => boolean): Promise<void> {
    while (goesOn()) {
      await this.#weather.goOn(this.#posts)
      await this.#look()
      for (const [supernode, account] of this.#accounts) await this.#person.lookAt(supernode, account)
      if (this.#random.chance(0.015))
        await this.#person.pauseFor(() => pause(PAUSE_MS).then(() => this.#look()))
      await pause(LOOK_MS)
    }
  }

  async #look(): Promise<void> {
    const { corridor, ledger } = this.#fixture
    const posts = await look({
      sandbox: corridor.sandbox,
      ledger,
      handovers: this.#handovers,
      accounts: new Map([...this.#accounts].map(([{ id }, account]) => [id, account])),
      living: new Set(this.#herd.pids),
      onEntry: (entry) => this.#count(entry),
    })
    this.#posts += posts.length
  }

  #count({ outcome, observation }: LedgerEntry): void {
    this.#entries += 1
    if (observation?.kind === "unknown") this.#leftOpen += 1
    if (!outcome) return
    const name = outcome.kind === "accepted" ? outcome.kind : `${outcome.kind} (${nameOf(outcome)})`
    this.#outcomes[name] = (this.#outcomes[name] ?? 0) + 1
  }

  whyNotToSend(handover: Handover, { openedAt, sendBefore }: Attempt): string | null {
    const at = decidedAt(handover)
    const pausedAt = this.#person.pauses.find(({ from, to }) => openedAt > from && at < to)
    if (pausedAt) return "a request of an attempt that was opened after a pause was acknowledged"
    return whyTooLate(at, sendBefore)
  }

  #ordersOf({ id }: SoakSupernode): SandboxOrder[] {
    return this.#fixture.corridor.sandbox.orders.filter(({ supernode }) => supernode === id)
  }

  /**
   * Clears all failures. Then each supernode comes to rest, buys once more on an alarm, and comes to rest
   * again.
   */
  async #comeToRest(): Promise<void> {
    await this.#weather.clear()
    await this.#untilAtRest()
    for (const supernode of this.#accounts.keys()) await this.#buyOnceMore(supernode)
    await this.#untilAtRest()
    for (const [supernode, account] of this.#accounts) account.checkAtRest(this.#ordersOf(supernode))
  }

  async #untilAtRest(): Promise<void> {
    const until = Date.now() + REST_MS
    do {
      await this.#fixture.corridor.lambda("schedule", tickEvent(Date.now()))
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
    let end = ""
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const [result] = resultsOf(
        await this.#fixture.corridor.lambda("alarm", alarmEvent(supernode, Date.now())),
      )
      end = result?.outcome?.kind ?? result?.decision.heldBy ?? "nothing"
      if (end === "accepted" || end === "already-there") return
      await this.#untilAtRest()
    }
    this.#broken.push(`${supernode.name} does not buy any more when all is well: ${end}`)
  }

  async #verify(): Promise<void> {
    const { ledger } = this.#fixture
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
      freezes: this.#herd.freezes,
      attempts: accounts.reduce((sum, { attempts }) => sum + attempts.length, 0),
      posts: this.#posts,
      orders: this.#fixture.corridor.sandbox.orders.length,
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
