import { setImmediate as nextTurn } from "node:timers/promises"
import type { MetricEvent, Participant } from "../metrics/collector.ts"
import type { Ports } from "../ports.ts"
import { timeToBuy } from "../run/preconditions.ts"
import type { RunResult } from "../run/result.ts"
import { run } from "../run/run.ts"
import { LEDGER_WRITE_MS, type RunTask } from "../run/task.ts"
import { type RunFacts, watchRun } from "./run-facts.ts"

// How many supernodes of one event run at the same time, and where a tick ends that has no time for all of them.

/** Supernodes of a tick that run at the same time. Fewer would ask the meters more often, more would not end sooner. */
const MAX_AT_ONCE = 100
/** And beside alarms: each run of a tick lengthens the turns of the event loop that an alarm waits for. */
const MAX_BESIDE_ALARMS = 8
/** Runs that start in the same turn of the event loop: they read their heads together, and a webhook waits for no more. */
const STARTS_PER_TURN = 8
/** Reads of one supernode take at most this long in all. */
const READS_MS = 12_000
/** Ticks fall on minutes. */
const MINUTE_MS = 60_000
/** No multiple of it is whole, so that ticks at any regular distance start everywhere in time, and soonest when 5 minutes apart. */
const GOLDEN = 0.618_033_988_749_894_9

export interface Queue {
  /** The signals of one supernode, in their order. */
  tasks: readonly [RunTask, ...RunTask[]]
}

export interface Ended {
  results: RunResult[]
  errors: unknown[]
  warnings: string[]
  facts: RunFacts[]
}

interface Waves {
  ports: Ports
  /** Supernodes that run at about the same time ask the meters together. */
  metricEvent(): MetricEvent
  /** Whether this process runs for an alarm or a person right now. */
  areAlarmsRunning(): boolean
  /** Takes each result as soon as its run has ended; left out: they are kept. */
  takeResult?(result: RunResult): void
}

/** All at once, each supernode independently of the others. */
export async function runTogether(waves: Waves, queues: readonly Queue[]): Promise<Ended> {
  const metrics = waves.metricEvent()
  // All take their seats before the first one runs, so that each finds those who want the same.
  const seated = queues.map((queue) => ({ queue, seat: metrics.seat() }))
  const ended = await startAll(seated.length, (nth) => {
    const { queue, seat } = seated[nth] as (typeof seated)[number]
    return runInOrder(waves, queue, seat)
  })
  return endedOf(ended, [])
}

/**
 * A tick's supernodes, at most 100 at a time, and 8 while alarms run: whoever ends makes room for the next one, so that one
 * that hangs delays no other. Beyond the first 100 none starts without the time that its run may take; the warning counts
 * what was not reached. The scheduled time says where the tick starts, so that the next one reaches others.
 */
export async function runTick(waves: Waves, queues: readonly Queue[], scheduledAt: number): Promise<Ended> {
  const ordered = queues.length > MAX_AT_ONCE ? rotated(queues, scheduledAt) : queues
  const seats = seatsOf(waves, ordered.length)
  // By place and not by time, so that results come in the same order whoever was faster.
  const runs: RanInOrder[] = []
  const warnings: string[] = []
  let next = 0
  let end = ordered.length
  const takeNext = (): Queue | null => {
    const queue = next < end ? ordered[next] : undefined
    if (!queue) return null
    const neededMs = timeToRun(queue.tasks[0])
    const leftMs = waves.ports.timeLeftMs()
    if (next < MAX_AT_ONCE || leftMs > neededMs) return queue
    warnings.push(sayMissed({ count: end - next, of: end, leftMs, neededMs }))
    end = next
    return null
  }
  await runPool(
    () => (waves.areAlarmsRunning() ? MAX_BESIDE_ALARMS : MAX_AT_ONCE),
    () => {
      const queue = takeNext()
      if (!queue) return null
      const nth = next++
      return runInOrder(waves, queue, seats(nth)).then((ended) => {
        runs[nth] = ended
      })
    },
  )
  return endedOf(runs, warnings)
}

function endedOf(runs: readonly RanInOrder[], warnings: string[]): Ended {
  return {
    results: runs.flatMap(({ results }) => results),
    errors: runs.flatMap(({ errors }) => errors),
    warnings,
    facts: runs.flatMap(({ facts }) => facts),
  }
}

/** Starts more, a few in each turn of the event loop, while fewer than `limit` run; until nothing runs and none is left. */
function runPool(limit: () => number, start: () => Promise<void> | null): Promise<void> {
  let running = 0
  return new Promise((resolve, reject) => {
    const fill = (): void => {
      for (let started = 0; running < limit(); started++) {
        if (started === STARTS_PER_TURN) {
          setImmediate(fill)
          return
        }
        const begun = start()
        if (!begun) break
        running += 1
        begun.then(() => {
          running -= 1
          fill()
        }, reject)
      }
      if (running === 0) resolve()
    }
    fill()
  })
}

/** Starts so many, a few in each turn of the event loop, and waits for all. */
async function startAll<T>(count: number, start: (nth: number) => Promise<T>): Promise<T[]> {
  const started: Promise<T>[] = []
  for (let nth = 0; nth < count; nth++) {
    if (nth > 0 && nth % STARTS_PER_TURN === 0) await nextTurn()
    started.push(start(nth))
  }
  return Promise.all(started)
}

/** Each 100 in a row take their seats together, when the first of them runs, and find those who want the same. */
function seatsOf({ metricEvent }: Waves, count: number): (nth: number) => Participant {
  let seats: Participant[] = []
  let from = 0
  return (nth) => {
    if (seats.length === 0 || nth >= from + seats.length) {
      from = nth
      const event = metricEvent()
      seats = Array.from({ length: Math.min(MAX_AT_ONCE, count - nth) }, () => event.seat())
    }
    return seats[nth - from] as Participant
  }
}

function rotated(queues: readonly Queue[], scheduledAt: number): Queue[] {
  const start = Math.floor((((scheduledAt / MINUTE_MS) * GOLDEN) % 1) * queues.length)
  return [...queues.slice(start), ...queues.slice(0, start)]
}

/** With less time left a run could read and decide, but neither buy nor record. */
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
  return `the tick did not reach ${count} of ${of} supernodes: ${seconds(leftMs)} s were left, and a run may take ${seconds(neededMs)} s. The next tick starts elsewhere. To reach all, raise the function's timeout, or split the tick with "shard": "i/n"`
}

type RanInOrder = Pick<Ended, "results" | "errors" | "facts">

async function runInOrder(
  { ports, takeResult }: Waves,
  { tasks }: Queue,
  seat: Participant,
): Promise<RanInOrder> {
  const own = { ...ports, cloud: { ...ports.cloud, readMetrics: seat.read } }
  const ended: RanInOrder = { results: [], errors: [], facts: [] }
  for (const task of tasks) {
    const watched = watchRun(own, task)
    let result: RunResult | null = null
    try {
      result = await run(watched.ports, task)
      if (takeResult) takeResult(result)
      else ended.results.push(result)
    } catch (error) {
      ended.errors.push(error)
    } finally {
      seat.leave()
    }
    if (task.mode !== "dry-run") ended.facts.push(watched.facts(result))
  }
  return ended
}
