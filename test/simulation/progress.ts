import type { Budget, Rung } from "../../lib/decision/policy/policy.ts"
import type { Book, Trade } from "./book.ts"
import { boughtIn } from "./fleet.ts"
import { rungsAskedFor } from "./load.ts"
import { rollingMs } from "./policies.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE

/**
 * Checks that every allowed purchase is made soon, once faults are over and the load stays high. An
 * independent oracle determines when a purchase is allowed, by true times and the kinds of entries.
 */
export class Progress {
  constructor(
    private readonly world: World,
    private readonly supernode: SimulatedSupernode,
    private readonly from: { highSince: number; horizon: number },
  ) {}

  get #book(): Book {
    return this.world.watch.bookOf(this.supernode)
  }

  /** True if no purchase is expected before the horizon. Reports missing purchases. */
  isDone(): boolean {
    const { now } = this.world.scheduler
    const { world, supernode } = this
    const [open] = this.#book.inFlight
    if (open) {
      if (now - open.changedAt > 3 * HOUR)
        world.watch.broken(
          "liveness",
          `${supernode.policy.name}: ${open.id} is ${open.state} for hours, and all is calm`,
        )
      return false
    }
    const due = this.#dueAt()
    if (due === null || due > this.from.horizon) return true
    const patience =
      2 * world.tickMs +
      10 * MINUTE +
      (supernode.policy.approval ? 3 * HOUR : 0) +
      (supernode.policy.efficacy ? 3 * HOUR : 0)
    if (now > due + patience)
      world.watch.broken(
        "liveness",
        `${supernode.policy.name}: a purchase was allowed ${Math.round((now - due) / MINUTE)} minutes ago`,
      )
    return false
  }

  /** Time from which the next purchase is allowed. `null` if there is none while this load lasts. */
  #dueAt(): number | null {
    const { policy, load, count } = this.supernode
    const free = policy.rules.filter(({ name }) => !this.#latched().includes(name))
    const up = rungsAskedFor({ ...policy, rules: free }, load, this.world.scheduler.now)
    const here = policy.ladder.findIndex(({ servers }) => servers === count)
    const wanted = policy.ladder[Math.min(here + up, policy.ladder.length - 1)]
    const target =
      wanted && wanted.servers > policy.limits.servers
        ? policy.ladder.findLast(({ servers }) => servers <= policy.limits.servers)
        : wanted
    // Until the newest periods are complete, no rule demands more yet. Later it may.
    if (up === 0 && this.world.scheduler.now < this.from.highSince + HOUR && free.length > 0)
      return this.from.highSince + HOUR
    if (up === 0 || here < 0 || !target || target.servers <= count) return null
    return Math.max(this.#evidenceAt(free), this.#cooldownEnd(), ...this.#capsFreeAt(target))
  }

  /** Rules with `repeat: false` whose proposal was bought since the load rose. */
  #latched(): string[] {
    const once = this.supernode.policy.rules.filter(({ repeat }) => !repeat).map(({ name }) => name)
    return [...this.#book.trades.values()]
      .filter(({ openedAt, state }) => openedAt >= this.from.highSince && state !== "released")
      .flatMap(({ entry }) => entry.decision?.target?.rules ?? [])
      .filter((rule) => once.includes(rule))
  }

  get #newestServerAt(): number {
    return Math.max(...this.supernode.present().map(({ createAt }) => createAt ?? -Infinity))
  }

  #evidenceAt(rules: SimulatedSupernode["policy"]["rules"]): number {
    const { warmupMs } = this.supernode.policy
    const warm = Math.max(this.#book.completedAt ?? -Infinity, this.#newestServerAt) + warmupMs
    const since = Math.max(this.from.highSince, warm)
    const full = rules.map(({ metric, points }) => {
      const periodMs = metric["cloud-eye"]?.period ?? 0
      return (Math.ceil(since / periodMs) + points.m) * periodMs + metric.lag
    })
    return Math.max(...full)
  }

  #cooldownEnd(): number {
    const { cooldownMs, minIntervalMs } = this.supernode.policy
    const last = Math.max(-Infinity, ...this.#bought().map(({ openedAt }) => openedAt))
    const completed = this.#book.completedAt ?? -Infinity
    return Math.max(completed + cooldownMs, last + minIntervalMs, this.#newestServerAt + cooldownMs)
  }

  #bought(): Trade[] {
    return boughtIn(this.#book)
  }

  /** Purchases of all supernodes, as the caps across them count. */
  #boughtByAll(): Trade[] {
    return this.world.supernodes.flatMap((supernode) => boughtIn(this.world.watch.bookOf(supernode)))
  }

  #capsFreeAt(target: Rung): number[] {
    const { limits, fleet } = this.supernode.policy
    const [own, all] = [this.#bought(), this.#boughtByAll()]
    return [
      actionsFreeAt(limits.actions, own),
      limits.budget ? this.#moneyFreeAt(limits.budget, own, target) : -Infinity,
      fleet?.actions ? actionsFreeAt(fleet.actions, all) : -Infinity,
      fleet?.budget ? this.#moneyFreeAt(fleet.budget, all, target) : -Infinity,
    ]
  }

  /** The first moment at which enough spending has left the budget's window. */
  #moneyFreeAt({ minor, per }: Budget, bought: Trade[], target: Rung): number {
    const { ladder } = this.supernode.policy
    // A rung without a price is never bought under a budget.
    if (!target.price) return Infinity
    const paid = ladder.find(({ servers }) => servers === this.supernode.count)?.price?.minor ?? 0
    const cost = target.price.minor - paid
    const spent = bought.map(({ openedAt, entry }) => ({
      leavesAt: openedAt + rollingMs(per),
      minor: (entry.plan?.cost?.amount ?? 0) * 100,
    }))
    const moments = [-Infinity, ...spent.map(({ leavesAt }) => leavesAt)].sort((a, b) => a - b)
    const fits = (at: number) =>
      spent.filter(({ leavesAt }) => leavesAt > at).reduce((sum, one) => sum + one.minor, 0) + cost <= minor
    return moments.find(fits) ?? Infinity
  }
}

function actionsFreeAt({ count, perMs }: { count: number; perMs: number }, bought: Trade[]): number {
  const newestFirst = bought.map(({ openedAt }) => openedAt).sort((a, b) => b - a)
  const inTheWay = newestFirst[count - 1]
  return inTheWay === undefined ? -Infinity : inTheWay + perMs
}
