import { describe, expect, it } from "vitest"
import { decide } from "../../../lib/decision/decide.ts"
import type { Reading } from "../../../lib/decision/inputs/reading.ts"
import { digest } from "../../../lib/digest.ts"
import type { PrometheusSeries } from "../../../lib/metrics/prometheus/answer.ts"
import type { PrometheusQuery } from "../../../lib/metrics/prometheus/http.ts"
import type { MetricSources } from "../../../lib/metrics/sources.ts"
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
import { FakeCloudEye } from "../cloud-eye/fake-cloud-eye.ts"
import { readMetrics } from "../read-alone.ts"

/** 17:00 minus a lag of one minute: the newest minute that has ended began at 16:58, and its end is 16:59. */
const STARTS = [54, 55, 56, 57, 58].map((minute) => Date.parse("2024-01-12T16:00:00Z") + minute * MINUTE)
const [OLDEST = 0] = STARTS
const NEWEST = STARTS.at(-1) ?? 0

type PrometheusInput = NonNullable<RuleInput["metric"]["prometheus"]>

function ruleOf(over: Partial<RuleInput> = {}, source: Partial<PrometheusInput> = {}): RuleInput {
  const metric = {
    prometheus: { url: "http://127.0.0.1:9090", query: "sum(queue)", period: "1m", ...source },
  }
  return ruleInput({ metric, above: 85, points: "3 of 5", ...over })
}

type Answer = Read<PrometheusSeries[]> | ((query: PrometheusQuery) => Read<PrometheusSeries[]>)

const notAsked = () => Promise.reject(new Error("must not be asked"))

async function readWith(answer: Answer, rules = [ruleOf()], servers = serversOf(2)) {
  const queries: PrometheusQuery[] = []
  const sources: MetricSources = {
    cloudEye: notAsked,
    cloudEyeList: notAsked,
    cloudwatch: notAsked,
    prometheus: async (query) => {
      queries.push(query)
      return typeof answer === "function" ? answer(query) : answer
    },
  }
  const question = {
    policy: policyOf({ rules }),
    supernode: supernodeOf({ servers }),
    signal: alarmOf(),
    now: NOW,
  }
  const readings = await readMetrics(question, sources)
  return { queries, readings, reading: readings[0] as Reading, policy: question.policy }
}

const came = (...value: PrometheusSeries[]): Read<PrometheusSeries[]> => ({ ok: true, value, skewMs: null })
const refused = { ok: false, why: "answered 400", credentials: false, refused: true } as const

/** A series with one number at the end of every requested period. */
function evenly(labels: Record<string, string> = {}, valueAt: (at: number) => number = () => 97) {
  return {
    labels,
    points: STARTS.map((start) => ({ at: start + MINUTE, value: valueAt(start + MINUTE) })),
  }
}

describe("a rule whose evidence is Prometheus's", () => {
  it("a Prometheus rule evaluates at the end of each of the N newest periods, and dates points by period starts", async () => {
    const { queries, reading } = await readWith(came(evenly({}, (at) => at / MINUTE)))
    expect(queries).toEqual([
      {
        url: "http://127.0.0.1:9090",
        query: "sum(queue)",
        start: OLDEST + MINUTE,
        end: NEWEST + MINUTE,
        periodMs: MINUTE,
      },
    ])
    expect(reading).toEqual({
      rule: "npu-busy",
      periodMs: MINUTE,
      series: [{ server: null, points: STARTS.map((at) => ({ at, value: at / MINUTE + 1 })) }],
      problem: null,
    })
  })
})

describe("the response of Prometheus", () => {
  it.each<[string, PrometheusSeries[]]>([
    ["no series", []],
    ["a series without a number", [{ labels: {}, points: [] }]],
    [
      "numbers at other instants only",
      [{ labels: {}, points: STARTS.map((at) => ({ at: at + 1, value: 97 })) }],
    ],
    [
      "numbers after the last period only",
      [{ labels: {}, points: [{ at: NEWEST + 2 * MINUTE, value: 97 }] }],
    ],
  ])("a response of Prometheus with %s is missing data, never zero", async (_, series) => {
    const { reading } = await readWith(came(...series))
    expect(reading.series).toEqual([{ server: null, points: [] }])
    expect(reading.problem).toBe("Prometheus has no number at the end of any requested period")
    expect(reading).not.toHaveProperty("unasked")
  })

  it("only a period without a sample of Prometheus is missing", async () => {
    const series = evenly()
    const { reading } = await readWith(came({ ...series, points: series.points.toSpliced(1, 1) }))
    expect(reading.series[0]?.points.map(({ at }) => at)).toEqual(STARTS.toSpliced(1, 1))
    expect(reading.problem).toBeNull()
  })

  it("a zero of Prometheus counts as a value", async () => {
    const { reading } = await readWith(came(evenly({}, () => 0)))
    expect(reading.series[0]?.points.map(({ value }) => value)).toEqual([0, 0, 0, 0, 0])
  })

  it("several series of Prometheus without a server_label are missing data, and the problem says what to write", async () => {
    const { reading } = await readWith(came(evenly({ pod: "a" }), evenly({ pod: "b" })))
    expect(reading.series).toEqual([])
    expect(reading.problem).toBe("the query has 2 series: aggregate in the query, or write server_label")
  })
})

