import { fleetTurns } from "../../lib/app/fleet-turns.ts"
import type { AuditedLedger } from "../../lib/ledger/chain.ts"
import type { Clock, Ports } from "../../lib/ports.ts"
import { type Request, VirtualProcess } from "../world/process.ts"
import type { Scheduler } from "../world/scheduler.ts"
import type { SimulatedStore } from "./store.ts"
import type { World } from "./world.ts"

const SECOND = 1_000

/** Host of runs: its clock may be wrong, and its process may freeze, or die and be replaced. */
export class Machine {
  /** Its clock minus the true time, milliseconds. */
  skewMs = 0
  /** True if its monotonic clock stops with it, as in a virtual machine that is suspended. */
  readonly monotonicStops: boolean
  process: Process
  frozenUntil = 0
  /** The store that its next process opens. `null` for the right one. */
  storeOf: SimulatedStore | null = null
  #stoodStillMs = 0
  #lives = 1

  constructor(
    readonly world: World,
    readonly name: string,
    readonly isReliable = false,
  ) {
    this.monotonicStops = world.random.chance(0.5)
    this.process = new Process(this, `${name}.1`)
  }

  get isFrozen(): boolean {
    return this.frozenUntil > this.world.scheduler.now
  }

  freeze(ms: number): void {
    if (this.isFrozen) return
    this.world.count("freezes")
    this.world.trace(`${this.name} freezes for ${Math.round(ms / SECOND)} s`)
    this.frozenUntil = this.world.scheduler.now + ms
    if (this.monotonicStops) this.#stoodStillMs += ms
  }

  thaw(): void {
    if (this.isFrozen && this.monotonicStops) {
      this.#stoodStillMs -= this.frozenUntil - this.world.scheduler.now
    }
    this.frozenUntil = 0
  }

  /**
   * Sets the error of its clock, milliseconds. Waits while the machine is frozen and its monotonic clock
   * stops: with both clocks wrong, it cannot know that it is late.
   */
  setSkew(ms: number): void {
    const { scheduler } = this.world
    if (this.isFrozen && this.monotonicStops) scheduler.at(this.frozenUntil + SECOND, () => this.setSkew(ms))
    else this.skewMs = this.world.isCalm ? 0 : ms
  }

  die(): void {
    this.world.count("crashes")
    this.process.end()
    this.frozenUntil = 0
    this.process = new Process(this, `${this.name}.${++this.#lives}`)
  }

  /** Starts another process, after one that ended normally. */
  renew(): void {
    this.process = new Process(this, `${this.name}.${++this.#lives}`)
  }

  monotonic(): number {
    return this.world.scheduler.now - this.#stoodStillMs
  }
}

type Fate = "none" | "dies-before" | "dies-after" | "freezes-before" | "freezes-after"

/** One process, from its start to its death. */
export class Process extends VirtualProcess {
  /** The newest seq of each stream that this process has read. */
  readonly seen = new Map<string, number>()
  readonly ledger: AuditedLedger
  readonly clock: Clock
  readonly inFleetTurn: ReturnType<typeof fleetTurns>
  readonly lastRuns: NonNullable<Ports["lastRuns"]> = new Map()
  readonly #lost = new Set<() => void>()

  constructor(
    readonly machine: Machine,
    readonly name: string,
  ) {
    super()
    const { scheduler } = this
    this.ledger = machine.world.openLedger(this)
    this.inFleetTurn = fleetTurns((ms, call) => {
      this.later(ms, call)
      return () => undefined
    })
    this.clock = {
      now: () => scheduler.now + machine.skewMs,
      monotonic: () => machine.monotonic(),
      wait: (ms) => this.wait(ms),
    }
  }

  protected get scheduler(): Scheduler {
    return this.machine.world.scheduler
  }

  protected get frozenUntil(): number {
    return this.machine.frozenUntil
  }

  /** `lost` is called if the process dies before the returned function is called. */
  begin(lost: () => void): () => void {
    this.#lost.add(lost)
    return () => this.#lost.delete(lost)
  }

  end(): void {
    this.isDead = true
    for (const lost of this.#lost) lost()
  }

  /** `leavesNow`: the sender has just read the clock, so no fault may delay the request. */
  ask<T>(what: string, request: Request<T>, leavesNow = false): Promise<T> {
    const drawn = this.#fate(what)
    const fate = leavesNow ? (drawn.replace("before", "after") as Fate) : drawn
    return new Promise((resolve, reject) => {
      if (this.isDead) return
      const leave = () => {
        this.send(request, { resolve, reject })
        this.#suffer(fate, "after", what)
      }
      this.#suffer(fate, "before", what)
      if (this.isDead) return
      if (this.machine.isFrozen) this.later(0, leave)
      else leave()
    })
  }

  #fate(what: string): Fate {
    const { random, weather } = this.machine.world
    if (this.machine.isReliable) return "none"
    // Faults around the line of no return find more.
    const times = /^(readMetrics|connect|POST|head fleet|append fleet)/.test(what)
      ? 12
      : what.startsWith("append")
        ? 4
        : 1
    const [processDies, processFreezes] = [weather.processDies * times, weather.processFreezes * times]
    const drawn = random.next()
    if (drawn < processDies) return random.chance(0.5) ? "dies-before" : "dies-after"
    if (drawn < processDies + processFreezes) return random.chance(0.5) ? "freezes-before" : "freezes-after"
    return "none"
  }

  #suffer(fate: Fate, when: "before" | "after", what: string): void {
    const { world } = this.machine
    if (fate === `dies-${when}`) {
      world.trace(`${this.name} dies ${when} ${what}`)
      this.machine.die()
    }
    if (fate === `freezes-${when}`) this.machine.freeze(drawFreeze(world))
  }
}

/** Duration of a freeze, milliseconds: 5 s to 10 minutes, or up to 6 hours. */
function drawFreeze({ random }: World): number {
  return random.chance(0.5)
    ? random.spread(5 * SECOND, 600 * SECOND)
    : random.spread(600 * SECOND, 6 * 3_600 * SECOND)
}
