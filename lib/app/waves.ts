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
  /** The supernodes of one wave ask the meters together. */
  metricEvent(): MetricEvent
}

/** All at once, each supernode independently of the others. */
export async function runTogether({ ports, metricEvent }: Waves, queues: readonly Queue[]): Promise<Ended> {
  const metrics = metricEvent()
  // All take their seats before the first one runs, so that each finds those who want the same.
  const seated = queues.map((queue) => ({ queue, seat: metrics.seat() }))
  const ended = await Promise.all(seated.map(({ queue, seat }) => runInOrder(ports, queue, seat)))
  return {
    results: ended.flatMap((one) => one.results),
    errors: ended.flatMap((one) => one.errors),
    warnings: [],
    facts: ended.flatMap((one) => one.facts),
  }
}

/**
 * A tick's supernodes, at most 100 at a time. No wave but the first starts without the time that one run may take; the
 * warning counts what was not reached. The scheduled time says where it starts, so that the next tick reaches others.
 */
export async function runTick(waves: Waves, queues: readonly Queue[], scheduledAt: number): Promise<Ended> {
  const ordered = queues.length > MAX_AT_ONCE ? rotated(queues, scheduledAt) : queues
  const ended: Ended = { results: [], errors: [], warnings: [], facts: [] }
  for (let from = 0; from < ordered.length; from += MAX_AT_ONCE) {
    const wave = ordered.slice(from, from + MAX_AT_ONCE)
    const neededMs = Math.max(...wave.map(({ tasks: [task] }) => timeToRun(task)))
    const leftMs = waves.ports.timeLeftMs()
    if (from > 0 && leftMs <= neededMs) {
      const missed = { count: ordered.length - from, of: ordered.length, leftMs, neededMs }
      ended.warnings.push(sayMissed(missed))
      break
    }
    const { results, errors, facts } = await runTogether(waves, wave)
    ended.results.push(...results)
    ended.errors.push(...errors)
    ended.facts.push(...facts)
  }
  return ended
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

async function runInOrder(ports: Ports, { tasks }: Queue, seat: Participant): Promise<RanInOrder> {
  const own = { ...ports, cloud: { ...ports.cloud, readMetrics: seat.read } }
  const ended: RanInOrder = { results: [], errors: [], facts: [] }
  for (const task of tasks) {
    const watched = watchRun(own, task)
    let result: RunResult | null = null
    try {
      result = await run(watched.ports, task)
      ended.results.push(result)
    } catch (error) {
      ended.errors.push(error)
    } finally {
      seat.leave()
    }
    if (task.mode !== "dry-run") ended.facts.push(watched.facts(result))
  }
  return ended
}