describe("with a server_label", () => {
  const labelled = [ruleOf({}, { server_label: "instance_id", query: "avg by (instance_id) (npu)" })]

  it.each([
    ["id", "s1"],
    ["name", "train-a-s1"],
    ["cloud_server.id", "cs-s1"],
    ["cloud_server.hps_id", "hps-s1"],
    ["cloud_server.hps_ecs_id", "ecs-s1"],
  ])("a series of Prometheus belongs to the server whose %s its server_label names", async (_, value) => {
    const { reading } = await readWith(
      came(
        evenly({ instance_id: value }),
        evenly({ instance_id: "ecs-s2" }, () => 12),
      ),
      labelled,
    )
    expect(reading).toMatchObject({
      series: [
        { server: "s1", points: STARTS.map((at) => ({ at, value: 97 })) },
        { server: "s2", points: STARTS.map((at) => ({ at, value: 12 })) },
      ],
      problem: null,
    })
  })

  it("a Prometheus rule leaves out series of other supernodes' servers, since queries may serve many supernodes", async () => {
    const others = evenly({ instance_id: "ecs-elsewhere" }, () => 100)
    const { reading } = await readWith(
      came(others, evenly({ instance_id: "ecs-s1" }), { ...others, labels: {} }),
      labelled,
    )
    expect(reading.series.map(({ server }) => server)).toEqual(["s1"])
    expect(reading.problem).toBe("server s2: Prometheus has no number at the end of any requested period")
  })

  it("a server_label that matches no server of the supernode counts as a wrong rule, and not as silence", async () => {
    const { reading } = await readWith(came(evenly({ instance: "10.0.0.1:9100" })), labelled)
    expect(reading).toMatchObject({
      series: [],
      problem: "no series of the query has a server of this supernode in its label instance_id",
      unasked: true,
    })
  })

  it("several Prometheus series of one server are missing data, and the problem says how to aggregate them", async () => {
    const series = ["0", "1"].map((npu) => evenly({ instance_id: "ecs-s1", npu }))
    const { reading } = await readWith(came(...series), labelled)
    expect(reading.series).toEqual([])
    expect(reading.problem).toBe(
      "the query has several series of server s1: aggregate by (instance_id) in the query",
    )
  })

  it("a server_label value that is the name of two servers counts for neither server", async () => {
    const twins = [serverOf("s1", { name: "twin" }), serverOf("s2", { name: "twin" })]
    const { reading } = await readWith(came(evenly({ instance_id: "twin" })), labelled, twins)
    expect(reading).toMatchObject({
      series: [],
      problem: "the label instance_id matches several servers: s1 and s2",
    })
  })

  it("an empty server_label value does not match a server without a name", async () => {
    const nameless = [serverOf("s1", { name: "" })]
    const { reading } = await readWith(came(evenly({ instance_id: "" })), labelled, nameless)
    expect(reading.series).toEqual([])
  })

  it("a supernode without servers has no Prometheus data, whatever the response is", async () => {
    const { reading } = await readWith(came(evenly({ instance_id: "ecs-s1" })), labelled, [])
    expect(reading.series).toEqual([])
  })
})

describe("several rules on Prometheus", () => {
  it("Prometheus rules that differ only in their number of points share a query, and each keeps its periods", async () => {
    const rules = [ruleOf({ name: "short", points: "1 of 2" }), ruleOf({ name: "long" })]
    const { queries, readings } = await readWith(came(evenly()), rules)
    expect(queries).toHaveLength(1)
    expect(readings.map(({ series }) => series[0]?.points.length)).toEqual([2, 5])
  })

  it("a Prometheus rule that fails does not affect another rule", async () => {
    const rules = [ruleOf({ name: "good" }), ruleOf({ name: "bad" }, { query: "sum(" })]
    const { readings } = await readWith((query) => (query.query === "sum(" ? refused : came(evenly())), rules)
    expect(readings.map(({ problem }) => problem)).toEqual([
      null,
      "Prometheus could not be read: answered 400",
    ])
  })

  it("a Prometheus rule works even if Cloud Eye fails", async () => {
    const fake = new FakeCloudEye()
    fake.refuse = () => new Error("Cloud Eye is down")
    const sources: MetricSources = {
      cloudEye: (place, query) => fake.cloudEye(place, query),
      cloudEyeList: notAsked,
      cloudwatch: notAsked,
      prometheus: async () => came(evenly()),
    }
    const policy = policyOf({ rules: [ruleInput(), ruleOf({ name: "queue" })] })
    const question = { policy, supernode: supernodeOf(), signal: alarmOf(), now: NOW }
    const [cloudEye, prometheus] = await readMetrics(question, sources)
    expect(cloudEye?.problem).toMatch(/Cloud Eye is down/)
    expect(prometheus).toMatchObject({ problem: null, series: [{ server: null }] })
  })
})

describe("Prometheus rules with missing: breaching", () => {
  const silent = [ruleOf({ missing: "breaching" })]
  const decided = async (answer: Answer) => {
    const { readings, policy } = await readWith(answer, silent)
    return decide(situationOf({ policy, readings: read(readings) }), digest)
  }

  it.each<[string, Answer]>([
    ["no result", came()],
    ["only NaN", came({ labels: {}, points: [] })],
    ["no response at all", { ok: false, why: "had no answer", credentials: false }],
  ])("a Prometheus rule with missing: breaching buys if Prometheus is silent: %s", async (_, answer) => {
    expect((await decided(answer)).kind).toBe("scale-up")
  })

  it.each<[string, Answer, string]>([
    ["the query is wrong", refused, "missing-data"],
    [
      "several series",
      came(
        evenly({ a: "1" }, () => 1),
        evenly({ a: "2" }, () => 1),
      ),
      "missing-data",
    ],
    ["the login is refused", { ok: false, why: "answered 401", credentials: true }, "credentials"],
  ])(
    "a Prometheus rule with missing: breaching holds on a failure that is not silence: %s",
    async (_, answer, heldBy) => {
      expect(await decided(answer)).toMatchObject({ kind: "hold", heldBy })
    },
  )
})
