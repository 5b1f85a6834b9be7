import { describe, expect, it } from "vitest"
import type { CloudEyeSeries } from "../../lib/cloud-eye.ts"
import {
  alarmOf,
  MINUTE,
  NOW,
  type PolicyInput,
  policyOf,
  type RuleInput,
  ruleInput,
  serverOf,
  serversOf,
  supernodeOf,
} from "../decision/builders.ts"
import { FakeCloudEye } from "./cloud-eye/fake-cloud-eye.ts"
import { readMetrics } from "./read-alone.ts"

const PERIOD = 5 * MINUTE
/** 17:00 minus a lag of one minute: the newest period that has ended began at 16:50. */
const NEWEST = Date.parse("2024-01-12T16:50:00Z")
const STARTS = [4, 3, 2, 1, 0].map((back) => NEWEST - back * PERIOD)
const FIVE_AT_97 = STARTS.map((at) => ({ at, value: 97 }))

type CloudEyeInput = NonNullable<RuleInput["metric"]["cloud-eye"]>

function cloudEyeRule(over: Partial<RuleInput>, source: Partial<CloudEyeInput> = {}): RuleInput {
  const metric = {
    "cloud-eye": { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "5m", ...source },
  }
  return ruleInput({ metric, ...over })
}

function question(policy: Partial<PolicyInput> = {}, servers = serversOf(2)) {
  return { policy: policyOf(policy), supernode: supernodeOf({ servers }), signal: alarmOf(), now: NOW }
}

describe("a rule whose evidence is Cloud Eye's", () => {
  it("a Cloud Eye rule reads exactly the N newest ended periods of each present server, oldest first", async () => {
    const readings = await readMetrics(question(), new FakeCloudEye())
    expect(readings).toEqual([
      {
        rule: "npu-busy",
        periodMs: PERIOD,
        series: [
          { server: "s1", points: FIVE_AT_97 },
          { server: "s2", points: FIVE_AT_97 },
        ],
        problem: null,
      },
    ])
  })

  it("a Cloud Eye rule sends one request, which begins one whole period before the oldest needed one", async () => {
    const fake = new FakeCloudEye()
    await readMetrics(question(), fake)
    expect(fake.queries).toEqual([
      {
        metrics: ["ecs-s1", "ecs-s2"].map((value) => ({
          namespace: "AGT.ECS",
          metric_name: "npu_util_rate_ai_core",
          dimensions: [{ name: "instance_id", value }],
        })),
        from: NEWEST - 5 * PERIOD,
        to: NEWEST + PERIOD,
        period: "300",
        filter: "average",
      },
    ])
  })

  it("a Cloud Eye rule reads nothing of DELETED servers", async () => {
    const servers = [serverOf("s1"), serverOf("s2", { status: "DELETED" })]
    const [reading] = await readMetrics(question({}, servers), new FakeCloudEye())
    expect(reading?.series.map(({ server }) => server)).toEqual(["s1"])
    expect(reading?.problem).toBeNull()
  })

  it("a Cloud Eye rule reads one series for the supernode if its dimensions name no server", async () => {
    const fake = new FakeCloudEye()
    const rule = cloudEyeRule({}, { dimensions: { supernode: "{supernode.id}", cluster: "train" } })
    const [reading] = await readMetrics(question({ rules: [rule] }), fake)
    expect(reading?.series).toEqual([{ server: null, points: FIVE_AT_97 }])
    expect(fake.queries[0]?.metrics[0]?.dimensions).toEqual([
      { name: "supernode", value: "b4beacb6-4380-448c-a218-daa82cf03f5d" },
      { name: "cluster", value: "train" },
    ])
  })

  it.each([
    ["{server.id}", "s1"],
    ["{server.name}", "train-a-s1"],
    ["{server.cloud_server.id}", "cs-s1"],
    ["{server.cloud_server.hps_id}", "hps-s1"],
    ["{server.cloud_server.hps_ecs_id}", "ecs-s1"],
    ["{supernode.id}/{server.id}", "b4beacb6-4380-448c-a218-daa82cf03f5d/s1"],
  ])("fills the dimension template %s with %s", async (template, value) => {
    const fake = new FakeCloudEye()
    await readMetrics(
      question({ rules: [cloudEyeRule({}, { dimensions: { d: template } })] }, serversOf(1)),
      fake,
    )
    expect(fake.queries[0]?.metrics[0]?.dimensions).toEqual([{ name: "d", value }])
  })

  it("nothing in a server's name is taken for a template or a replacement pattern", async () => {
    const fake = new FakeCloudEye()
    const servers = [serverOf("s1", { name: "$& {server.id} $1" })]
    await readMetrics(
      question({ rules: [cloudEyeRule({}, { dimensions: { d: "{server.name}" } })] }, servers),
      fake,
    )
    expect(fake.queries[0]?.metrics[0]?.dimensions).toEqual([{ name: "d", value: "$& {server.id} $1" }])
  })

  it("a Cloud Eye rule leaves out servers without an id, and names them", async () => {
    const servers = [
      serverOf("s1"),
      serverOf("s2", { cloudServer: { id: "cs", hpsId: "hps", hpsEcsId: null } }),
    ]
    const [reading] = await readMetrics(question({}, servers), new FakeCloudEye())
    expect(reading?.series).toEqual([{ server: "s1", points: FIVE_AT_97 }])
    expect(reading?.problem).toBe(
      "server s2: the cloud returned no server.cloud_server.hps_ecs_id, so Cloud Eye cannot be queried",
    )
  })

  it.each([
    ["an empty list", []],
    ["no list", null],
  ])(
    "a Cloud Eye rule has no data and sends no request if the supernode has %s of servers",
    async (_, servers) => {
      const fake = new FakeCloudEye()
      const asked = { ...question(), supernode: supernodeOf({ servers }) }
      const [reading] = await readMetrics(asked, fake)
      expect(reading).toMatchObject({ series: [], problem: "the supernode has no servers to measure" })
      expect(fake.queries).toEqual([])
    },
  )

  it("a Cloud Eye rule does not request a metric whose name alone would fill a request", async () => {
    const fake = new FakeCloudEye()
    const servers = [serverOf("s1", { name: "x".repeat(20_000) }), serverOf("s2")]
    const [reading] = await readMetrics(
      question({ rules: [cloudEyeRule({}, { dimensions: { d: "{server.name}" } })] }, servers),
      fake,
    )
    expect(reading?.series.map(({ server }) => server)).toEqual(["s2"])
    expect(reading?.problem).toMatch(/^server s1: .* too many for a request$/)
  })
})

