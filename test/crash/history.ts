import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { LedgerError } from "../../lib/ports.ts"
import { MINUTE, SECOND } from "../decision/builders.ts"
import { loadedOf } from "../world/task.ts"
import { crashPolicy, Environment, SERVER_PRICE } from "./environment.ts"
import type { Moment } from "./faults.ts"
import { type Act, FOLLOW_UPS, type FollowUpName, type Kind } from "./kinds.ts"
import { newTick, PAST_DEADLINE_MS, peopleSettle, runSignal, standingAt } from "./runs.ts"
import { type Plan, Worker } from "./worker.ts"

// One history: a run with one fault, the event right after it, the event past the deadline, and then hours
// under load without faults, to see that exactly the policy's purchases happen.

/** The number of purchases that the policy's `actions: 2 per 24h` allows, or the fleet's cap if lower. */
function allowedOf({ policy }: Environment): number {
  return Math.min(policy.limits.actions.count, policy.fleet?.actions?.count ?? Infinity)
}
/** Time in which a purchase is provisioned and cools down. */
const TICK_EVERY_MS = 26 * MINUTE
const MAX_TICKS = 30
const TICKS_AFTER = 1

export interface Played {
  violations: string[]
  trace: string[]
  mostPosts: number
  taken: number
}

const policies = new Map<Kind, [LoadedPolicy, ...LoadedPolicy[]]>()

function policiesFor(kind: Kind): [LoadedPolicy, ...LoadedPolicy[]] {
  const known = policies.get(kind)
  if (known) return known
  const first = crashPolicy(kind.policy)
  const made: [LoadedPolicy, ...LoadedPolicy[]] = kind.fleet
    ? underCaps(first, kind.fleet.allowed)
    : [loadedOf(first)]
  policies.set(kind, made)
  return made
}

/** Two supernodes that may each buy more than they may together; the budget is as tight as the count. */
function underCaps(policy: Policy, count: number): [LoadedPolicy, ...LoadedPolicy[]] {
  const { actions, budget } = policy.limits
  const minor = [2, 6][count - 1] ?? 0
  const fleet = {
    actions: { ...actions, count },
    budget: budget && { ...budget, minor: minor * SERVER_PRICE * 100 },
  }
  const first = { ...policy, fleet }
  const second = { ...first, name: "train-b", id: "0f2d4c11-9d7b-4f0e-8a55-3d2c1b0a9e8f" }
  return [loadedOf(first), loadedOf(second)]
}

/** The points that a run of this kind passes without a fault. */
export async function traceOf(kind: Kind): Promise<string[]> {
  return (await play(kind, null, kind.followUps[0] ?? "a tick")).trace
}

export async function play(kind: Kind, plan: Plan | null, followUp: FollowUpName): Promise<Played> {
  const [first, ...others] = policiesFor(kind)
  const environment = new Environment(first, ...others)
  const { watch } = environment
  environment.notifies = kind.notifies ?? []
  const act = await kind.begin(environment)
  environment.endings = [...(kind.endings ?? [])]
  const before = environment.entries(environment.stream).length
  const worker = new Worker(environment, plan, kind.habits)
  const ended = endOf(environment, act(worker.ports))
  await Promise.race([ended, worker.stopped])
  if (plan && !worker.hasFired) watch.violated("the fault never happened")
  if (kind.writesNothing && environment.entries(environment.stream).length > before)
    watch.violated("it wrote")

  const goOn = async (moment: Moment) => {
    if (plan && "until" in plan.fault && plan.fault.until === moment) {
      worker.goOn()
      await ended
    }
  }
  environment.now += SECOND
  await follow(environment, followUp, act)
  environment.now += SECOND
  await goOn("soon")
  environment.now += PAST_DEADLINE_MS
  await follow(environment, followUp, act)
  await goOn("late")
  await recover(environment, () => goOn("settled"))

  // Hashing takes most of the time, and later events do not change it: one chain of each fault is enough.
  if (followUp === kind.followUps[0]) await watch.verifyChains()
  return {
    violations: watch.violations,
    trace: worker.trace,
    mostPosts: watch.mostPosts,
    taken: environment.taken.length,
  }
}

async function follow(environment: Environment, name: FollowUpName, act: Act): Promise<void> {
  await FOLLOW_UPS[name](environment, act)(new Worker(environment).ports)
}

/** After faults and settlements, with a constant load: exactly the policy's purchases are made. */
async function recover(environment: Environment, thaw: () => Promise<void>): Promise<void> {
  environment.load = 97
  let isThawed = false
  let left = MAX_TICKS
  for (let tick = 1; tick <= left; tick++) {
    environment.now += TICK_EVERY_MS
    for (const supernode of environment.supernodes)
      await runSignal(environment, new Worker(environment).ports, newTick(environment), supernode)
    const hasSettled = await peopleSettle(environment)
    if (!isThawed && (hasSettled || tick === 2)) {
      isThawed = true
      await thaw()
    }
    if (
      environment.taken.length >= allowedOf(environment) &&
      environment.supernodes.every((supernode) => standingAt(environment, supernode).attempt === null)
    )
      left = Math.min(left, tick + TICKS_AFTER)
  }
  checkEnd(environment)
}

function checkEnd(environment: Environment): void {
  const { watch, taken } = environment
  const standings = environment.supernodes.map((supernode) => standingAt(environment, supernode))
  const purchases = standings.flatMap((standing) => standing.purchases)
  const allowed = allowedOf(environment)
  if (taken.length !== allowed)
    watch.violated(`${taken.length} purchases in a day of load; ${allowed} are allowed`)
  for (const { attempt } of standings) if (attempt) watch.violated(`${attempt.id} is still ${attempt.state}`)
  const booked = purchases.filter((purchase) => purchase.state === "booked").map(({ attempt: id }) => id)
  if (booked.length < purchases.length) watch.violated("money is still reserved, and nothing is in flight")
  const paid = taken.map((post) => post.attempt)
  if (booked.sort().join() !== paid.sort().join())
    watch.violated(`booked are ${booked.join()}, and the cloud took ${paid.join()}`)
}

/** A run may end with a LedgerError, and with no other error. */
async function endOf(environment: Environment, acting: Promise<unknown>): Promise<void> {
  try {
    await acting
  } catch (error) {
    if (!(error instanceof LedgerError)) environment.watch.violated(`the run threw ${String(error)}`)
  }
}
