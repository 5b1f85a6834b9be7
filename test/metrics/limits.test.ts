import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import type { CloudEyeQuery } from "../../lib/cloud-eye.ts"
import { newestPeriods } from "../../lib/decision/inputs/reading.ts"
import { alarmOf, NOW, policyOf, type RuleInput, serverOf, supernodeOf } from "../decision/builders.ts"
import { FakeCloudEye } from "./cloud-eye/fake-cloud-eye.ts"
import { readMetrics } from "./read-alone.ts"

/** Longest documented span in hours, by period in seconds; that of 60 s is assumed to be that of raw data. */
const SPAN_HOURS: Record<string, number> = { 60: 4, 300: 24, 1200: 72, 3600: 240, 14400: 720, 86400: 4320 }

const ruleShape = fc.record({
  name: fc.constantFrom("npu_util_rate_ai_core", "npu_util_rate_mem", "cpu_usage"),
  period: fc.constantFrom("1m", "5m", "20m", "1h", "4h", "1d"),
  statistic: fc.constantFrom("average" as const, "max" as const),
  n: fc.integer({ min: 1, max: 100 }),
  lag: fc.constantFrom("0s", "1m", "17m", "90m", "6h", "30d"),
  dimensions: fc.constantFrom<Record<string, string>>(
    { instance_id: "{server.cloud_server.hps_ecs_id}" },
    { cluster: "train" },
    // Long names: the body's size becomes the tightest limit.
    { a: "{server.name}", b: "{server.name}", c: "{server.name}", d: "{server.name}" },
  ),
})

type RuleShape = typeof ruleShape extends fc.Arbitrary<infer T> ? T : never

function ruleOf({ name, period, statistic, n, lag, dimensions }: RuleShape, i: number): RuleInput {
  return {
    name: `rule-${i}`,
    metric: { "cloud-eye": { namespace: "AGT.ECS", name, period, statistic, dimensions }, lag },
    above: 85,
    points: `1 of ${n}`,
  }
}

interface Shape {
  shapes: RuleShape[]
  servers: number
  nameLength: number
  now: number
}

function questionOf({ shapes, servers, nameLength, now }: Shape) {
  // Three bytes per character: the longest names are near the size limit of a single metric.
  const named = (i: number) => serverOf(`s${i}`, { name: `${i}-${"名".repeat(nameLength)}` })
  return {
    policy: policyOf({ rules: shapes.map(ruleOf) }),
    supernode: supernodeOf({ servers: Array.from({ length: servers }, (_, i) => named(i)) }),
    signal: alarmOf(),
    now,
  }
}

function periodMs(query: CloudEyeQuery): number {
  return Number(query.period) * 1_000
}