describe("the response of Cloud Eye", () => {
  const rules = [
    cloudEyeRule({}, { dimensions: { instance_id: "{server.cloud_server.hps_ecs_id}", npu: "0" } }),
  ]

  async function readAltered(alter: (series: CloudEyeSeries) => CloudEyeSeries[]) {
    const fake = new FakeCloudEye()
    fake.alter = alter
    const [reading] = await readMetrics(question({ rules }, serversOf(1)), fake)
    return reading
  }
  const [, secondStart = 0] = STARTS

  it.each<[string, (series: CloudEyeSeries) => CloudEyeSeries[]]>([
    ["points in another order", (s) => [{ ...s, points: s.points.toReversed() }]],
    ["the same points twice", (s) => [{ ...s, points: [...s.points, ...s.points] }]],
    [
      "the series in two pieces",
      (s) => [
        { ...s, points: s.points.slice(0, 3) },
        { ...s, points: s.points.slice(3) },
      ],
    ],
    ["dimensions in another order", (s) => [{ ...s, dimensions: s.dimensions.toReversed() }]],
    [
      "series that were not requested",
      (s) => [s, { ...s, metricName: "mem", points: [{ at: NEWEST, value: 1 }] }],
    ],
    [
      "points at times between the periods",
      (s) => [{ ...s, points: [...s.points, { at: NEWEST + 1, value: 1 }] }],
    ],
    ["NaN beside a real value", (s) => [{ ...s, points: [...s.points, { at: NEWEST, value: Number.NaN }] }]],
  ])("a Cloud Eye reading does not change if the response has %s", async (_, alter) => {
    expect(await readAltered(alter)).toMatchObject({
      series: [{ server: "s1", points: FIVE_AT_97 }],
      problem: null,
    })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])(
    "a Cloud Eye value of %s is missing, never zero",
    async (value) => {
      const reading = await readAltered((s) => [
        { ...s, points: s.points.map((p) => (p.at === secondStart ? { ...p, value } : p)) },
      ])
      expect(reading?.series[0]?.points).toEqual(FIVE_AT_97.filter(({ at }) => at !== secondStart))
    },
  )

  it("a Cloud Eye period that is reported twice with different values is missing", async () => {
    const reading = await readAltered((s) => [
      { ...s, points: [...s.points, { at: secondStart, value: 12 }] },
    ])
    expect(reading?.series[0]?.points.map(({ at }) => at)).not.toContain(secondStart)
    expect(reading?.series[0]?.points).toHaveLength(4)
  })

  it("a zero of Cloud Eye counts as a value", async () => {
    const reading = await readAltered((s) => [{ ...s, points: s.points.map((p) => ({ ...p, value: 0 })) }])
    expect(reading?.series[0]?.points).toEqual(STARTS.map((at) => ({ at, value: 0 })))
  })

  it("a server that a Cloud Eye response leaves out counts as missing, and is reported as a problem", async () => {
    const reading = await readAltered(() => [])
    expect(reading).toMatchObject({
      series: [],
      problem: "server s1: Cloud Eye's response lacks the series",
    })
  })

  it("a server with an empty Cloud Eye series counts as missing, and is reported as a problem", async () => {
    const reading = await readAltered((s) => [{ ...s, points: [] }])
    expect(reading).toMatchObject({
      series: [{ server: "s1", points: [] }],
      problem: "server s1: Cloud Eye has no usable point in the requested periods",
    })
  })
})

