import { verifyLedger } from "../../lib/ledger/verify-ledger.ts"
import { startEvents } from "./events.ts"
import { startLedgerTrouble } from "./ledger-life.ts"
import type { PortBreak } from "./port-breaks.ts"
import { Progress } from "./progress.ts"
import { startTimeTrouble } from "./times.ts"
import { forgetEntries } from "./trusted.ts"
import { type Counts, World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE
/**
 * Time after the faults in which operators settle, orders complete, holds and waits end, and latches clear.
 */
const SETTLING_MS = 6 * HOUR
const BUSY_MS = 16 * HOUR

export interface Report {
  seed: number
  violations: string[]
  counts: Counts
  mostPosts: number
  /** SHA-256 over the whole trace: equal for equal seeds. */
  hash: string
  /** Events, one line each. */
  trace: string[]
}

/**
 * One life of a small fleet: days of faults, hours in which operators settle the rest, then a load that stays
 * high. Every entry's position is checked when it is stored. With real texts and hashes (`asIs`), whole
 * chains are verified at the end.
 */
export async function simulate(
  seed: number,
  {
    broken = null,
    asIs = false,
    readsEarly = true,
    members = 2,
  }: { broken?: PortBreak | null; asIs?: boolean; readsEarly?: boolean; members?: number } = {},
): Promise<Report> {
  forgetEntries()
  const world = new World(seed, broken, { mayReadEarly: readsEarly, members })
  const { scheduler, watch } = world
  const isFinished = () => watch.violations.length > 0
  startEvents(world)
  startTimeTrouble(world, seed)
  startLedgerTrouble(world, seed)
  world.people.start()
  await scheduler.runUntil(world.calmFrom, isFinished)

  world.people.isQuiet = true
  world.becomeCalm()
  for (const load of world.loads) load.becomes(40, scheduler.now)
  while (scheduler.now < world.calmFrom + SETTLING_MS && !isFinished()) await goOn(world, isFinished)

  if (!isFinished()) await stayBusy(world, isFinished)
  if (!isFinished()) watch.forgotten.checkFound()
  if (!isFinished() && asIs) await verifyChains(world)
  world.counts.purchases = world.supernodes.flatMap(({ accepted }) => accepted).length
  return {
    seed,
    violations: watch.violations,
    counts: world.counts,
    mostPosts: watch.mostPosts,
    hash: world.hash(),
    trace: world.lines,
  }
}

async function stayBusy(world: World, isFinished: () => boolean): Promise<void> {
  const { scheduler, supernodes } = world
  const highSince = scheduler.now
  const horizon = highSince + BUSY_MS
  world.trace("the load goes up and stays up")
  for (const load of world.loads) load.becomes(97, highSince)
  const open = new Set(supernodes.map((supernode) => new Progress(world, supernode, { highSince, horizon })))
  while (open.size > 0 && !isFinished() && scheduler.now < horizon) {
    await goOn(world, isFinished)
    for (const progress of open) if (progress.isDone()) open.delete(progress)
  }
}

/** Runs five more minutes, then checks the notifications of waiting states. */
async function goOn({ scheduler, watch }: World, isFinished: () => boolean): Promise<void> {
  await scheduler.runUntil(scheduler.now + 5 * MINUTE, isFinished)
  watch.notifications.check()
}

async function verifyChains(world: World): Promise<void> {
  const { streams, across } = await verifyLedger(world.truth())
  const bad = [...streams.flatMap((verdict) => (verdict.ok ? [] : [verdict])), ...across]
  for (const { stream, seq, problem } of bad)
    world.watch.broken("chain-verifies", `${stream}#${seq} ${problem}`)
}
