import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decide } from "../../../lib/decision/decide.ts"
import { newestPeriods } from "../../../lib/decision/inputs/reading.ts"
import { digest } from "../../../lib/digest.ts"
import type {
  CloudWatchMetric,
  CloudWatchQuery,
  CloudWatchSeries,
  MetricSources,
} from "../../../lib/metrics/sources.ts"
import type { Read } from "../../../lib/ports.ts"
import {
  alarmOf,
  MINUTE,
  NOW,
  policyOf,
  type RuleInput,
  read,
  ruleInput,
  serverOf,
  serversOf,
  situationOf,
  supernodeOf,
} from "../../decision/builders.ts"
import { readMetrics } from "../read-alone.ts"

type CloudWatchInput = NonNullable<RuleInput["metric"]["cloudwatch"]>

const notAsked = () => Promise.reject(new Error("must not be asked"))

function ruleOf(source: Partial<CloudWatchInput> = {}, over: Partial<RuleInput> = {}): RuleInput {
  const cloudwatch: CloudWatchInput = { namespace: "App", name: "queue", period: "5m", ...source }
  return ruleInput({ metric: { cloudwatch, lag: "1m" }, ...over })
}

/** A CloudWatch with one value per aligned period. It records its queries and can respond otherwise. */
class FakeCloudWatch implements MetricSources {
  readonly queries: CloudWatchQuery[] = []
  readonly cloudEye = notAsked
  readonly cloudEyeList = notAsked
  readonly prometheus = notAsked
  valueAt: (metric: CloudWatchMetric, at: number) => number = () => 97
  alter: (series: CloudWatchSeries, metric: CloudWatchMetric) => CloudWatchSeries = (series) => series
  refuse: (query: CloudWatchQuery) => Read<never> | null = () => null

  readonly cloudwatch = async (query: CloudWatchQuery): Promise<Read<CloudWatchSeries[]>> => {
    this.queries.push(query)
    const refused = this.refuse(query)
    if (refused) return refused
    const value = query.metrics.map((metric) => {
      const points = []
      for (let at = query.from; at < query.to; at += metric.periodMs)
        points.push({ at, value: this.valueAt(metric, at) })
      return this.alter({ points, problem: null, credentials: false }, metric)
    })
    return { ok: true, value, skewMs: null }
  }
}

const questionOf = (rules: RuleInput[], servers = serversOf(2)) => ({
  policy: policyOf({ rules }),
  supernode: supernodeOf({ servers }),
  signal: alarmOf(),
  now: NOW,
})

const FRANKFURT = { awsRegion: "eu-central-1" }
const NEWEST = Date.parse("2024-01-12T16:50:00Z")
const STARTS = [4, 3, 2, 1, 0].map((back) => NEWEST - back * 5 * MINUTE)

