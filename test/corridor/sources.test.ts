import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import { CloudWatchServer, fail } from "../metrics/cloudwatch/server.ts"
import { json, PrometheusServer } from "../metrics/prometheus/server.ts"
import {
  busySupernode,
  Corridor,
  type CorridorOptions,
  EXPECTED_BODY,
  eventOf,
  POLICY,
  resultsOf,
} from "./corridor.ts"

// A rule's evidence from each kind of meter, through the doors and the real wiring to one order at the
// sandbox.

const TICK_AT = Date.parse("2024-01-12T16:50:10Z")
const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"
const TOKEN = "hush-hush-token"

const open: { close(): Promise<unknown> }[] = []
let said: string

beforeEach(() => {
  said = ""
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, "write").mockImplementation((chunk) => {
      said += String(chunk)
      return true
    })
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of open.splice(0).reverse()) await one.close()
})

async function corridorWith(source: string, options: Partial<CorridorOptions>): Promise<Corridor> {
  const policy = POLICY.replace(CLOUD_EYE, source)
  const corridor = await Corridor.open({ at: TICK_AT, policy, ...options })
  open.push(corridor)
  return corridor
}

describe("a rule on Prometheus", () => {
  async function prometheusCorridor(): Promise<{ server: PrometheusServer; corridor: Corridor }> {
    const server = await PrometheusServer.start()
    open.push(server)
    const source = `prometheus: { url: "${server.url}/team-a", query: "avg(npu)", period: 1m }`
    const login = { [`${server.url}/team-a`]: { bearer: TOKEN } }
    const corridor = await corridorWith(source, {
      settings: { SUPERNODE_PROMETHEUS_AUTH: JSON.stringify(login) },
    })
    return { server, corridor }
  }

  it("a rule on Prometheus leads a tick to exactly one order, and its token is in no entry and no log", async () => {
    const { server, corridor } = await prometheusCorridor()
    const [result] = resultsOf(await corridor.lambda("schedule", eventOf("eventbridge-schedule")))
    expect(result).toMatchObject({ decision: { kind: "scale-up" }, outcome: { kind: "accepted" } })
    expect(corridor.sandbox.scaleUps.map(({ body }) => body)).toEqual([EXPECTED_BODY])
    expect(server.asked).toMatchObject([
      {
        path: "/team-a/api/v1/query_range",
        query: "avg(npu)",
        step: "60",
        // Five periods that ended a minute ago: 16:44 to 16:49, each evaluated at its end.
        start: String(Date.parse("2024-01-12T16:45:00Z") / 1_000),
        end: String(Date.parse("2024-01-12T16:49:00Z") / 1_000),
        headers: { authorization: `Bearer ${TOKEN}` },
      },
    ])
    expect(JSON.stringify(await corridor.entries()) + said).not.toContain("hush")
  })

  it("a rule on Prometheus buys nothing while the metric is low, refused or returned with a warning", async () => {
    const { server, corridor } = await prometheusCorridor()
    const tick = async (id: string) => {
      const event = { ...eventOf("eventbridge-schedule"), time: `2024-01-12T16:${id}Z` }
      const [result] = resultsOf(await corridor.lambda("schedule", event))
      return result?.decision.heldBy
    }
    server.evaluate = () => [{ labels: {}, at: () => 12 }]
    expect(await tick("50:01")).toBe("not-breaching")
    server.instead = (_, response) => json(response, 401, { status: "error" })
    expect(await tick("50:02")).toBe("credentials")
    server.instead = (_, response) =>
      json(response, 200, {
        status: "success",
        warnings: ["a store is down"],
        data: { resultType: "matrix", result: [] },
      })
    expect(await tick("50:03")).toBe("missing-data")
    expect(corridor.sandbox.scaleUps).toEqual([])
  })
})

