import { createHash } from "node:crypto"
import { CLOCK_TOLERANCE_MS } from "../../lib/decision/inputs/clock.ts"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { type AuditedLedger, ledgerOver } from "../../lib/ledger/chain.ts"
import { CONTROL_STREAM } from "../../lib/ledger/next-entry.ts"
import type { LedgerStore } from "../../lib/ledger/store.ts"
import type { MeterMember } from "../../lib/metrics/batching/meter.ts"
import type { Ports } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { run } from "../../lib/run/run.ts"
import { initEntryAt, LEDGER_ID } from "../ledger/initialised.ts"
import { Random } from "../world/random.ts"
import { allPromisesFollowed, allTurnsFollowed, Scheduler } from "../world/scheduler.ts"
import { taskOf } from "../world/task.ts"
import { cloudSeenBy, notifyOperators } from "./cloud.ts"
import { deliver } from "./events.ts"
import { drawLedgerTrouble, type LedgerTrouble } from "./ledger-life.ts"
import { Load } from "./load.ts"
import { Machine, type Process } from "./machine.ts"
import { asksTogether, drawUsualMs, haveSameRules, readTogether } from "./meters.ts"
import { People } from "./people.ts"
import { drawAside, drawFleet, drawPolicy } from "./policies.ts"
import type { PortBreak } from "./port-breaks.ts"
import { SimulatedStore } from "./store.ts"
import { SimulatedSupernode } from "./supernode.ts"
import { Dates } from "./times.ts"
import { hasTwoFiles, otherFile } from "./two-files.ts"
import { Watch } from "./watch.ts"
import { CALM, drawWeather, type Weather } from "./weather.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE

export interface Counts {
  events: number
  runs: number
  posts: number
  purchases: number
  unknowns: number
  crashes: number
  freezes: number
}

export interface Waking {
  signal: Signal
  supernode: SimulatedSupernode
  /** Called if the run throws or its process dies. */
  again?: () => void
  /** Its membership among the supernodes of the event that read the meters together. */
  member?: MeterMember
}

interface RunParts {
  run: string
  endsAt: number
  member: Waking["member"]
}

/** True for worlds with an empty ledger without a statement that nothing is in flight. Drawn separately. */
function beginsEmpty(seed: number): boolean {
  return new Random(seed + 2 ** 46).chance(0.15)
}

/** True for worlds in which processes may read the supernode beside the heads. Drawn separately. */
function readsEarly(seed: number): boolean {
  return new Random(seed + 2 ** 48).chance(0.6)
}

/** Share of the other supernodes that are busy when the first is. */
const BUSY_IN_CROWD = 0.02

/** The policy of another member of the first supernode's fleet. */
function nextInCrowd(first: Policy | undefined, nth: number): Policy {
  if (!first?.fleet) throw new RangeError("a crowd needs a seed whose supernodes have common caps")
  const id = `b4beacb6-4380-448c-a218-${String(nth).padStart(12, "0")}`
  return { ...first, id, name: `train-${nth}` }
}

/** The whole environment of one simulation, drawn from one seed. */
export class World {
  readonly random: Random
  readonly scheduler: Scheduler
  readonly watch: Watch
  readonly store: SimulatedStore
  readonly supernodes: readonly SimulatedSupernode[]
  /** Loads that rise and fall; most supernodes of a crowd are always idle. */
  readonly loads: Load[] = []
  readonly machines: readonly Machine[]
  readonly people: People
  readonly tickMs: number
  readonly calmFrom: number
  /** True time before which no purchase is allowed: an order that the new ledger lacks may be in progress. */
  newLedgerUntil: number
  readonly ledgerTrouble: LedgerTrouble
  weather: Weather
  readonly dates = new Dates()
  isCalm = false
  readonly counts: Counts = {
    events: 0,
    runs: 0,
    posts: 0,
    purchases: 0,
    unknowns: 0,
    crashes: 0,
    freezes: 0,
  }
  readonly lines: string[] = []
  readonly asksTogether: boolean
  /** Least and most time of a way to the cloud or back that is not slow, milliseconds. */
  readonly usualMs: readonly [least: number, most: number]
  readonly #hasTwoFiles: boolean
  readonly #readsEarly: boolean
  #ids = 0
  readonly #start: number