describe("a rule whose evidence is CloudWatch's", () => {
  it("a CloudWatch rule reads one series for the supernode, with exactly the N newest ended periods", async () => {
    const fake = new FakeCloudWatch()
    const readings = await readMetrics(questionOf([ruleOf()]), fake, FRANKFURT)
    expect(readings).toEqual([
      {
        rule: "npu-busy",
        periodMs: 5 * MINUTE,
        series: [{ server: null, points: STARTS.map((at) => ({ at, value: 97 })) }],
        problem: null,
      },
    ])
    expect(fake.queries).toEqual([
      {
        region: "eu-central-1",
        from: STARTS[0],
        to: NEWEST + 5 * MINUTE,
        metrics: [
          { namespace: "App", name: "queue", dimensions: [], statistic: "Average", periodMs: 5 * MINUTE },
        ],
      },
    ])
  })

  it("a CloudWatch rule reads one series per server if its dimensions name servers", async () => {
    const fake = new FakeCloudWatch()
    const servers = [serverOf("s1"), serverOf("s2", { name: null }), serverOf("s3", { status: "DELETED" })]
    const rule = ruleOf({ dimensions: { host: "{server.name}", cluster: "train" } })
    const [reading] = await readMetrics(questionOf([rule], servers), fake, FRANKFURT)
    expect(reading?.series.map(({ server }) => server)).toEqual(["s1"])
    expect(reading?.problem).toBe(
      "server s2: the cloud returned no server.name, so CloudWatch cannot be queried",
    )
    expect(fake.queries[0]?.metrics[0]?.dimensions).toEqual([
      { name: "host", value: "train-a-s1" },
      { name: "cluster", value: "train" },
    ])
  })

  it.each([
    ["average", "Average"],
    ["max", "Maximum"],
    ["min", "Minimum"],
    ["sum", "Sum"],
    ["p99.9", "p99.9"],
  ])("a CloudWatch rule with the statistic %s requests %s", async (statistic, asked) => {
    const fake = new FakeCloudWatch()
    await readMetrics(questionOf([ruleOf({ statistic })]), fake, FRANKFURT)
    expect(fake.queries[0]?.metrics[0]?.statistic).toBe(asked)
  })

  it("the region of a CloudWatch rule takes precedence over AWS_REGION", async () => {
    const fake = new FakeCloudWatch()
    await readMetrics(questionOf([ruleOf({ region: "eu-west-1" })]), fake, FRANKFURT)
    expect(fake.queries.map(({ region }) => region)).toEqual(["eu-west-1"])
  })

  it("a CloudWatch rule without a region sends no request and says which key to write", async () => {
    const [reading] = await readMetrics(questionOf([ruleOf()]), new FakeCloudWatch())
    expect(reading).toMatchObject({
      series: [],
      problem: "CloudWatch was not queried: write `region` in the rule's cloudwatch, or set AWS_REGION",
      unasked: true,
    })
  })

  it("a CloudWatch metric keeps its points if another metric in the request may be incomplete", async () => {
    const fake = new FakeCloudWatch()
    const problem = "CloudWatch returned PartialData for the series"
    fake.alter = (series, { name }) =>
      name === "queue" ? { points: [], problem, credentials: false } : series
    const rules = [ruleOf(), ruleOf({ name: "other" }, { name: "other" })]
    const [first, second] = await readMetrics(questionOf(rules), fake, FRANKFURT)
    expect(first).toMatchObject({ series: [], problem, unasked: true })
    expect(second).toMatchObject({ problem: null, series: [{ server: null }] })
    expect(fake.queries).toHaveLength(1)
  })

  it("the metric that makes CloudWatch refuse a request is found, and other metrics keep their data", async () => {
    const fake = new FakeCloudWatch()
    fake.refuse = ({ metrics }) =>
      metrics.some(({ namespace }) => namespace === ":bad")
        ? { ok: false, why: "InvalidParameterValue", credentials: false, refused: true }
        : null
    const rules = [
      ruleOf(),
      ruleOf({ namespace: ":bad" }, { name: "bad" }),
      ruleOf({ name: "b" }, { name: "b" }),
    ]
    const readings = await readMetrics(questionOf(rules), fake, FRANKFURT)
    expect(readings.map(({ problem }) => problem)).toEqual([
      null,
      "CloudWatch could not be read: InvalidParameterValue",
      null,
    ])
  })
})

it("a metrics problem names at most eight servers, so that a source with many problems does not fill the ledger", async () => {
  const fake = new FakeCloudWatch()
  fake.alter = (series, { dimensions }) => ({ ...series, problem: `${dimensions[0]?.value} is unwell` })
  const rule = ruleOf({ dimensions: { host: "{server.id}" } })
  const [reading] = await readMetrics(questionOf([rule], serversOf(48)), fake, FRANKFURT)
  expect(reading?.problem).toMatch(/^server s1: s1 is unwell; .*; server s8: s8 is unwell; 40 more problems$/)
})