describe("whatever the number of servers, rules, periods and points", () => {
  const anyShape = fc.record({
    shapes: fc.array(ruleShape, { minLength: 1, maxLength: 5 }),
    servers: fc.oneof(
      { weight: 9, arbitrary: fc.integer({ min: 0, max: 60 }) },
      { weight: 1, arbitrary: fc.constant(501) },
    ),
    nameLength: fc.constantFrom(1, 200, 1_200),
    now: fc.integer({ min: NOW, max: NOW + 40 * 86_400_000 }),
  })

  it("every request stays within Cloud Eye's limits", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, async (shape) => {
        const question = questionOf(shape)
        const fake = new FakeCloudEye()
        await readMetrics(question, fake)
        for (const query of fake.queries) {
          const span = query.to - query.from
          expect(query.metrics.length).toBeGreaterThan(0)
          expect(query.metrics.length).toBeLessThanOrEqual(500)
          // One more than (to - from) / period: both ends may count.
          expect(query.metrics.length * (span / periodMs(query) + 1)).toBeLessThanOrEqual(3_000)
          expect(Buffer.byteLength(JSON.stringify(query))).toBeLessThanOrEqual(512_000)
          expect(span).toBeLessThanOrEqual((SPAN_HOURS[query.period] ?? 0) * 3_600_000)
          expect(query.from % periodMs(query)).toBe(0)
          expect(query.to).toBeLessThanOrEqual(question.now)
        }
        expect(fake.mostInFlight).toBeLessThanOrEqual(4)
      }),
      { numRuns: 40 },
    )
  })

  it("every wanted point of every series is requested from Cloud Eye exactly once, and no other point", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, async (shape) => {
        const question = questionOf(shape)
        const fake = new FakeCloudEye()
        await readMetrics(question, fake)
        const asked = fake.queries.flatMap((query) =>
          query.metrics.flatMap((metric) => {
            const inner: string[] = []
            for (let at = query.from + periodMs(query); at < query.to; at += periodMs(query)) {
              inner.push(
                `${query.period} ${query.filter} ${metric.metric_name} ${metric.dimensions[0]?.name} ${metric.dimensions[0]?.value.slice(0, 20)} ${at}`,
              )
            }
            return inner
          }),
        )
        const distinct = new Set(asked)
        expect(asked.length).toBe(distinct.size)
        const wanted = new Set(question.policy.rules.flatMap((rule) => wantedPoints(rule, question)))
        expect(distinct.size).toBe(wanted.size)
        expect([...wanted].filter((point) => !distinct.has(point))).toEqual([])
      }),
      { numRuns: 40 },
    )
  })

  it("every Cloud Eye rule gets all its points of every server, each with the value of its own period", async () => {
    await fc.assert(
      fc.asyncProperty(anyShape, async (shape) => {
        const question = questionOf(shape)
        const fake = new FakeCloudEye()
        fake.valueAt = (_, at) => at / 1_000
        const readings = await readMetrics(question, fake)
        question.policy.rules.forEach((rule, i) => {
          const source = rule.metric["cloud-eye"]
          const starts = newestPeriods({
            now: question.now,
            periodMs: source?.period ?? 0,
            lagMs: rule.metric.lag,
            count: rule.points.n,
          })
          const points = starts.toReversed().map((at) => ({ at, value: at / 1_000 }))
          for (const series of readings[i]?.series ?? []) expect(series.points).toEqual(points)
        })
      }),
      { numRuns: 40 },
    )
  })

  it("a Cloud Eye request is as large as the limits allow: 48 servers with 61 points each need one request", async () => {
    const fake = new FakeCloudEye()
    const rules = [
      ruleOf(
        {
          name: "cpu_usage",
          period: "1m",
          statistic: "max",
          n: 60,
          lag: "1m",
          dimensions: { i: "{server.id}" },
        },
        0,
      ),
    ]
    const servers = Array.from({ length: 48 }, (_, i) => serverOf(`s${i}`))
    await readMetrics(
      { policy: policyOf({ rules }), supernode: supernodeOf({ servers }), signal: alarmOf(), now: NOW },
      fake,
    )
    expect(fake.queries.map(({ metrics }) => metrics.length)).toEqual([48])
  })
})

function wantedPoints(
  rule: ReturnType<typeof policyOf>["rules"][number],
  { supernode, now }: { supernode: ReturnType<typeof supernodeOf>; now: number },
): string[] {
  const source = rule.metric["cloud-eye"]
  if (!source) return []
  const starts = newestPeriods({ now, periodMs: source.period, lagMs: rule.metric.lag, count: rule.points.n })
  const [[dimension = "", template = ""] = []] = Object.entries(source.dimensions)
  const values = template.startsWith("{")
    ? (supernode.servers ?? []).flatMap(
        ({ name, cloudServer }) => (template === "{server.name}" ? name : cloudServer.hpsEcsId) ?? [],
      )
    : [template]
  return values.flatMap((value) =>
    starts.map(
      (at) =>
        `${source.period / 1_000} ${source.statistic} ${source.name} ${dimension} ${value.slice(0, 20)} ${at}`,
    ),
  )
}