  constructor(
    seed: number,
    readonly broken: PortBreak | null,
    { mayReadEarly = true, members = 2 }: { mayReadEarly?: boolean; members?: number } = {},
  ) {
    this.asksTogether = asksTogether(seed)
    this.usualMs = drawUsualMs(seed)
    this.#hasTwoFiles = hasTwoFiles(seed)
    this.#readsEarly = mayReadEarly && readsEarly(seed)
    this.random = new Random(seed)
    this.ledgerTrouble = drawLedgerTrouble(seed)
    this.#start = Date.parse("2026-03-02T00:00:00Z") + this.random.whole(0, 400 * 24) * HOUR
    this.scheduler = new Scheduler(this.#start, members > 2 ? allTurnsFollowed : allPromisesFollowed)
    this.calmFrom = this.#start + this.random.whole(10, 30) * HOUR
    this.tickMs = this.random.pick([15, 30, 30]) * MINUTE
    this.weather = drawWeather(this.random)
    this.watch = new Watch(this)
    this.store = new SimulatedStore(this, (entry, raw) => this.watch.stored(entry, raw))
    const aside = new Random(seed + 2 ** 40)
    const fleet = drawFleet(seed)
    let rules: Policy["rules"] | null = null
    const two = ([0, 1] as const).map((which) => {
      this.loads.push(new Load(this.random, { from: this.#start - 2 * HOUR, to: this.calmFrom }))
      // Supernodes with a common cap share the load here, so that all demand servers at the same moment.
      const load = this.loads[fleet ? 0 : which] as Load
      const drawn = drawPolicy(this.random, which, drawAside(aside))
      if (haveSameRules(seed)) rules ??= drawn.rules
      const policy = { ...drawn, rules: rules ?? drawn.rules, fleet }
      return new SimulatedSupernode(this, policy, load)
    })
    const crowd = new Random(seed + 2 ** 50)
    const quiet = new Load(crowd, { from: this.#start, to: this.#start })
    const others = Array.from({ length: members - two.length }, (_, nth) => {
      const policy = nextInCrowd(two[0]?.policy, nth)
      return new SimulatedSupernode(
        this,
        policy,
        crowd.chance(BUSY_IN_CROWD) ? (this.loads[0] ?? quiet) : quiet,
      )
    })
    this.supernodes = [...two, ...others]
    this.machines = Array.from({ length: this.random.whole(2, 4) }, (_, i) => {
      const machine = new Machine(this, `m${i + 1}`)
      machine.skewMs = this.random.whole(-20_000, 20_000)
      return machine
    })
    this.people = new People(this)
    this.newLedgerUntil = beginsEmpty(seed) ? this.#start + 45 * MINUTE : this.#start
    this.store.begin(initEntryAt(this.#start, beginsEmpty(seed) ? "empty" : "nothing-in-flight"))
  }

  newId = (): string => `x${++this.#ids}`

  count(what: keyof Counts): void {
    this.counts[what] += 1
  }

  /** `+days hh:mm:ss.mmm event`. */
  trace(line: string): void {
    const ms = this.scheduler.now - this.#start
    const time = new Date(ms).toISOString().slice(11, 23)
    this.lines.push(`+${Math.floor(ms / (24 * HOUR))} ${time} ${line}`)
  }

  hash(): string {
    return createHash("sha256").update(this.lines.join("\n")).digest("hex")
  }

  supernodeOf(id: string): SimulatedSupernode {
    const found = this.supernodes.find(({ policy }) => policy.id === id)
    if (!found) throw new RangeError(`there is no supernode ${id}`)
    return found
  }

  /** True if a run may see its own clock and the cloud's `Date` ahead: then it cannot know the time. */
  mayAllClocksBeAhead(): boolean {
    const isAhead = (offMs: number) => offMs > CLOCK_TOLERANCE_MS
    return isAhead(this.dates.offMs ?? 0) && this.machines.some(({ skewMs }) => isAhead(skewMs))
  }

  openLedger(process: Process): AuditedLedger {
    return ledgerOver((process.machine.storeOf ?? this.store).seenBy(process))
  }

  deliver(signal: Signal, supernodes: readonly SimulatedSupernode[]): void {
    deliver(this, signal, supernodes)
  }

  /** Ends all faults: clocks are right, frozen machines continue, and nothing is away or sold out. */
  becomeCalm(): void {
    this.isCalm = true
    this.weather = CALM
    this.dates.offMs = 0
    this.store.awayUntil = 0
    for (const machine of this.machines) {
      machine.thaw()
      machine.setSkew(0)
    }
    for (const { soldOutUntil } of this.supernodes) soldOutUntil.clear()
    this.trace("all is calm")
  }

  /**
   * Runs the real run() in that process. Returns `undefined` if it threw. Never returns if its process dies.
   */
  async startRun(process: Process, waking: Waking): Promise<RunResult | undefined> {
    const { signal, supernode, again, member } = waking
    this.count("runs")
    if (this.random.chance(0.015)) void this.people.stopRightNow()
    const id = `run-${this.counts.runs}`
    const end = process.begin(() => again?.())
    const endsAt = this.scheduler.now + this.random.pick([Infinity, Infinity, 15 * MINUTE, 3 * MINUTE])
    let isRunning = true
    if (endsAt < Infinity)
      this.scheduler.at(endsAt, () => {
        // A function that exceeds its time is ended, whatever it is doing.
        if (isRunning && !process.isDead && !process.machine.isReliable) process.machine.die()
      })
    this.trace(`${process.name} ${id} ${supernode.policy.name} ${signal.kind} ${signal.id}`)
    let error: unknown = null
    let result: RunResult | undefined
    try {
      const task = taskOf(
        { signal, policy: supernode.policy, run: id },
        {
          loaded: {
            ...this.#fileOf(process, supernode),
            ...(this.ledgerTrouble === "other" ? { ledgerId: LEDGER_ID } : {}),
          },
          fleetStreams: this.supernodes.map(({ stream }) => stream),
        },
      )
      result = await run(this.#portsFor(process, { run: id, endsAt, member }), task)
    } catch (thrown) {
      error = thrown
    }
    member?.leave()
    end()
    isRunning = false
    this.trace(
      `${id} ${error === null ? (result?.decision.heldBy ?? result?.outcome?.kind ?? "-") : String(error)}`,
    )
    this.watch.ended(id, supernode, error)
    if (error !== null) again?.()
    return result
  }

  #fileOf({ machine }: Process, supernode: SimulatedSupernode): LoadedPolicy {
    const isOther = this.#hasTwoFiles && !this.isCalm && this.machines.indexOf(machine) % 2 === 1
    return isOther ? otherFile(supernode) : supernode.loaded
  }

  #portsFor(process: Process, { run, endsAt, member }: RunParts): Ports {
    const { ledger, clock } = process
    const cloud = cloudSeenBy(process, run)
    const ports: Ports = {
      ledger: {
        head: (stream) => {
          if (stream === CONTROL_STREAM) this.watch.readsControl(run)
          return ledger.head(stream)
        },
        append: (entry) => ledger.append(entry),
        read: (stream, range) => ledger.read(stream, range),
        streams: () => ledger.streams(),
        close: () => ledger.close(),
      },
      cloud: member ? { ...cloud, readMetrics: readTogether(member) } : cloud,
      clock,
      notify: {
        wants: (topic) => topic === "trouble" || topic === "approval",
        send: (notification) => notifyOperators(process, notification),
      },
      newId: this.newId,
      inFleetTurn: process.inFleetTurn,
      ...(this.#readsEarly ? { lastRuns: process.lastRuns } : {}),
      timeLeftMs: () => endsAt - this.scheduler.now,
    }
    return this.broken?.ports?.(ports, this) ?? ports
  }

  truth(): LedgerStore {
    return this.store.truth()
  }
}