describe("CloudWatch rules with missing: breaching", () => {
  const silent = [ruleOf({}, { missing: "breaching" })]
  it.each<[string, (fake: FakeCloudWatch) => void, string, string | null]>([
    ["buys without a datapoint", (fake) => (fake.alter = (s) => ({ ...s, points: [] })), "scale-up", null],
    [
      "holds with a part of the data",
      (fake) => (fake.alter = (s) => ({ ...s, points: [], problem: "PartialData" })),
      "hold",
      "missing-data",
    ],
    [
      "holds if CloudWatch forbids the metric",
      (fake) => (fake.alter = () => ({ points: [], problem: "Forbidden", credentials: true })),
      "hold",
      "credentials",
    ],
    [
      "holds if CloudWatch refuses the request",
      (fake) => (fake.refuse = () => ({ ok: false, why: "bad", credentials: false, refused: true })),
      "hold",
      "missing-data",
    ],
  ])("a CloudWatch rule with missing: breaching %s", async (_, change, kind, heldBy) => {
    const fake = new FakeCloudWatch()
    change(fake)
    const question = questionOf(silent)
    const readings = await readMetrics(question, fake, FRANKFURT)
    expect(decide(situationOf({ policy: question.policy, readings: read(readings) }), digest)).toMatchObject({
      kind,
      heldBy,
    })
  })
})

describe("whatever the rules, periods and servers", () => {
  const anyRule = fc.record({
    name: fc.constantFrom("a", "b", "c"),
    period: fc.constantFrom("1m", "5m", "7m", "1h", "1d"),
    n: fc.integer({ min: 1, max: 100 }),
    lag: fc.constantFrom("0s", "1m", "17m", "6h", "30d"),
    region: fc.constantFrom("eu-central-1", "eu-west-1"),
    isPerServer: fc.boolean(),
  })

  it("each CloudWatch request is aligned and within the limits, and every rule gets all of its points", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyRule, { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 200 }),
        async (shapes, servers) => {
          const rules = shapes.map(({ name, period, n, lag, region, isPerServer }, i) =>
            ruleInput({
              name: `rule-${i}`,
              metric: {
                cloudwatch: {
                  namespace: "App",
                  name,
                  period,
                  region,
                  ...(isPerServer ? { dimensions: { host: "{server.id}" } } : {}),
                },
                lag,
              },
              points: `1 of ${n}`,
            }),
          )
          const fake = new FakeCloudWatch()
          fake.valueAt = (_, at) => at / 1_000
          const question = questionOf(rules, serversOf(servers))
          const readings = await readMetrics(question, fake)
          for (const { metrics, from, to } of fake.queries) {
            expect(metrics.length).toBeLessThanOrEqual(500)
            expect(metrics.every(({ periodMs }) => from % periodMs === 0)).toBe(true)
            const points = metrics.reduce((sum, { periodMs }) => sum + (to - from) / periodMs, 0)
            expect(points).toBeLessThanOrEqual(100_800)
          }
          question.policy.rules.forEach(({ metric, points }, i) => {
            const periodMs = metric.cloudwatch?.period ?? 0
            const starts = newestPeriods({ now: NOW, periodMs, lagMs: metric.lag, count: points.n })
            const expected = starts.toReversed().map((at) => ({ at, value: at / 1_000 }))
            for (const series of readings[i]?.series ?? []) expect(series.points).toEqual(expected)
            expect(readings[i]?.series).toHaveLength(shapes[i]?.isPerServer ? servers : 1)
          })
        },
      ),
      { numRuns: Number(process.env["CLOUDWATCH_RUNS"] ?? 12) },
    )
  })

  it("CloudWatch metrics of several periods share a request if one window serves them all", async () => {
    const fake = new FakeCloudWatch()
    const rules = [
      ruleOf({ period: "1m" }, { name: "one" }),
      ruleOf({ period: "5m" }, { name: "two" }),
      ruleOf({ period: "1h", name: "slow" }, { name: "three" }),
    ]
    await readMetrics(questionOf(rules), fake, FRANKFURT)
    expect(fake.queries.map(({ metrics }) => metrics.length)).toEqual([3])
  })

  it("500 metrics fit into one CloudWatch request, and one more needs a second request", async () => {
    for (const [servers, requests] of [
      [500, 1],
      [501, 2],
    ] as const) {
      const fake = new FakeCloudWatch()
      await readMetrics(
        questionOf([ruleOf({ dimensions: { host: "{server.id}" } })], serversOf(servers)),
        fake,
        FRANKFURT,
      )
      expect(fake.queries).toHaveLength(requests)
    }
  })
})
