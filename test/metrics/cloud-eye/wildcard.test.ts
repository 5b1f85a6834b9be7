import { describe, expect, it } from "vitest"
import type { CloudEyeMetric } from "../../../lib/cloud-eye.ts"
import { metricCollector } from "../../../lib/metrics/collector.ts"
import {
  alarmOf,
  MINUTE,
  NOW,
  policyOf,
  type RuleInput,
  ruleInput,
  serversOf,
  supernodeOf,
} from "../../decision/builders.ts"
import { noTime, readMetrics } from "../read-alone.ts"
import { FakeCloudEye } from "./fake-cloud-eye.ts"

const PERIOD = 5 * MINUTE
const NEWEST = Date.parse("2024-01-12T16:50:00Z")
const STARTS = [4, 3, 2, 1, 0].map((back) => NEWEST - back * PERIOD)

const card = (server: string, npu: string | number, name = "npu_util_rate_ai_core"): CloudEyeMetric => ({
  namespace: "AGT.ECS",
  metric_name: name,
  dimensions: [
    { name: "npu", value: String(npu) },
    { name: "instance_id", value: `ecs-${server}` },
  ],
})

const PER_CARD = { instance_id: "{server.cloud_server.hps_ecs_id}", npu: "*" }

function ruleOf(
  metric: Partial<RuleInput["metric"]> = {},
  dimensions: Record<string, string> = PER_CARD,
): RuleInput {
  const source = { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", period: "5m", dimensions }
  return ruleInput({ metric: { "cloud-eye": source, ...metric } })
}

function question(rules = [ruleOf()], servers = serversOf(2), now = NOW) {
  return { policy: policyOf({ rules }), supernode: supernodeOf({ servers }), signal: alarmOf(), now }
}

/** A Cloud Eye with two cards on each of two servers, and with series that "*" must not match. */
function cards(): FakeCloudEye {
  const fake = new FakeCloudEye()
  fake.listed = [
    card("s1", 0),
    card("s1", 1),
    card("s2", 0),
    card("s2", 1),
    card("elsewhere", 0),
    card("s1", 0, "npu_util_rate_mem"),
    { ...card("s1", 0), dimensions: [{ name: "instance_id", value: "ecs-s1" }] },
    { ...card("s1", 9), dimensions: [...card("s1", 9).dimensions, { name: "chip", value: "0" }] },
  ]
  // Card 0 is at 90, card 1 at 50.
  fake.valueAt = ({ dimensions }) =>
    dimensions.some(({ name, value }) => name === "npu" && value === "0") ? 90 : 50
  return fake
}

describe('"*" in a dimension', () => {
  it("* in a dimension matches every series whose other dimensions are equal, aggregated to one per server", async () => {
    const fake = cards()
    const [reading] = await readMetrics(question(), fake)
    expect(reading).toEqual({
      rule: "npu-busy",
      periodMs: PERIOD,
      series: ["s1", "s2"].map((server) => ({ server, points: STARTS.map((at) => ({ at, value: 70 })) })),
      problem: null,
    })
    expect(fake.queries.map(({ metrics }) => metrics)).toEqual([fake.listed.slice(0, 4)])
  })

  it.each([
    ["average", 70],
    ["max", 90],
    ["min", 50],
  ] as const)(
    "a Cloud Eye rule aggregates the series that * matches by its statistic: %s",
    async (aggregate, value) => {
      const [reading] = await readMetrics(question([ruleOf({ aggregate })]), cards())
      expect(reading?.series[0]?.points.map((point) => point.value)).toEqual(Array(5).fill(value))
    },
  )

  it("a Cloud Eye rule aggregates the series that * matches to one series if no dimension names a server", async () => {
    const rule = ruleOf({}, { instance_id: "ecs-s1", npu: "*" })
    const fake = cards()
    const [reading] = await readMetrics(question([rule]), fake)
    expect(reading?.series).toEqual([{ server: null, points: STARTS.map((at) => ({ at, value: 70 })) }])
    expect(fake.lists).toEqual([
      {
        namespace: "AGT.ECS",
        metricName: "npu_util_rate_ai_core",
        dimensions: [{ name: "instance_id", value: "ecs-s1" }],
      },
    ])
  })

  it("a server's period counts only if every series that * matches has reported in it", async () => {
    const fake = cards()
    const hole = STARTS[2]
    fake.alter = (series) => {
      const isSilent =
        series.dimensions.some(({ value }) => value === "ecs-s1") && series.dimensions[0]?.value === "1"
      return [isSilent ? { ...series, points: series.points.filter(({ at }) => at !== hole) } : series]
    }
    const [reading] = await readMetrics(question(), fake)
    expect(reading?.series.map(({ points }) => points.length)).toEqual([4, 5])
    expect(reading?.series[0]?.points.map(({ at }) => at)).not.toContain(hole)
  })

  it("a card that never reports makes its server's points missing, and the problem says so", async () => {
    const fake = cards()
    fake.alter = (series) => [series.dimensions[0]?.value === "1" ? { ...series, points: [] } : series]
    const [reading] = await readMetrics(question(), fake)
    expect(reading?.series.map(({ points }) => points)).toEqual([[], []])
    expect(reading?.problem).toBe(
      "servers s1, s2: 1 of its 2 series did not report in every period; a period counts only if all series report",
    )
  })

  it("a rule with * has no data for a server that has no series in Cloud Eye", async () => {
    const fake = cards()
    fake.listed = fake.listed.filter(({ dimensions }) => dimensions.every(({ value }) => value !== "ecs-s2"))
    const [reading] = await readMetrics(question(), fake)
    expect(reading?.series.map(({ server }) => server)).toEqual(["s1"])
    expect(reading?.problem).toBe('server s2: no known series matches "*"')
  })

  it("a rule with * has no data and says why if Cloud Eye's list fails, and other rules keep their data", async () => {
    const fake = cards()
    fake.refuseList = () => "HTTP 503"
    const plain = ruleInput({ name: "plain" })
    const [wild, other] = await readMetrics(question([ruleOf(), plain]), fake)
    expect(wild).toMatchObject({
      series: [],
      problem: 'Cloud Eye could not be queried for the series of "*": HTTP 503',
    })
    expect(other?.series.map(({ points }) => points.length)).toEqual([5, 5])
  })

  it("a rule with * has no data if it matches more series than a supernode can have", async () => {
    const fake = cards()
    fake.listed = Array.from({ length: 3_100 }, (_, i) => card("s1", i))
    const [reading] = await readMetrics(question(), fake)
    expect(reading?.problem).toBe('"*" matches 3100 series, the maximum is 3072: name more dimensions')
    expect(reading?.unasked).toBe(true)
    expect(fake.queries).toEqual([])
  })
})

describe("the list of Cloud Eye's series", () => {
  it("the list of Cloud Eye's series is read page by page to its end", async () => {
    const fake = cards()
    fake.pageSize = 3
    const [reading] = await readMetrics(question(), fake)
    expect(reading?.problem).toBeNull()
    expect(fake.lists.map(({ start }) => start)).toEqual([undefined, "3", "6"])
  })

  it.each([
    [
      "goes in a circle",
      (fake: FakeCloudEye) => {
        fake.cloudEyeList = async () => ({
          ok: true,
          value: { metrics: [card("s1", 0)], next: "same" },
          skewMs: 0,
        })
      },
      /not complete: its pages repeat/,
    ],
    [
      "has no end",
      (fake: FakeCloudEye) => {
        fake.listed = Array.from({ length: 51 }, (_, i) => card("s1", i))
        fake.pageSize = 1
      },
      /not complete: it has more than 50,000 series/,
    ],
  ])(
    "a list of Cloud Eye's series that %s is refused, since it may lack cards that exist",
    async (_, change, says) => {
      const fake = cards()
      change(fake)
      const [reading] = await readMetrics(question(), fake)
      expect(reading).toMatchObject({ series: [], problem: expect.stringMatching(says), unasked: true })
    },
  )

  it("the list of Cloud Eye's series is shared, kept for five minutes, and then read again", async () => {
    const fake = cards()
    const collector = metricCollector(fake, noTime)
    const read = (now: number) =>
      collector
        .event()
        .join()
        .read(question([ruleOf()], serversOf(2), now))
    await Promise.all([read(NOW), read(NOW), read(NOW + MINUTE)])
    await read(NOW + 5 * MINUTE - 1)
    expect(fake.lists).toHaveLength(1)
    fake.listed.push(card("s1", 2))
    await read(NOW + 5 * MINUTE)
    expect(fake.lists).toHaveLength(2)
    expect(fake.queries.at(-1)?.metrics).toHaveLength(5)
  })

  it("a list of Cloud Eye's series that failed or was empty is not kept", async () => {
    const fake = cards()
    const collector = metricCollector(fake, noTime)
    const read = () => collector.event().join().read(question())
    fake.refuseList = () => new Error("gone")
    for (let i = 0; i < 6; i++) expect((await read())[0]?.problem).toMatch(/gone/)
    fake.refuseList = () => null
    const { listed } = fake
    fake.listed = []
    expect((await read())[0]?.problem).toMatch(/no known series/)
    fake.listed = listed
    expect((await read())[0]?.problem).toBeNull()
  })

  it("lists of Cloud Eye's series are kept for the 64 newest queries only, so that memory has a bound", async () => {
    const fake = cards()
    const collector = metricCollector(fake, noTime)
    const read = (instance: string) =>
      collector
        .event()
        .join()
        .read(question([ruleOf({}, { instance_id: instance, npu: "*" })]))
    fake.cloudEyeList = async (_, query) => {
      fake.lists.push(query)
      return { ok: true, value: { metrics: [card("s1", 0)], next: null }, skewMs: 0 }
    }
    for (let i = 0; i < 65; i++) await read(`i${i}`)
    await read("i64")
    expect(fake.lists).toHaveLength(65)
    await read("i0")
    expect(fake.lists).toHaveLength(66)
  })
})