describe("several rules", () => {
  it("rules give their readings in the policy's order, whatever their sources", async () => {
    const rules: RuleInput[] = [
      ruleInput({ name: "alarm-says-so", metric: { alarm: true } }),
      ruleInput({
        name: "queue-long",
        metric: { prometheus: { url: "http://prometheus:9090", query: "q", period: "1m" } },
      }),
      cloudEyeRule({ name: "npu-busy" }),
      ruleInput({ name: "latency", metric: { cloudwatch: { namespace: "App", name: "p99", period: "2m" } } }),
    ]
    const readings = await readMetrics(question({ rules }), new FakeCloudEye())
    expect(readings.map(({ rule, periodMs, problem }) => ({ rule, periodMs, problem }))).toEqual([
      { rule: "alarm-says-so", periodMs: null, problem: "the alarm has no datapoints" },
      { rule: "queue-long", periodMs: MINUTE, problem: "Prometheus could not be read: no such host" },
      { rule: "npu-busy", periodMs: PERIOD, problem: null },
      {
        rule: "latency",
        periodMs: 2 * MINUTE,
        problem: "CloudWatch was not queried: write `region` in the rule's cloudwatch, or set AWS_REGION",
      },
    ])
  })

  it("rules that want the same metric fetch it once, and each keeps only its own periods", async () => {
    const fake = new FakeCloudEye()
    const rules = [
      cloudEyeRule({ name: "short", points: "2 of 3" }),
      cloudEyeRule({ name: "long", points: "3 of 5" }),
    ]
    const [short, long] = await readMetrics(question({ rules }), fake)
    expect(fake.queries).toHaveLength(1)
    expect(fake.queries[0]?.metrics).toHaveLength(2)
    expect(short?.series[0]?.points).toEqual(FIVE_AT_97.slice(2))
    expect(long?.series[0]?.points).toEqual(FIVE_AT_97)
  })

  it("rules share a Cloud Eye request if period, statistic and window are the same", async () => {
    const fake = new FakeCloudEye()
    const rules = [
      cloudEyeRule({ name: "npu" }),
      cloudEyeRule({ name: "mem" }, { name: "npu_util_rate_mem" }),
    ]
    await readMetrics(question({ rules }), fake)
    expect(fake.queries.map(({ metrics }) => metrics.length)).toEqual([4])
  })

  it.each<[string, Partial<CloudEyeInput>]>([
    ["statistic", { statistic: "max" }],
    ["period", { period: "1m" }],
  ])("rules never get Cloud Eye values of another %s", async (_, other) => {
    const fake = new FakeCloudEye()
    fake.refuse = (query) => (query.filter === "average" && query.period === "300" ? null : "HTTP 503")
    const rules = [cloudEyeRule({ name: "one" }), cloudEyeRule({ name: "other" }, other)]
    const [one, two] = await readMetrics(question({ rules }), fake)
    expect(one?.series).toHaveLength(2)
    expect(two?.series).toEqual([])
  })

  it("rules request no Cloud Eye point between two windows that lie far apart", async () => {
    const fake = new FakeCloudEye()
    const rules = [
      cloudEyeRule({ name: "now" }),
      ruleInput({ name: "yesterday", metric: { ...cloudEyeRule({}).metric, lag: "1d" } }),
    ]
    const [now, yesterday] = await readMetrics(question({ rules }), fake)
    expect(fake.queries).toHaveLength(2)
    expect(now?.series[0]?.points).toHaveLength(5)
    expect(yesterday?.series[0]?.points.at(-1)?.at).toBeLessThanOrEqual(NOW - 24 * 60 * MINUTE - PERIOD)
    expect(yesterday?.series[0]?.points).toHaveLength(5)
  })
})

