import { setImmediate as nextTurn } from "node:timers/promises"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { digest } from "../../lib/digest.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "../../lib/ledger/next-entry.ts"
import type { BuyOrder, Cloud, Ledger, Ports } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import { run } from "../../lib/run/run.ts"
import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import { DAY, MINUTE, NOW, policyOf, ruleInput, tickOf } from "../decision/builders.ts"
import { initEntryAt } from "../ledger/initialised.ts"
import { Chains } from "../world/chains.ts"
import { clockAt } from "../world/clock.ts"
import { cloudOver } from "../world/cloud.ts"
import type { TrueOrder } from "../world/order.ts"
import { Random } from "../world/random.ts"
import { allPromisesFollowed, Scheduler } from "../world/scheduler.ts"
import { isTooLate, TOO_LATE } from "../world/send-window.ts"
import { TrueSupernode } from "../world/supernode.ts"
import { loadedOf, taskOf } from "../world/task.ts"
import { type MemberProcess, memberProcesses } from "./member-processes.ts"

// Many supernodes of one policy file, whose runs all want to buy at once: one ledger in memory, a cloud with
// random responses, and random times for every step of every run. The orders that were truly sent are counted
// here, independent of all ledgers.

export interface Fight {
  seed: number
  supernodes: number
  attempts: number
  /** Allowed purchases of all supernodes (`cap`) and of each one (`ownCap`) in a day. */
  cap: number
  ownCap: number
  /** Budget of all supernodes, in orders. */
  budget: number
  /** True: the runs follow each other, and some are delayed. False: any run may take the next step. */
  byRank: boolean
  /** How often the cloud accepts an order, refuses it, or takes it and sends no response. */
  weights: [accepted: number, refused: number, lost: number]
  /** Number of processes with one store that share the runs. By default, each run has its own process. */
  processes?: number
  /** A ledger that breaks its contract, to see that the test notices it. */
  broken?: "fleet-appends-anywhere"
}

const PRICE = 60_000
/** Average duration of a step, in virtual time that no run sees. */
const STEP_MS = 1_000_000
/** Duration of a step of a run that is not delayed, with `byRank`. */
const QUICK_STEP_MS = 1
/** Probability that a run is delayed until after all others. */
const FALLS_BEHIND = 0.25
/** Cost of an order from two servers to four. */
const ORDER_COST = 2 * PRICE

export class Arena {
  readonly violations: string[] = []
  steps = 0
  readonly results: RunResult[] = []
  readonly #supernodes: ReadonlyMap<string, TrueSupernode>
  readonly #chains = new Chains<LedgerEntry>()
  readonly #scheduler = new Scheduler(0)
  /** Runs that have taken their first step. */
  readonly #begun = new Set<number>()
  readonly #processes: readonly MemberProcess[]
  readonly #random: Random
  #now = NOW
  readonly #clock = clockAt(() => this.#now)
  #runs = 0
  #ids = 0

