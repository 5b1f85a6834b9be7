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

// Many supernodes of one policy file, whose runs all want to buy at once: one ledger in memory, a cloud that answers by
// chance, and every step of every run at a moment drawn by chance. What was truly sent is counted here, independent of all ledgers.

export interface Fight {
  seed: number
  supernodes: number
  attempts: number
  /** Purchases by all, and by each, in a day. */
  cap: number
  ownCap: number
  /** What all may spend, in orders. */
  budget: number
  /** Each step takes its own time, so that any run may be next; or one run after the other, each held up now and then. */
  byRank: boolean
  /** How often the cloud takes an order, refuses it, or leaves it unanswered and taken. */
  weights: [accepted: number, refused: number, lost: number]
  /** The runs are spread over so many processes with one store; left out: each has a process of its own. */
  processes?: number
  /** Another ledger than promised, to see that it is noticed. */
  broken?: "fleet-appends-anywhere"
}

const PRICE = 60_000
/** Of a step, on average; virtual time, which no run sees. */
const STEP_MS = 1_000_000
/** A step of a run that is not held up, by rank. */
const QUICK_STEP_MS = 1
/** How often a run is held up until after all others. */
const FALLS_BEHIND = 0.25
/** From two servers to four. */
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

  /** All that may have cost money. */
  get costly(): TrueOrder[] {
    return this.orders.filter(isCostly)
  }

  /** Ledgers of processes begin empty. */
  async initLedger(): Promise<void> {
    const appended = this.#processes[0]?.ledger.append(initEntryAt(NOW))
    await this.#runAll()
    await appended
  }

  /** Every attempt at once, each of another tick. */
  async fightItOut(): Promise<void> {
    const { attempts } = this.fight
    const supernodes = [...this.#supernodes.values()]
    const runs = Array.from({ length: attempts }, (_, nth) =>
      this.#start(supernodes[nth % supernodes.length]),
    )
    this.results.push(...(await this.#ended(runs)))
  }

  /** A process goes on in later turns of the event loop, too. */
  async #ended(runs: readonly Promise<RunResult>[]): Promise<RunResult[]> {
    let isOver = false
    const ended = Promise.all(runs).finally(() => {
      isOver = true
    })
    do {
      await this.#runAll()
      await nextTurn()
    } while (!isOver)
    return ended
  }

  /** When all is quiet each supernode is woken once more, one after the other: what the caps have left is bought. */
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

  /** Virtual time until the next step of this run. Exponential: whichever waits is the next with the same chance. */
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

  /** Comes back when it is this run's turn, and follows it to its end before the next. Its clock goes on a little with every step. */
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
      // As each answer's `Date` says it.
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
        // Its servers do not come as long as the fight lasts.
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