describe("a source that fails", () => {
  it.each<[string, string | Error]>([
    ["returns a failure", "HTTP 503"],
    ["throws", new Error("HTTP 503")],
  ])("a source that %s makes only its own readings missing, and the problem says why", async (_, refusal) => {
    const fake = new FakeCloudEye()
    fake.refuse = (query) => (query.filter === "max" ? refusal : null)
    const rules = [cloudEyeRule({ name: "peak" }, { statistic: "max" }), cloudEyeRule({ name: "mean" })]
    const [peak, mean] = await readMetrics(question({ rules }), fake)
    expect(peak).toEqual({
      rule: "peak",
      periodMs: PERIOD,
      series: [],
      problem: "servers s1, s2: Cloud Eye could not be read: HTTP 503",
    })
    expect(mean).toMatchObject({ series: [{ server: "s1" }, { server: "s2" }], problem: null })
  })

  it("reading metrics never throws, even if a source throws what is not an Error", async () => {
    const gone = () => Promise.reject("gone")
    const sources = { cloudEye: gone, cloudEyeList: gone, prometheus: gone, cloudwatch: gone }
    const [reading] = await readMetrics(question(), sources)
    expect(reading?.problem).toBe("servers s1, s2: Cloud Eye could not be read: gone")
  })

  it("a failed Cloud Eye request keeps the series of other requests, and the problem names some missing servers", async () => {
    const fake = new FakeCloudEye()
    fake.refuse = (query) =>
      query.metrics.some(({ dimensions }) => dimensions[0]?.value === "ecs-s1") ? "timeout" : null
    const [reading] = await readMetrics(
      question({ rules: [cloudEyeRule({ points: "1 of 100" })] }, serversOf(40)),
      fake,
    )
    const asked = fake.queries.map(({ metrics }) => metrics.length)
    expect(asked).toEqual([29, 11])
    expect(reading?.series.map(({ server }) => server)).toEqual(
      serversOf(40)
        .slice(29)
        .map(({ id }) => id),
    )
    expect(reading?.problem).toBe("servers s1, s2, s3, s4 and 25 more: Cloud Eye could not be read: timeout")
  })

  it("a Cloud Eye rule ignores the extra period that its request includes to get the first period whole", async () => {
    const fake = new FakeCloudEye()
    const metric = cloudEyeRule({}).metric
    const rules = [
      ruleInput({ name: "near", metric, points: "1 of 100" }),
      ruleInput({ name: "far", metric: { ...metric, lag: "4h" }, points: "1 of 100" }),
    ]
    fake.alter = (series) => [
      { ...series, points: series.points.with(0, { at: series.points[0]?.at ?? 0, value: 1 }) },
    ]
    const readings = await readMetrics(question({ rules }, serversOf(1)), fake)
    expect(fake.queries).toHaveLength(2)
    expect(
      readings.map(({ series }) => series[0]?.points.filter(({ value }) => value === 97).length),
    ).toEqual([100, 100])
  })

  it("keeps half of a Cloud Eye series if the request for the other half fails", async () => {
    const fake = new FakeCloudEye()
    const metric = cloudEyeRule({}).metric
    const rules = [
      ruleInput({ name: "near", metric, points: "1 of 100" }),
      ruleInput({ name: "far", metric: { ...metric, lag: "4h" }, points: "1 of 100" }),
    ]
    const newest = NEWEST + PERIOD
    fake.refuse = (query) => (query.to === newest ? "timeout" : null)
    const [near, far] = await readMetrics(question({ rules }, serversOf(1)), fake)
    expect(fake.queries).toHaveLength(2)
    expect(near?.problem).toBe("server s1: Cloud Eye could not be read: timeout")
    expect(near?.series[0]?.points.length).toBeGreaterThan(0)
    expect(near?.series[0]?.points.length).toBeLessThan(100)
    expect(far?.series[0]?.points.length).toBeGreaterThan(near?.series[0]?.points.length ?? 0)
  })
})
