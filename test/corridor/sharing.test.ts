import { afterEach, beforeEach, describe, expect, it, vi } from "vitest"
import type { RunResult } from "../../lib/run/result.ts"
import type { SandboxSupernode } from "../../lib/sandbox/world/options.ts"
import { PrometheusServer } from "../metrics/prometheus/server.ts"
import { noTime } from "../metrics/read-alone.ts"
import { busySupernode, Corridor, eventOf, POLICY, PROJECT_ID, resultsOf } from "./corridor.ts"

// A tick for many supernodes combines their metric requests. The tests count the requests where they arrive.

const TICK_AT = Date.parse("2024-01-12T16:50:10Z")
const open: { close(): Promise<unknown> }[] = []

beforeEach(() => {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true)
})

afterEach(async () => {
  vi.restoreAllMocks()
  for (const one of open.splice(0).reverse()) await one.close()
})

interface Fleet {
  count: number
  servers?: number
  /** The metric of the supernode with this number. */
  metric: (i: number) => string
  project?: (i: number) => string
}

/** Supernodes train-0, train-1 …, all idle, each with its entry in the policy. */
async function fleetOf({ count, servers = 2, metric, project = () => PROJECT_ID }: Fleet): Promise<Corridor> {
  const idOf = (i: number) => `b4beacb6-4380-448c-a218-${String(i).padStart(12, "0")}`
  const [head = "", body = ""] = POLICY.split("supernodes:\n")
  const entries = Array.from({ length: count }, (_, i) =>
    body
      .replace("name: train-a", `name: train-${i}`)
      .replace(/ id: b4beacb6\S+/, ` id: ${idOf(i)}`)
      .replace(`project_id: ${PROJECT_ID}`, `project_id: ${project(i)}`)
      .replace("servers: 4 }", `servers: ${servers * 2} }`)
      .replace("servers: 2 }", `servers: ${servers} }`)
      .replace(/alarms:[\s\S]*?rules:/, "rules:")
      .replace(/metric: \{.*\}/, `metric: { ${metric(i)} }`),
  )
  const supernodes: SandboxSupernode[] = Array.from({ length: count }, (_, i) => ({
    ...busySupernode(),
    id: idOf(i),
    name: `train-${i}`,
    projectId: project(i),
    servers,
    instanceIds: [],
    load: { load: 12 },
  }))
  const corridor = await Corridor.open({
    at: TICK_AT,
    policy: `${head}supernodes:\n${entries.join("")}`,
    sandbox: { supernodes },
    // On a busy machine, reading thirty supernodes may take long. The count must not depend on that.
    after: noTime.after,
  })
  open.push(corridor)
  return corridor
}

async function tick(corridor: Corridor): Promise<RunResult[]> {
  return resultsOf(await corridor.lambda("schedule", eventOf("eventbridge-schedule")))
}

/** The evidence gate's reason of each supernode, sorted by name: a tick's results come as its runs end. */
function evidenceOf(results: RunResult[]): (string | null | undefined)[] {
  const byName = results.toSorted((a, b) => a.supernode.localeCompare(b.supernode, "en", { numeric: true }))
  return byName.map(({ decision }) => decision.findings.find(({ gate }) => gate === "evidence")?.reason)
}

function cloudEyeRequests({ sandbox }: Corridor): number {
  return sandbox.requests.filter(({ operation }) => operation === "metrics").length
}

const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"

describe("requests of one tick", () => {
  it("on one tick, twenty supernodes with the same query make one request to Prometheus", async () => {
    const server = await PrometheusServer.start()
    open.push(server)
    server.evaluate = () => [{ labels: {}, at: () => 12 }]
    const corridor = await fleetOf({
      count: 20,
      metric: () => `prometheus: { url: "${server.url}", query: avg(npu), period: 1m }`,
    })
    expect(evidenceOf(await tick(corridor))).toEqual(Array(20).fill("not-breaching"))
    expect(server.asked).toHaveLength(1)
  })

  it("on one tick, twenty supernodes with different queries make twenty requests to Prometheus, four at a time", async () => {
    const server = await PrometheusServer.start()
    open.push(server)
    server.evaluate = (query) => [{ labels: {}, at: () => Number(query) }]
    const corridor = await fleetOf({
      count: 20,
      metric: (i) => `prometheus: { url: "${server.url}", query: "${i}", period: 1m }`,
    })
    expect(evidenceOf(await tick(corridor))).toEqual(Array(20).fill("not-breaching"))
    expect(new Set(server.asked.map(({ query }) => query)).size).toBe(20)
    expect(server.asked).toHaveLength(20)
    expect(server.mostInFlight).toBeLessThanOrEqual(4)
  })

  it("on one tick, thirty supernodes with eight servers each make one request to Cloud Eye", async () => {
    const corridor = await fleetOf({
      count: 30,
      servers: 8,
      metric: () => CLOUD_EYE.replace("period: 5m", "period: 1m"),
    })
    expect(evidenceOf(await tick(corridor))).toEqual(Array(30).fill("not-breaching"))
    expect(cloudEyeRequests(corridor)).toBe(1)
    const [request] = corridor.sandbox.requests.filter(({ operation }) => operation === "metrics")
    expect(JSON.parse(request?.body ?? "{}").metrics).toHaveLength(240)
  })

  it("a rule that Cloud Eye refuses and a Prometheus that is down do not affect the other supernodes", async () => {
    const server = await PrometheusServer.start()
    open.push(server)
    server.instead = (_, response) => {
      response.writeHead(503).end()
      return true
    }
    const corridor = await fleetOf({
      count: 6,
      metric: (i) =>
        i === 0
          ? `prometheus: { url: "${server.url}", query: x, period: 1m }`
          : i === 1
            ? CLOUD_EYE.replace("AGT.ECS", "AGT.A_NAMESPACE_THAT_IS_FAR_TOO_LONG")
            : CLOUD_EYE,
    })
    expect(evidenceOf(await tick(corridor))).toEqual([
      "missing-data",
      "missing-data",
      ...Array(4).fill("not-breaching"),
    ])
    // The refused request is halved until the two wrong series are alone; at most 16 more requests are made.
    expect(cloudEyeRequests(corridor)).toBe(9)
  })
})

it("each tick reads the metrics again: no reading is kept for the next tick", async () => {
  const corridor = await fleetOf({ count: 2, metric: () => CLOUD_EYE })
  await tick(corridor)
  const event = { ...eventOf("eventbridge-schedule"), time: "2024-01-12T16:50:05Z" }
  await corridor.lambda("schedule", event)
  expect(cloudEyeRequests(corridor)).toBe(2)
})

it("each project gets a separate request to Cloud Eye, for the series of that project only", async () => {
  const other = "f".repeat(32)
  const corridor = await fleetOf({
    count: 4,
    metric: () => CLOUD_EYE,
    project: (i) => (i % 2 === 0 ? PROJECT_ID : other),
  })
  await tick(corridor)
  const asked = corridor.sandbox.requests.filter(({ operation }) => operation === "metrics")
  expect(asked.map(({ path }) => path).sort()).toEqual(
    [PROJECT_ID, other].map((project) => `/V1.0/${project}/batch-query-metric-data`),
  )
  expect(asked.map(({ body }) => JSON.parse(body).metrics.length)).toEqual([4, 4])
})
