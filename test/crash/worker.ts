import type { FleetChange } from "../../lib/decision/state/fleet-reservations.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { CONTROL_STREAM, FLEET_STREAM, nextEntry, nextFleetEntry } from "../../lib/ledger/next-entry.ts"
import {
  type Clock,
  type Cloud,
  type Delivery,
  type Ledger,
  LedgerError,
  type Notifier,
  type Ports,
  type Read,
} from "../../lib/ports.ts"
import { cloudOver } from "../world/cloud.ts"
import { unknown } from "../world/outcomes.ts"
import { isTooLate, TOO_LATE } from "../world/send-window.ts"
import type { Environment } from "./environment.ts"
import type { Fault } from "./faults.ts"
import { isKnownPoint, pointOf } from "./points.ts"

// One invocation: its ports number every I/O, and break the one that the plan names.

/** A fault at the worker's I/O with this number, counted from 0, or at its first I/O at this point. */
export interface Plan {
  at: number | string
  fault: Fault
}

/** Failures that belong to the kind of run, not to the enumeration. */
export interface Habits {
  /** Number of failures of a point before it works. */
  stumbles?: Record<string, number>
  /** Number of rival appends right before this worker's own write at a point. */
  rivals?: Record<string, number>
  /** True if the billing service is configured. */
  readsOrders?: boolean
  /** True if CTS is configured. */
  readsTraces?: boolean
}

interface Io<T> {
  verb: string
  /** Stream of an append. */
  stream?: string
  /** Checked right before the effect, as part of it. If it returns a result, there is no effect. */
  guard?(): T | null
  /** The effect, as one step. */
  effect(): T
  /** Result for the caller if the effect is done and its response is lost; may throw. */
  lost(): T
  /** Result if there was no effect; may throw. */
  failed(): T
}

const NEVER = new Promise<never>(() => {})

export class Worker {
  /** Called points, in order. */
  readonly trace: string[] = []
  /** Resolves when the worker died or froze. */
  readonly stopped: Promise<void>
  hasFired = false
  readonly #environment: Environment
  readonly #plan: Plan | null
  readonly #habits: Required<Habits>
  #stop: () => void = () => {}
  #isDead = false
  #isDark = false
  #frozen: { promise: Promise<void>; thaw: () => void } | null = null
  #late: (() => void) | null = null
  #controlReadAt = -1
  #wallOffset = 0
  #monotonicOffset = 0

