import { describe, expect, it } from "vitest"
import type { CloudEyeQuery } from "../../../lib/cloud-eye.ts"
import { type MetricEvent, metricCollector } from "../../../lib/metrics/collector.ts"
import type { After } from "../../../lib/ports.ts"
import { MINUTE, NOW, policyOf, ruleInput, serversOf, supernodeOf, tickOf } from "../../decision/builders.ts"
import { IS_FULL } from "../../full.ts"
import { Random } from "../../world/random.ts"
import { Scheduler } from "../../world/scheduler.ts"
import { FakeCloudEye } from "../cloud-eye/fake-cloud-eye.ts"

// Runs the supernodes of one event in a pool, as a tick does, in virtual time. Some are slow, hang, or leave
// before they read.

const SEEDS = IS_FULL ? 200 : 10
const SECOND = 1_000
const rule = ruleInput({
  metric: {
    "cloud-eye": {
      namespace: "AGT.ECS",
      name: "npu_util_rate_ai_core",
      period: "5m",
      dimensions: { supernode: "{supernode.id}" },
    },
  },
})
const POLICY = policyOf({ rules: [rule] })
const SERVERS = serversOf(1)
const idOf = (nth: number) => `b4beacb6-4380-448c-a218-${String(nth).padStart(12, "0")}`

type Fate = "reads" | "reads twice" | "leaves" | "hangs"

interface Course {
  fate: Fate
  /** Time from the start of the run until it reads or leaves. */
  readyMs: number
}

interface Ran {
  /** Time that each read took. */
  waitedMs: number[]
  values: (number | undefined)[]
  /** Numbers of the supernodes in each request to Cloud Eye. */
  requests: number[][]
  ended: number
}

/** Cloud Eye responds at once, so all the time that passes is spent waiting for other supernodes. */
async function play(courses: readonly Course[], atOnce: number): Promise<Ran> {
  const scheduler = new Scheduler(NOW)
  const after: After = (ms, call) => {
    let isOff = false
    scheduler.after(ms, () => (isOff ? undefined : call()))
    return () => {
      isOff = true
    }
  }
  const ran: Ran = { waitedMs: [], values: [], requests: [], ended: 0 }
  const cloudEye = new FakeCloudEye()
  cloudEye.valueAt = ({ dimensions }) => Number(dimensions[0]?.value.slice(-12))
  cloudEye.takeTime = async () => undefined
  const event = metricCollector(cloudEye, { after, monotonic: () => scheduler.now }).event()

  let next = 0
  const startMore = (room: number): void => {
    const taken = courses.slice(next, next + room).map((course, i) => prepare(next + i, course, event))
    next += taken.length
    for (const start of taken) start()
  }
  const prepare = (nth: number, { fate, readyMs }: Course, from: MetricEvent) => {
    const participant = from.join()
    const end = (): void => {
      participant.leave()
      ran.ended += 1
      startMore(1)
    }
    const ask = async (): Promise<void> => {
      const question = {
        policy: POLICY,
        supernode: supernodeOf({ id: idOf(nth), servers: SERVERS }),
        signal: tickOf(),
      }
      const readyAt = scheduler.now
      const [reading] = await participant.read({ ...question, now: NOW })
      ran.waitedMs.push(scheduler.now - readyAt)
      ran.values.push(reading?.series[0]?.points.at(-1)?.value === nth ? undefined : nth)
    }
    return () =>
      scheduler.after(fate === "hangs" ? 12 * SECOND : readyMs, () => {
        if (fate === "leaves" || fate === "hangs") return end()
        void ask()
          .then(() => (fate === "reads twice" ? ask() : undefined))
          .then(end)
      })
  }
  startMore(atOnce)
  await scheduler.runUntil(NOW + 60 * MINUTE, () => ran.ended === courses.length)
  ran.requests = cloudEye.queries.map(numbersIn)
  return ran
}

function numbersIn({ metrics }: CloudEyeQuery): number[] {
  return metrics.map(({ dimensions }) => Number(dimensions[0]?.value.slice(-12)))
}

function drawCourse(random: Random): Course {
  const fate = random.weighted<Fate>([
    [8, "reads"],
    [1, "reads twice"],
    [1, "leaves"],
    [0.3, "hangs"],
  ])
  return { fate, readyMs: random.chance(0.1) ? random.spread(100, 5_000) : random.spread(5, 200) }
}

const steady = (count: number, readyMs: (nth: number) => number): Course[] =>
  Array.from({ length: count }, (_, nth) => ({ fate: "reads", readyMs: readyMs(nth) }))

describe("supernodes in a pool", () => {
  it(`supernodes that run at once get their own readings and wait at most 300 ms for others, in ${SEEDS} random runs`, async () => {
    const together = { supernodes: 0, requests: 0 }
    for (let seed = 1; seed <= SEEDS; seed++) {
      const random = new Random(seed)
      const courses = Array.from({ length: random.whole(1, 250) }, () => drawCourse(random))
      const atOnce = random.pick([1, 8, 100])
      const ran = await play(courses, atOnce)
      const asked = courses.flatMap(({ fate }, nth) => (fate.startsWith("reads") ? [nth] : []))
      expect(ran.ended, `seed ${seed}`).toBe(courses.length)
      expect(Math.max(0, ...ran.waitedMs), `seed ${seed}`).toBeLessThanOrEqual(300)
      expect(ran.values.filter((one) => one !== undefined)).toEqual([])
      // Each supernode is requested once, though some read twice.
      expect(ran.requests.flat().sort((a, b) => a - b)).toEqual(asked)
      if (atOnce < 100) continue
      together.supernodes += asked.length
      together.requests += ran.requests.length
    }
    // Batches would be useless if most supernodes were late.
    expect(together.supernodes / together.requests).toBeGreaterThan(5)
  })

  it("supernodes that start together and are ready within 300 ms share metrics requests in groups of 100", async () => {
    const { requests } = await play(
      steady(250, (nth) => nth),
      250,
    )
    expect(requests.map(({ length }) => length)).toEqual([100, 100, 50])
  })

  it("supernodes do not wait with metrics requests for a supernode that the pool has not started yet", async () => {
    const { waitedMs } = await play(
      steady(20, () => 10),
      1,
    )
    expect(waitedMs).toEqual(Array(20).fill(0))
  })

  it("a hanging supernode does not delay the metrics request that the other supernodes share", async () => {
    const courses = [...steady(99, (nth) => nth), { fate: "hangs", readyMs: 0 } as const]
    const { requests, waitedMs } = await play(courses, 100)
    expect(requests.map(({ length }) => length)).toEqual([99])
    expect(Math.min(...waitedMs)).toBe(20)
  })

  it("100 supernodes that get ready in waves of 32 every 30 ms share one metrics request", async () => {
    const { requests } = await play(
      steady(100, (nth) => 30 * (1 + Math.floor(nth / 32))),
      100,
    )
    expect(requests.map(({ length }) => length)).toEqual([100])
  })

  it("100 supernodes that get ready in waves of 32 every 200 ms share one metrics request per wave", async () => {
    const { requests } = await play(
      steady(100, (nth) => 200 * (1 + Math.floor(nth / 32)) + (nth % 32)),
      100,
    )
    expect(requests.map(({ length }) => length)).toEqual([32, 32, 32, 4])
  })
})
