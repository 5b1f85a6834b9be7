import { setImmediate as nextTurn } from "node:timers/promises"
import type { MetricEvent, Participant } from "../metrics/collector.ts"
import type { Cloud, Ports } from "../ports.ts"
import { timeToBuy } from "../run/preconditions.ts"
import type { RunResult } from "../run/result.ts"
import { run } from "../run/run.ts"
import { LEDGER_WRITE_MS, type RunTask } from "../run/task.ts"
import { type RunFacts, watchRun } from "./run-facts.ts"

// Limits how many supernodes of one event run at the same time, and ends a tick when its time is used up.

/** Supernodes of a tick that run at the same time. Fewer need more metric queries; more are not faster. */
const MAX_AT_ONCE = 100
/** The same limit while alarms run: each run of a tick makes an alarm wait longer for the event loop. */
const MAX_BESIDE_ALARMS = 8
/** Runs that start in one turn of the event loop, to read heads together. A webhook waits for no more. */
const STARTS_PER_TURN = 8
/** Maximum time for all reads of one supernode together. */
const READS_MS = 12_000
/** Ticks are scheduled on whole minutes. */
const MINUTE_MS = 60_000
/**
 * Golden ratio, less 1. It is irrational, so at any regular interval each supernode is sooner or later the first
 * of a tick. At an interval of 5 minutes, each tick starts 9 % further along the list: 5 × 0.618 = 3.09.
 */
const GOLDEN = 0.618_033_988_749_894_9

export interface Queue {
  /** Tasks of one supernode, in the order of their signals. */
  tasks: readonly [RunTask, ...RunTask[]]
}

export interface FinishedRuns {
  results: RunResult[]
  errors: unknown[]
  warnings: string[]
  facts: RunFacts[]
}

interface QueueContext {
  ports: Ports
  /** Supernodes that start at about the same time share metric queries. */
  metricEvent(): MetricEvent
  /** True while this process handles an alarm or a request. */
  areAlarmsRunning(): boolean
  /** Receives each result as soon as its run has ended. If absent, results are kept in `FinishedRuns`. */
  takeResult?(result: RunResult): void
}

/** Runs all supernodes at the same time, each independently of the others. */
export async function runTogether(context: QueueContext, queues: readonly Queue[]): Promise<FinishedRuns> {
  const runs = await runPool({
    context,
    queues,
    limit: () => Number.POSITIVE_INFINITY,
    isOutOfTime: () => false,
  })
  return finishedRuns(runs, [])
}

/**
 * Runs a tick's supernodes, at most 100 at a time, and 8 while alarms run. As soon as one run ends, the next
 * starts, so a run that hangs does not stop the others. After the first 100, a run starts only if the time
 * left is enough. The warning counts the supernodes that were not reached. The first supernode depends on the
 * scheduled time, so the next tick reaches others.
 */
export async function runTick(
  context: QueueContext,
  queues: readonly Queue[],
  scheduledAt: number,
): Promise<FinishedRuns> {
  const ordered = queues.length > MAX_AT_ONCE ? rotated(queues, scheduledAt) : queues
  const warnings: string[] = []
  const runs = await runPool({
    context,
    queues: ordered,
    limit: () => (context.areAlarmsRunning() ? MAX_BESIDE_ALARMS : MAX_AT_ONCE),
    isOutOfTime(nth, { tasks }) {
      if (warnings.length > 0) return true
      const [neededMs, leftMs] = [timeToRun(tasks[0]), context.ports.timeLeftMs()]
      if (nth < MAX_AT_ONCE || leftMs > neededMs) return false
      warnings.push(sayMissed({ count: ordered.length - nth, of: ordered.length, leftMs, neededMs }))
      return true
    },
  })
  return finishedRuns(runs, warnings)
}

function finishedRuns(runs: readonly RanInOrder[], warnings: string[]): FinishedRuns {
  return {
    results: runs.flatMap(({ results }) => results),
    errors: runs.flatMap(({ errors }) => errors),
    warnings,
    facts: runs.flatMap(({ facts }) => facts),
  }
}