  constructor(environment: Environment, plan: Plan | null = null, habits: Habits = {}) {
    this.#environment = environment
    this.#plan = plan
    this.#habits = {
      stumbles: { ...habits.stumbles },
      rivals: { ...habits.rivals },
      readsOrders: habits.readsOrders ?? false,
      readsTraces: habits.readsTraces ?? false,
    }
    this.stopped = new Promise((resolve) => {
      this.#stop = resolve
    })
  }

  /** Lets the frozen worker continue, and its pending write arrive. */
  goOn(): void {
    this.#late?.()
    this.#late = null
    this.#frozen?.thaw()
    this.#frozen = null
  }

  get ports(): Ports {
    return {
      ledger: this.#ledger,
      cloud: {
        ...this.#cloud,
        ...(this.#habits.readsOrders ? { readOrder: this.#readOrder } : {}),
        ...(this.#habits.readsTraces ? { readTraces: this.#readTraces } : {}),
      },
      clock: this.#clock,
      notify: this.#environment.notifies.length > 0 ? this.#notify : null,
      newId: this.#environment.newId,
      lastRuns: new Map(),
      timeLeftMs: () => Number.POSITIVE_INFINITY,
    }
  }

  readonly #ledger: Ledger = {
    head: (stream) =>
      this.#io({
        verb: `ledger.head:${roomOf(stream)}`,
        effect: () => {
          if (stream === CONTROL_STREAM) this.#controlReadAt = this.#environment.step
          return this.#environment.head(stream)
        },
        lost: unreachable,
        failed: unreachable,
      }),
    append: (entry) =>
      this.#io({
        verb: `ledger.append:${entry.kind}`,
        stream: entry.stream,
        effect: () => this.#environment.append(entry),
        lost: unreachable,
        failed: unreachable,
      }),
    read: (stream, { fromSeq, toSeq } = {}) =>
      flattened(
        this.#io({
          verb: `ledger.read:${roomOf(stream)}`,
          effect: () => this.#environment.entries(stream, fromSeq, toSeq),
          lost: unreachable,
          failed: unreachable,
        }),
      ),
    streams: () => flattened(this.#io(unasked("ledger.streams"))),
    close: () => this.#io(unasked("ledger.close")),
  }

  readonly #cloud: Cloud = cloudOver((policy) => this.#environment.supernodeOf(policy), {
    read: (what, look) => this.#read(`cloud.${what}`, look),
    measure: (look) =>
      this.#io({
        verb: "cloud.readMetrics",
        effect: look,
        lost: () => this.#noReadings(),
        failed: () => this.#noReadings(),
      }),
    buy: (order) =>
      this.#io<Outcome>({
        verb: "cloud.buy",
        guard: () => (isTooLate(order, this.#clock) ? TOO_LATE : null),
        effect: () => this.#environment.post(order, this.#controlReadAt),
        lost: () => unknown,
        failed: () => ({ kind: "not-sent", reason: "refused", says: "connection refused; nothing was sent" }),
      }),
  })

  readonly #readOrder: NonNullable<Cloud["readOrder"]> = () =>
    this.#read("cloud.readOrder", () => ({ status: 6, amount: null }))

  readonly #readTraces: NonNullable<Cloud["readTraces"]> = () =>
    this.#read("cloud.readTraces", () => [
      { at: this.#environment.now, user: "us", status: 200, flavor: null, source: "ApiCall" },
    ])

  readonly #notify: Notifier = {
    wants: (topic) => this.#environment.notifies.includes(topic),
    send: (notification) =>
      this.#io<Delivery>({
        verb: "notify.send",
        effect: () => this.#environment.tell(notification),
        lost: () => ({ ok: false, why: "no answer came" }),
        failed: () => ({ ok: false, why: "connection refused" }),
      }),
  }

  readonly #clock: Clock = {
    now: () => this.#environment.now + this.#wallOffset,
    monotonic: () => this.#environment.now + this.#monotonicOffset,
    wait: (ms) => {
      const pass = () => {
        this.#environment.now += ms
      }
      return this.#io({ verb: "clock.wait", effect: pass, lost: pass, failed: pass })
    },
  }

  #read<T>(verb: string, look: () => T): Promise<Read<T>> {
    const none = (): Read<T> => ({ ok: false, why: "HTTP 503", credentials: false })
    return this.#io<Read<T>>({
      verb,
      effect: () => ({ ok: true, value: look(), skewMs: 0 }),
      lost: none,
      failed: none,
    })
  }

  #noReadings() {
    return this.#environment.policy.rules.map((rule) => ({
      rule: rule.name,
      periodMs: 300_000,
      series: [],
      problem: "HTTP 503",
    }))
  }

  #rival(point: string, stream = this.#environment.stream): void {
    const { newId, now } = this.#environment
    if (!counted(this.#habits.rivals, point)) return
    const note = { at: now, run: newId(), writer: newId(), mode: "live" as const }
    const head = this.#environment.head(stream)
    const entry =
      stream === FLEET_STREAM
        ? nextFleetEntry(head, { ...note, kind: "settled", fleet: this.#nothingNew() })
        : nextEntry(stream, head, { ...note, kind: "decided" })
    this.#environment.append(entry)
  }

  /** Changes nothing in stream `fleet` but its length: it releases a reservation that does not exist. */
  #nothingNew(): FleetChange {
    const times = { openedAt: this.#environment.now, sendBefore: 0, deadline: 0 }
    const reservation = { id: "of-no-run", ...times, stream: this.#environment.stream, seq: 1, cost: null }
    return { reservation, over: [], members: {} }
  }

  /** The first lines run synchronously, so that the stack still names the caller. */
  async #io<T>(io: Io<T>): Promise<T> {
    const point = pointOf(io.verb)
    if (!isKnownPoint(point)) this.#environment.watch.violated(unknownPoint(point))
    if (this.#frozen) await this.#frozen.promise
    if (this.#isDead) return NEVER
    const nth = this.trace.push(point) - 1
    this.#environment.step += 1
    this.#environment.now += this.#environment.ioMs
    if (this.#isDark) return io.failed()
    this.#rival(point, io.stream)
    const stumbles = counted(this.#habits.stumbles, point)
    const isHere = !this.hasFired && (this.#plan?.at === nth || this.#plan?.at === point)
    if (this.#plan && isHere) {
      this.hasFired = true
      return this.#break(this.#plan.fault, io)
    }
    return stumbles ? io.failed() : done(io)
  }

  async #break<T>(fault: Fault, io: Io<T>): Promise<T> {
    switch (fault.kind) {
      case "dies":
        if (fault.after) done(io)
        this.#isDead = true
        this.#stop()
        return NEVER
      case "goes-dark":
        this.#isDark = true
        return this.#lose(fault.after, io)
      case "loses":
        return this.#lose(fault.after, io)
      case "throws":
        if (fault.after) done(io)
        throw new Error("boom")
      case "arrives-late":
        this.#late = () => done(io)
        return io.failed()
      case "freezes": {
        const before = fault.after ? { answer: done(io) } : null
        await this.#freeze(fault.clock)
        return before ? before.answer : done(io)
      }
      case "freezes-on-the-wire": {
        const refusal = io.guard?.()
        await this.#freeze()
        return refusal ?? io.effect()
      }
      default:
        return fault satisfies never
    }
  }

  #lose<T>(after: boolean, io: Io<T>): T {
    if (!after) return io.failed()
    done(io)
    return io.lost()
  }

  async #freeze(clock?: "wall-went-back" | "monotonic-stood-still"): Promise<void> {
    const frozeAt = this.#environment.now
    let thaw = () => {}
    const promise = new Promise<void>((resolve) => {
      thaw = resolve
    })
    this.#frozen = { promise, thaw }
    this.#stop()
    await promise
    if (clock === "wall-went-back") this.#wallOffset = frozeAt - this.#environment.now
    if (clock === "monotonic-stood-still") this.#monotonicOffset = frozeAt - this.#environment.now
    this.#environment.step += 1
  }
}

function done<T>(io: Io<T>): T {
  return io.guard?.() ?? io.effect()
}

/** Counts one more use of a habit. */
function counted(times: Record<string, number>, point: string): boolean {
  const left = times[point] ?? 0
  if (left > 0) times[point] = left - 1
  return left > 0
}

export function unknownPoint(point: string): string {
  return `an I/O that no table knows: "${point}". Add it to POINTS in test/crash/points.ts, and a kind of run that reaches it to kinds.ts`
}

function roomOf(stream: string): string {
  return stream.split(":")[0] ?? stream
}

function unreachable(): never {
  throw new LedgerError("the store is unreachable")
}

/** An I/O that no run calls; POINTS does not list it. */
function unasked(verb: string): Io<never> {
  return { verb, effect: unreachable, lost: unreachable, failed: unreachable }
}

async function* flattened<T>(items: Promise<T[]>): AsyncIterable<T> {
  yield* await items
}