describe("a rule on CloudWatch", () => {
  async function cloudwatchCorridor(): Promise<{ server: CloudWatchServer; corridor: Corridor }> {
    const server = await CloudWatchServer.start()
    open.push(server)
    const source =
      'cloudwatch: { namespace: Training, name: npu, period: 1m, dimensions: { host: "{server.name}" } }'
    const corridor = await corridorWith(source, {
      cloudwatch: {
        endpoint: server.url,
        credentials: { accessKeyId: "AN-AK", secretAccessKey: "hush-hush" },
      },
      settings: { AWS_REGION: "eu-central-1" },
    })
    return { server, corridor }
  }

  it("a rule on CloudWatch leads a tick to exactly one order, by one request for all servers", async () => {
    const { server, corridor } = await cloudwatchCorridor()
    const [result] = resultsOf(await corridor.lambda("schedule", eventOf("eventbridge-schedule")))
    expect(result).toMatchObject({ decision: { kind: "scale-up" }, outcome: { kind: "accepted" } })
    expect(corridor.sandbox.scaleUps.map(({ body }) => body)).toEqual([EXPECTED_BODY])
    expect(server.asked).toMatchObject([
      {
        MetricDataQueries: [{ MetricStat: { Stat: "Average", Period: 60 } }, { Id: "m1" }],
        StartTime: Date.parse("2024-01-12T16:44:00Z") / 1_000,
        EndTime: Date.parse("2024-01-12T16:49:00Z") / 1_000,
      },
    ])
    expect(JSON.stringify(await corridor.entries()) + said).not.toContain("hush")
  })

  it("a rule on CloudWatch buys nothing while one server has no data, or the role may not read", async () => {
    const { server, corridor } = await cloudwatchCorridor()
    const tick = async (id: string) => {
      const event = { ...eventOf("eventbridge-schedule"), time: `2024-01-12T16:${id}Z` }
      const [result] = resultsOf(await corridor.lambda("schedule", event))
      return result?.decision.heldBy
    }
    server.valueAt = ({ Metric }) => (Metric.Dimensions[0]?.Value === "train-a-2" ? null : 97)
    expect(await tick("50:01")).toBe("missing-data")
    server.instead = (response) => {
      fail(response, 403, "AccessDenied", "not authorized to perform: cloudwatch:GetMetricData")
      return true
    }
    expect(await tick("50:02")).toBe("credentials")
    expect(corridor.sandbox.scaleUps).toEqual([])
  })
})

describe('a rule on the "*" of Cloud Eye', () => {
  const source =
    'cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 1m, dimensions: { instance_id: "{server.cloud_server.hps_ecs_id}", npu: "*" } }'
  const cards = () => ({ supernodes: [{ ...busySupernode(), npus: 16 }] })

  it('a rule on all cards of Cloud Eye ("*") leads a tick to exactly one order, and lists and reads the cards once', async () => {
    const corridor = await corridorWith(source, { sandbox: cards() })
    const [result] = resultsOf(await corridor.lambda("schedule", eventOf("eventbridge-schedule")))
    expect(result).toMatchObject({ decision: { kind: "scale-up" }, outcome: { kind: "accepted" } })
    expect(corridor.sandbox.scaleUps.map(({ body }) => body)).toEqual([EXPECTED_BODY])
    const operations = corridor.sandbox.requests.map(({ operation }) => operation)
    expect(operations.filter((operation) => operation === "metric-list")).toHaveLength(1)
    expect(operations.filter((operation) => operation === "metrics")).toHaveLength(1)
    const [reading] = (await corridor.entries()).flatMap(({ situation }) =>
      situation?.readings.state === "read" ? situation.readings.value : [],
    )
    expect(reading?.series.map(({ points }) => points.length)).toEqual([5, 5])
  })

  it('a rule on all cards of Cloud Eye ("*") buys nothing while a card has no data, and its hold names the missing data', async () => {
    const corridor = await corridorWith(source, { sandbox: cards() })
    corridor.sandbox.setLoad({ load: 97, silent: ["train-a-2/7"] })
    const [result] = resultsOf(await corridor.lambda("schedule", eventOf("eventbridge-schedule")))
    expect(result?.decision.heldBy).toBe("missing-data")
    const evidence = result?.decision.findings.find(({ gate }) => gate === "evidence")
    expect(evidence?.says).toMatch(/1 of its 16 series did not report in every period/)
    expect(corridor.sandbox.scaleUps).toEqual([])
  })
})
