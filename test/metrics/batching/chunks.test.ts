import { describe, expect, it } from "vitest"
import type { CloudEyeQuery } from "../../../lib/cloud-eye.ts"
import { type MetricEvent, metricCollector } from "../../../lib/metrics/collector.ts"
import type { After } from "../../../lib/ports.ts"
import { MINUTE, NOW, policyOf, ruleInput, serversOf, supernodeOf, tickOf } from "../../decision/builders.ts"
import { IS_FULL } from "../../full.ts"
import { Random } from "../../world/random.ts"
import { Scheduler } from "../../world/scheduler.ts"
import { FakeCloudEye } from "../cloud-eye/fake-cloud-eye.ts"

// Supernodes of one event in a pool, as a tick runs them, in virtual time: some are slow, hang, hold or die before they ask.

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
  /** From the start of its run until it asks or leaves. */
  readyMs: number
}

interface Ran {
  /** How long each that asked waited for its answer. */
  waitedMs: number[]
  values: (number | undefined)[]
  /** Numbers of the supernodes in each request to Cloud Eye. */
  requests: number[][]
  ended: number
}

/** Cloud Eye answers at once, so that all the time that passes is spent with waiting for others. */
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
  const event = metricCollector(cloudEye, { after }).event()

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
  it(`all get their own answers and wait at most 300 ms for others, in ${SEEDS} courses of events`, async () => {
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
      // Each once, though some ask twice.
      expect(ran.requests.flat().sort((a, b) => a - b)).toEqual(asked)
      if (atOnce < 100) continue
      together.supernodes += asked.length
      together.requests += ran.requests.length
    }
    // It would be no use if most of them were late.
    expect(together.supernodes / together.requests).toBeGreaterThan(5)
  })

  it("that start together and are ready within 300 ms are one request for each 100", async () => {
    const { requests } = await play(
      steady(250, (nth) => nth),
      250,
    )
    expect(requests.map(({ length }) => length)).toEqual([100, 100, 50])
  })

  it("do not wait for one that the pool has not started yet", async () => {
    const { waitedMs } = await play(
      steady(20, () => 10),
      1,
    )
    expect(waitedMs).toEqual(Array(20).fill(0))
  })

  it("leave one behind that hangs: the others are one request, 50 ms after the last of them", async () => {
    const courses = [...steady(99, (nth) => nth), { fate: "hangs", readyMs: 0 } as const]
    const { requests, waitedMs } = await play(courses, 100)
    expect(requests.map(({ length }) => length)).toEqual([99])
    expect(Math.min(...waitedMs)).toBe(50)
  })

  it("ask in four waves where reads are limited to 32 at a time and each takes 200 ms, and none asks alone", async () => {
    const { requests } = await play(
      steady(100, (nth) => 200 * (1 + Math.floor(nth / 32)) + (nth % 32)),
      100,
    )
    expect(requests.map(({ length }) => length)).toEqual([32, 32, 32, 4])
  })
})