  constructor(private readonly fight: Fight) {
    this.#chains.append(CONTROL_STREAM, initEntryAt(NOW))
    this.#random = new Random(fight.seed)
    this.#processes = memberProcesses(fight.processes ?? 0, (process) => this.#turn(process))
    const supernodes = Array.from({ length: fight.supernodes }, (_, nth) => this.#made(policyFor(fight, nth)))
    this.#supernodes = new Map(supernodes.map((supernode) => [supernode.policy.id, supernode]))
  }

  #made(policy: Policy): TrueSupernode {
    const loaded = loadedOf(policy, digest(policy.id))
    return new TrueSupernode({ loaded, now: () => this.#now, load: () => 97, servers: 2 })
  }

  #supernodeOf(id: string): TrueSupernode {
    const found = this.#supernodes.get(id)
    if (!found) throw new RangeError(`there is no supernode ${id}`)
    return found
  }

  get orders(): TrueOrder[] {
    return [...this.#supernodes.values()].flatMap(({ orders }) => orders)
  }

  /** All orders that may have cost money. */
  get costly(): TrueOrder[] {
    return this.orders.filter(isCostly)
  }

  /** Initialises the processes' ledger, which begins empty. */
  async initLedger(): Promise<void> {
    const appended = this.#processes[0]?.ledger.append(initEntryAt(NOW))
    await this.#runAll()
    await appended
  }

  /** Starts all attempts at once, each with its own tick. */
  async fightItOut(): Promise<void> {
    const { attempts } = this.fight
    const supernodes = [...this.#supernodes.values()]
    const runs = Array.from({ length: attempts }, (_, nth) =>
      this.#start(supernodes[nth % supernodes.length]),
    )
    this.results.push(...(await this.#ended(runs)))
  }

  /** Waits for these runs. A process also continues in later turns of the event loop. */
  async #ended(runs: readonly Promise<RunResult>[]): Promise<RunResult[]> {
    let hasEnded = false
    const ended = Promise.all(runs).finally(() => {
      hasEnded = true
    })
    do {
      await this.#runAll()
      await nextTurn()
    } while (!hasEnded)
    return ended
  }

  /** Runs each supernode once more, one after the other, to buy what the caps still allow. */
  async mopUp(): Promise<void> {
    this.#now += MINUTE
    for (const supernode of this.#supernodes.values()) await this.#ended([this.#start(supernode)])
  }

  #start(supernode?: TrueSupernode): Promise<RunResult> {
    if (!supernode) throw new RangeError("there is no supernode")
    const { loaded, policy } = supernode
    const who = ++this.#runs
    const process = this.#processes[who % this.#processes.length] ?? { ledger: this.#ledgerOf(who) }
    const ports: Ports = {
      ...process,
      cloud: this.#cloudOf(who),
      clock: this.#clock,
      notify: null,
      newId: () => `id-${++this.#ids}`,
      timeLeftMs: () => Number.POSITIVE_INFINITY,
    }
    const signal = tickOf({ id: ports.newId(), at: this.#now })
    const fleetStreams = [...this.#supernodes.values()].map(({ stream }) => stream)
    return run(ports, taskOf({ signal, policy, run: ports.newId() }, { loaded, fleetStreams }))
  }

  async #runAll(): Promise<void> {
    await allPromisesFollowed()
    await this.#scheduler.runUntil(Infinity, () => false)
  }

  /** Virtual time until this run's next step. Exponential, so that all waiting runs are equally likely. */
  #delayMs(who: number): number {
    const random = this.#random
    if (!this.fight.byRank) return -Math.log(1 - random.next()) * STEP_MS
    const { attempts } = this.fight
    if (!this.#begun.has(who)) {
      this.#begun.add(who)
      return random.whole(0, attempts) * STEP_MS
    }
    return random.chance(FALLS_BEHIND) ? attempts * STEP_MS : QUICK_STEP_MS
  }

  /** Resolves at this run's next step, which ends before another begins. The clock may advance by 1 ms. */
  async #turn(who: number): Promise<void> {
    await this.#scheduler.wait(this.#delayMs(who))
    this.steps += 1
    this.#now += this.#random.chance(0.1) ? 1 : 0
  }

  #ledgerOf(who: number): Ledger {
    return {
      head: async (stream) => {
        await this.#turn(who)
        return this.#chains.newest(stream)
      },
      append: async (entry) => {
        await this.#turn(who)
        const isAnywhere = this.fight.broken === "fleet-appends-anywhere" && entry.stream === FLEET_STREAM
        return this.#chains.append(entry.stream, entry, { isAnywhere })
      },
      read: async function* () {},
      streams: async function* () {},
      close: async () => undefined,
    }
  }

  #cloudOf(who: number): Cloud {
    return cloudOver(({ id }) => this.#supernodeOf(id), {
      // As the `Date` of each response shows.
      read: async (_what, look) => ({ ok: true, value: look(), skewMs: 0, date: this.#now }),
      measure: async (look) => look(),
      buy: async (order, supernode) => {
        await this.#turn(who)
        if (isTooLate(order, this.#clock)) return TOO_LATE
        const sent = supernode.place(order)
        this.#check(order, supernode)
        await this.#turn(who)
        const [accepted, refused, lost] = this.fight.weights
        const ending = this.#random.weighted<OrderEnding>([
          [accepted, "accepted"],
          [refused, "state-conflict"],
          [lost, "lost"],
        ])
        // The servers of the order do not come during the fight.
        return supernode.end(sent, ending, [])
      },
    })
  }

  #check({ plan }: BuyOrder, { orders }: TrueSupernode): void {
    const { cap, ownCap, budget } = this.fight
    const all = this.costly
    const own = orders.filter(isCostly)
    if (all.length > cap) this.violations.push(`${all.length} purchases by all, ${cap} are allowed`)
    if (all.length > budget)
      this.violations.push(`${all.length} orders paid for, ${budget} are in the budget`)
    if (own.length > ownCap) this.violations.push(`${own.length} purchases by one, ${ownCap} are allowed`)
    if (plan.cost?.amount !== ORDER_COST) this.violations.push(`an order costs ${plan.cost?.amount}`)
  }
}

function isCostly({ fate }: TrueOrder): boolean {
  return fate !== "refused"
}

function policyFor({ cap, ownCap, budget }: Fight, nth: number): Policy {
  return policyOf(
    {
      name: `train-${nth}`,
      id: `b4beacb6-4380-448c-a218-${String(nth).padStart(12, "0")}`,
      rules: [ruleInput({ points: "1 of 1" })],
      ladder: [2, 4].map((servers) => ({
        flavor: `rung-${servers}`,
        servers,
        price: { amount: servers * PRICE, currency: "CNY", per: "month" },
      })),
      limits: { actions: `${ownCap} per 24h`, servers: 48 },
    },
    {
      fleet: {
        actions: { count: cap, perMs: DAY },
        budget: { minor: budget * ORDER_COST * 100, currency: "CNY", per: 30 * DAY },
      },
    },
  )
}
