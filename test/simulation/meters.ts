import type { Reading } from "../../lib/decision/inputs/reading.ts"
import { Batch, type BatchMember } from "../../lib/metrics/batching/batch.ts"
import { limiterOf } from "../../lib/metrics/batching/concurrency.ts"
import { type MeterKind, Requests } from "../../lib/metrics/batching/requests.ts"
import type { Cloud, MetricQuery } from "../../lib/ports.ts"
import { travel } from "./cloud.ts"
import type { Process } from "./machine.ts"

// Worlds in which the supernodes of one event read the meters together: a slow one makes others wait, or is
// late.

export const FIRST_TOGETHER = 750

/**
 * Factor of the waits: this cloud's response times vary more, and with real waits few supernodes read
 * together.
 */
const SLOWER = 2

/** True for seeds 750 to 899 of each thousand, so that the other worlds stay the same. */
export function asksTogether(seed: number): boolean {
  const nth = seed % 1_000
  return FIRST_TOGETHER <= nth && nth < 900
}

type Member = BatchMember<MetricQuery, Reading[]>

/** The supernodes of one event in one process. Each joins before the first of them runs. */
export function eventOf(process: Process): Batch<MetricQuery, Reading[]> {
  const { world } = process.machine
  const kind: MeterKind<MetricQuery, Reading[]> = {
    periodMs: () => 1,
    // Questions at different times have different periods.
    keyOf: ({ policy, now }) => `${policy.id} ${now}`,
    placeOf: () => "meters",
    maxPeriods: 1,
    pack: (asked) => (asked.length > 0 ? [[...asked]] : []),
    ask: (together) =>
      process.ask("readMetrics", {
        ...travel(world),
        effect: () => ({
          ok: true as const,
          value: together.map(({ series }) => world.supernodeOf(series.policy.id).readings(series)),
          skewMs: null,
        }),
      }),
  }
  return new Batch(new Requests(kind, limiterOf()), (ms, call) => {
    let isOff = false
    process.later(ms * SLOWER, () => (isOff ? undefined : call()))
    return () => {
      isOff = true
    }
  })
}

export function readTogether(member: Member): Cloud["readMetrics"] {
  return async (question) => {
    const [[answer] = []] = await member.ask([{ series: question, starts: [0] }])
    if (!answer?.read.ok) throw new Error("the meters answered another question")
    return answer.read.value ?? []
  }
}