interface Pool {
  context: QueueContext
  queues: readonly Queue[]
  /** Maximum number of supernodes that run at the same time. */
  limit(): number
  /** True if neither this supernode nor any later one may start. */
  isOutOfTime(nth: number, queue: Queue): boolean
}

/**
 * Returns the results in the order of the queues, not in the order in which runs ended. While fewer than
 * `limit` run, a few start in each turn of the event loop.
 */
function runPool({ context, queues, limit, isOutOfTime }: Pool): Promise<RanInOrder[]> {
  const metrics = context.metricEvent()
  const oneByOne = turnsOf()
  const runs: RanInOrder[] = []
  const taken: { nth: number; queue: Queue; participant: Participant }[] = []
  let next = 0
  let running = 0
  /** Supernodes that start together all join before the first of them runs, so they share metric queries. */
  const take = (): void => {
    for (; running < limit() && next < queues.length; running++, next++)
      taken.push({ nth: next, queue: queues[next] as Queue, participant: metrics.join() })
  }
  return new Promise((resolve, reject) => {
    const start = ({ nth, queue, participant }: (typeof taken)[number]): void => {
      if (isOutOfTime(nth, queue)) {
        participant.leave()
        running -= 1
        next = queues.length
        return
      }
      runInOrder(context, queue, { participant, oneByOne }).then((finished) => {
        runs[nth] = finished
        running -= 1
        fill()
      }, reject)
    }
    const fill = (): void => {
      if (taken.length === 0) take()
      for (const one of taken.splice(0, STARTS_PER_TURN)) start(one)
      if (taken.length > 0) setImmediate(fill)
      else if (running === 0) resolve(runs)
    }
    fill()
  })
}

/**
 * Gives each caller a turn of the event loop of its own. One metric response serves many supernodes, and each
 * of them then decides. In a single turn, a hundred decisions would keep webhooks waiting.
 */
function turnsOf(): () => Promise<void> {
  let last: Promise<void> = Promise.resolve()
  return () => {
    last = last.then(() => nextTurn())
    return last
  }
}

function rotated(queues: readonly Queue[], scheduledAt: number): Queue[] {
  const start = Math.floor((((scheduledAt / MINUTE_MS) * GOLDEN) % 1) * queues.length)
  return [...queues.slice(start), ...queues.slice(0, start)]
}

/** Milliseconds that a run may need. With less time left, it could decide, but neither buy nor record. */
function timeToRun(task: RunTask): number {
  return READS_MS + (task.mode === "live" ? task.sendWithinMs + timeToBuy(task) : LEDGER_WRITE_MS)
}

interface Missed {
  count: number
  of: number
  leftMs: number
  neededMs: number
}

function sayMissed({ count, of, leftMs, neededMs }: Missed): string {
  const seconds = (ms: number) => Math.max(0, Math.round(ms / 1000))
  return `the tick did not reach ${count} of ${of} supernodes: ${seconds(leftMs)} s were left, and a run may take ${seconds(neededMs)} s. The next tick starts with other supernodes. To reach all, raise the function's timeout, or split the tick with "shard": "i/n"`
}

type RanInOrder = Pick<FinishedRuns, "results" | "errors" | "facts">

async function runInOrder(
  { ports, takeResult }: QueueContext,
  { tasks }: Queue,
  { participant, oneByOne }: { participant: Participant; oneByOne(): Promise<void> },
): Promise<RanInOrder> {
  const readMetrics: Cloud["readMetrics"] = async (query) => {
    const readings = await participant.read(query)
    await oneByOne()
    return readings
  }
  const own = { ...ports, cloud: { ...ports.cloud, readMetrics } }
  const finished: RanInOrder = { results: [], errors: [], facts: [] }
  for (const task of tasks) {
    const watched = watchRun(own, task)
    let result: RunResult | null = null
    try {
      result = await run(watched.ports, task)
      if (takeResult) takeResult(result)
      else finished.results.push(result)
    } catch (error) {
      finished.errors.push(error)
    } finally {
      participant.leave()
    }
    if (task.mode !== "dry-run") finished.facts.push(watched.facts(result))
  }
  return finished
}
