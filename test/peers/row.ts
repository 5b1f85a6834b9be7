import type { RunResult } from "../../lib/run/result.ts"
import { alarmOf, MINUTE, policyOf, tickOf } from "../decision/builders.ts"
import type { World } from "../run/world.ts"

// Faults that hurt comparable autoscalers, and patterns that are known to buy twice. Each row plays the
// situation through the real run, with a faulty cloud, clock and ledger store behind the ports.
// test/bench/duel plays whole patterns against ours.

export interface Row {
  /** Project or pattern, and where the fault is reported or documented. */
  peer: string
  /** The peer's fault, and what it costs. */
  hurts: string
  /** What our autoscaler does, as a sentence; the test's title. */
  ours: string
  /** Plays the situation and returns how each delivery ended, in order. */
  play(world: World): Promise<string[]>
  /** Expected end of each delivery. */
  ends: string[]
  /** Total number of orders that reach the cloud. */
  orders: number
}

/** How a run ended: its order's outcome, its reason to hold, or the error that it threw. */
export async function end(run: Promise<RunResult>): Promise<string> {
  try {
    const { decision, outcome } = await run
    if (decision.kind === "hold") return `held: ${decision.heldBy}`
    return outcome?.kind === "not-sent" ? `not-sent: ${outcome.reason}` : (outcome?.kind ?? "plan only")
  } catch (error) {
    return `failed: ${(error as Error).name}`
  }
}

/** Runs one delivery after the other, each by a process of its own. */
export async function inTurn(...runs: (() => Promise<RunResult>)[]): Promise<string[]> {
  const ends: string[] = []
  for (const run of runs) ends.push(await end(run()))
  return ends
}

export const tick = (world: World, over: Parameters<World["run"]>[1] = {}) =>
  world.run(tickOf({ id: world.newId(), at: world.now }), over)

/** Room for more than one purchase: only the behaviour that the row tests can prevent another. */
export const ROOMY = policyOf({
  ladder: [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers })),
  limits: { actions: "20 per 24h", servers: 48 },
})
export const ALL_OFFERS = ["rung-1", "rung-2", "rung-4", "rung-8"].map((flavor) => ({
  flavor,
  soldOut: false,
}))

export function offerAll(world: World): void {
  world.offers = { ok: true, value: ALL_OFFERS, skewMs: 0 }
}

/** Buys from two servers to four, and completes the purchase after five minutes. */
export async function buyAndDeliver(world: World, policy = ROOMY): Promise<string> {
  const ended = await end(world.run(alarmOf(), { policy }))
  world.now += 5 * MINUTE
  world.deliver(4)
  return ended
}
