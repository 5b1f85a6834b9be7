import type { RunResult } from "../../lib/run/result.ts"
import { alarmOf, MINUTE, policyOf, tickOf } from "../decision/builders.ts"
import type { World } from "../run/world.ts"

// Faults that hurt comparable autoscalers, and patterns that are known to buy twice. Each row plays the situation through the real
// run: a cloud, a clock and a ledger's store with faults behind the ports. test/bench/duel plays whole patterns against ours.

export interface Row {
  /** Which project or pattern, and where it is reported or documented. */
  peer: string
  /** What it does there, and what that costs. */
  hurts: string
  /** Our answer, as a sentence; the test's title. */
  ours: string
  /** Plays the situation and returns how each delivery ended, in order. */
  play(world: World): Promise<string[]>
  /** How the deliveries end. */
  ends: string[]
  /** Orders that reach the cloud, all in all. */
  orders: number
}

/** How a run ended: its order's outcome, what held it, or that it failed loudly. */
export async function end(run: Promise<RunResult>): Promise<string> {
  try {
    const { decision, outcome } = await run
    if (decision.kind === "hold") return `held: ${decision.heldBy}`
    return outcome?.kind === "not-sent" ? `not-sent: ${outcome.reason}` : (outcome?.kind ?? "plan only")
  } catch (error) {
    return `failed: ${(error as Error).name}`
  }
}

/** One delivery after the other, each by a process of its own. */
export async function inTurn(...runs: (() => Promise<RunResult>)[]): Promise<string[]> {
  const ends: string[] = []
  for (const run of runs) ends.push(await end(run()))
  return ends
}

export const tick = (world: World, over: Parameters<World["run"]>[1] = {}) =>
  world.run(tickOf({ id: world.newId(), at: world.now }), over)

/** Room for more than one purchase, and nothing that rests: only the row's own answer prevents it. */
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

/** A purchase from two servers to four that is over after five minutes. */
export async function buyAndDeliver(world: World, policy = ROOMY): Promise<string> {
  const ended = await end(world.run(alarmOf(), { policy }))
  world.now += 5 * MINUTE
  world.deliver(4)
  return ended
}
