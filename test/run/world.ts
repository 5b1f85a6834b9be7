import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Offer, Server, Supernode } from "../../lib/decision/inputs/supernode.ts"
import type { NotifyTopic } from "../../lib/decision/policy/notify.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { NO_CONTROL, type OperatorCommand } from "../../lib/decision/state/control.ts"
import type { CloudOrder } from "../../lib/decision/state/order.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { type AuditedLedger, ledgerOver } from "../../lib/ledger/chain.ts"
import { commandAll, commandSupernode } from "../../lib/ledger/commands.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { openMemoryStore } from "../../lib/ledger/memory.ts"
import { CONTROL_STREAM, supernodeStream } from "../../lib/ledger/next-entry.ts"
import {
  type BuyOrder,
  type Clock,
  type Cloud,
  type Delivery,
  type Ledger,
  LedgerError,
  type Notification,
  type Notifier,
  type Ports,
  type Read,
} from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { run } from "../../lib/run/run.ts"
import type { RunTask } from "../../lib/run/task.ts"
import { NOW, offersOf, policyOf, serverOf, supernodeOf, tickOf } from "../decision/builders.ts"
import { initialised } from "../ledger/initialised.ts"
import { clockAt } from "../world/clock.ts"
import { entriesOf } from "../world/entries.ts"
import { readingsOf } from "../world/meters.ts"
import { accepted } from "../world/outcomes.ts"
import { taskOf } from "../world/task.ts"

// A world with memory behind the ports: a cloud that sells servers, a clock that a test moves, and a real
// ledger with hooks between the run and its store.

/** Hooks right before or instead of an append or a read of the head. */
export interface Interference {
  beforeAppend?(entry: LedgerEntry): Promise<"appended" | "conflict" | undefined>
  beforeHead?(stream: string): Promise<void>
}

export class World {
  now = NOW
  timeLeftMs = Number.POSITIVE_INFINITY
  /** Every request to the cloud, in order. */
  asked: string[] = []
  orders: BuyOrder[] = []
  load: number | null = 97
  interference: Interference = {}
  offers: Read<Offer[]> = { ok: true, value: offersOf("rung-1", "rung-2", "rung-4"), skewMs: 0 }
  supernode: Read<Supernode> = { ok: true, value: supernodeOf(), skewMs: 0 }
  /** Response of the billing service for every order; `null` if no billing service is known. */
  order: Read<CloudOrder> | null = null
  /** Outcomes of the next purchases, in order; after them, accepted. */
  outcomes: Outcome[] = []
  /** Called during a purchase. */
  whileBuying: (order: BuyOrder) => Promise<void> = async () => {}
  /** Every notification, in order. */
  notices: Notification[] = []
  /** Results of the next notifications, in order; after them, success. */
  deliveries: Delivery[] = []
  /** Called during a notification. */
  whileTelling: (notification: Notification, timeoutMs: number) => Promise<void> = async () => {}
  /** Turns of the buyers in one process. If absent, all run at once. */
  inFleetTurn: Ports["inFleetTurn"]
  /** `null` until `listen`, as if the policy named no recipient. */
  notify: Notifier | null = null
  /** Memory of one process from run to run. */
  readonly lastRuns: NonNullable<Ports["lastRuns"]> = new Map()
  private ids = 0
  readonly ledger: Ledger

  constructor(private readonly store: Ledger) {
    this.ledger = {
      head: async (stream) => {
        await this.interference.beforeHead?.(stream)
        return store.head(stream)
      },
      append: async (entry) => (await this.interference.beforeAppend?.(entry)) ?? store.append(entry),
      read: (stream, range) => store.read(stream, range),
      streams: () => store.streams(),
      close: () => store.close(),
    }
  }

  static async open(): Promise<World> {
    return new World(await World.newLedger())
  }

  /** A ledger as `ledger init` makes it. */
  static newLedger(): Promise<AuditedLedger> {
    return initialised(ledgerOver(openMemoryStore()), NOW)
  }

  newId = (): string => `id-${++this.ids}`

  readonly clock: Clock = {
    ...clockAt(() => this.now),
    wait: async (ms) => {
      this.now += ms
    },
  }

  readonly cloud: Cloud = {
    readSupernode: async () => {
      this.asked.push("supernode")
      return this.dated(this.supernode)
    },
    readMetrics: async ({ policy, supernode, now }) => {
      this.asked.push("metrics")
      const servers = (supernode.servers ?? []).map((server) => server.id)
      return readingsOf({ policy, servers, load: this.load, now })
    },
    readOffers: async () => {
      this.asked.push("offers")
      return this.dated(this.offers)
    },
    readOrder: async () => {
      if (this.order) this.asked.push("order")
      return this.order
    },
    buy: async (order) => {
      this.asked.push("buy")
      this.orders.push(order)
      await this.whileBuying(order)
      return this.outcomes.shift() ?? accepted
    },
  }

  /** Adds the response's `Date`, by the cloud's clock. */
  private dated<T>(read: Read<T>): Read<T> {
    const { skewMs = null } = read
    return { ...read, date: skewMs === null ? null : this.now + skewMs }
  }

  /** Adds a recipient for these topics to the policy. */
  listen(topics: readonly NotifyTopic[] = ["trouble", "approval"]): void {
    this.notify = {
      wants: (topic) => topics.includes(topic),
      send: async (notification, timeoutMs) => {
        this.notices.push(notification)
        await this.whileTelling(notification, timeoutMs)
        return this.deliveries.shift() ?? { ok: true }
      },
    }
  }

  async run(
    signal: Signal = tickOf({ id: this.newId(), at: this.now }),
    over: Partial<RunTask> & { policy?: Policy } = {},
  ): Promise<RunResult> {
    const policy = over.policy ?? policyOf()
    const ports: Ports = {
      ledger: this.ledger,
      cloud: this.cloud,
      clock: this.clock,
      notify: this.notify,
      newId: this.newId,
      lastRuns: this.lastRuns,
      timeLeftMs: () => this.timeLeftMs,
      ...(this.inFleetTurn ? { inFleetTurn: this.inFleetTurn } : {}),
    }
    return run(ports, taskOf({ signal, policy, run: this.newId() }, over))
  }

  /** Gives the supernode `count` servers. All but the first two are created now, with `over`. */
  deliver(count: number, over: Partial<Server> = {}): void {
    const servers = Array.from({ length: count }, (_, i) =>
      i < 2
        ? serverOf(`s${i + 1}`)
        : serverOf(`s${i + 1}`, { createAt: this.now, updateAt: this.now, ...over }),
    )
    this.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
  }

  async say(said: OperatorCommand): Promise<void> {
    const commandPorts = { ledger: this.store, clock: this.clock, newId: this.newId }
    if (said.verb === "settle" || said.verb === "reset")
      await commandSupernode(commandPorts, supernodeStream(policyOf().id), { said, check: () => {} })
    else await commandAll(commandPorts, said)
  }

  entries(stream = supernodeStream(policyOf().id)): Promise<LedgerEntry[]> {
    return entriesOf(this.store, stream)
  }
}

/** A store that cannot be reached. */
export function unreachable(): never {
  throw new LedgerError("the store is unreachable")
}

export { accepted, rejected, unknown } from "../world/outcomes.ts"
export { CONTROL_STREAM, NO_CONTROL }
