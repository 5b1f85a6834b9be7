import { describe, expect, it } from "vitest"
import type { Sandbox } from "../../../lib/sandbox/sandbox.ts"
import { DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import type { LoadSettings } from "../../../lib/sandbox/world/load-settings.ts"
import { call, PROJECT, readServers, START, sandboxAt, scaleUp } from "../client.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const PATH = `/V1.0/${PROJECT}/batch-query-metric-data`
const FIRST = "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d"

type Point = Record<string, number>
interface PointsQuery {
  instances?: string[]
  from?: number
  to?: number
  period?: string
  filter?: string
}

const metric = (value: string) => ({
  namespace: "AGT.ECS",
  metric_name: "npu_util_rate_ai_core",
  dimensions: [{ name: "instance_id", value }],
})
const body = ({
  instances = [FIRST],
  from = START - 15 * MINUTE,
  to = START,
  period = "300",
  filter = "average",
}: PointsQuery) => ({
  metrics: instances.map(metric),
  from,
  to,
  period,
  filter,
})

async function points(sandbox: Sandbox, question: PointsQuery = {}): Promise<Point[][]> {
  const { status, json } = await call(sandbox, { path: PATH, json: body(question) })
  expect(status).toBe(200)
  return (json["metrics"] as { datapoints: Point[] }[]).map((one) => one.datapoints)
}

async function busySandbox(load: number | LoadSettings = 95): Promise<Sandbox> {
  const sandbox = await sandboxAt()
  sandbox.setLoad(load)
  return sandbox
}

const starts = (series: Point[] | undefined): number[] =>
  (series ?? []).map((point) => Number(point["timestamp"]))

describe("a response of the sandbox's Cloud Eye", () => {
  it("the sandbox's Cloud Eye returns requested metrics in order, with unit and only the requested statistic", async () => {
    const sandbox = await busySandbox()
    const { json } = await call(sandbox, { path: PATH, json: body({ from: START - 10 * MINUTE }) })
    expect(json).toEqual({
      metrics: [
        {
          ...metric(FIRST),
          unit: "%",
          datapoints: [
            { average: 95, timestamp: START - 10 * MINUTE },
            { average: 95, timestamp: START - 5 * MINUTE },
          ],
        },
      ],
    })
  })

  it.each([
    { what: "an unknown instance", change: { dimensions: [{ name: "instance_id", value: "nobody" }] } },
    { what: "another namespace", change: { namespace: "SYS.ECS" } },
    { what: "another metric", change: { metric_name: "cpu_usage" } },
    { what: "another dimension", change: { dimensions: [{ name: "npu", value: FIRST }] } },
    {
      what: "one dimension more",
      change: {
        dimensions: [
          { name: "instance_id", value: FIRST },
          { name: "npu", value: "0" },
        ],
      },
    },
  ])("the sandbox's Cloud Eye returns no points, rather than an error, for $what", async ({ change }) => {
    const sandbox = await busySandbox()
    const { status, json } = await call(sandbox, {
      path: PATH,
      json: { ...body({}), metrics: [{ ...metric(FIRST), ...change }] },
    })
    expect(status).toBe(200)
    expect(json["metrics"]).toMatchObject([{ datapoints: [] }])
  })

  it("the sandbox's Cloud Eye returns no points for another project's servers", async () => {
    const { json } = await call(await busySandbox(), {
      path: "/V1.0/other/batch-query-metric-data",
      json: body({}),
    })
    expect(json["metrics"]).toMatchObject([{ datapoints: [] }])
  })
})

describe("the periods of a response", () => {
  const at = (minutes: number): number => START + minutes * MINUTE

  it.each<{ what: string; question: PointsQuery; nowMinutes?: number; expected: number[] }>([
    {
      what: "from is rounded down to its period",
      question: { from: at(-12), to: at(0) },
      expected: [at(-15), at(-10), at(-5)],
    },
    {
      what: "an unfinished period is left out",
      question: { from: at(-5), to: at(4) },
      nowMinutes: 4,
      expected: [at(-5)],
    },
    {
      what: "a period that ends now is included",
      question: { from: at(-5), to: at(5) },
      nowMinutes: 5,
      expected: [at(-5), at(0)],
    },
    { what: "a point of the future is left out", question: { from: at(-5), to: at(60) }, expected: [at(-5)] },
    { what: "a range in one period has no points", question: { from: at(-9), to: at(-6) }, expected: [] },
    {
      what: "a period beyond `to` is left out",
      question: { from: at(-10), to: at(-1) },
      expected: [at(-10)],
    },
    {
      what: "a period may be one minute",
      question: { from: at(-2), to: at(0), period: "60" },
      expected: [at(-2), at(-1)],
    },
    {
      what: "raw data comes by the minute",
      question: { from: at(-2), to: at(0), period: "1" },
      expected: [at(-2), at(-1)],
    },
    {
      what: "a period may be one hour",
      question: { from: at(-90), to: at(0), period: "3600" },
      expected: [at(-120), at(-60)],
    },
  ])(
    "the sandbox's Cloud Eye returns the right periods: $what",
    async ({ question, nowMinutes = 0, expected }) => {
      const sandbox = await busySandbox()
      sandbox.advance(nowMinutes * MINUTE)
      expect(starts((await points(sandbox, question))[0])).toEqual(expected)
    },
  )

  it.each([
    { period: "1", metrics: 1, span: 12 * HOUR, answered: 240, why: "raw data reaches back 4 h" },
    { period: "60", metrics: 1, span: 2 * DAY, answered: 2880, why: "2 days of minutes are fewer than 3000" },
    { period: "60", metrics: 3, span: 2 * DAY, answered: 1000, why: "3 metrics share 3000 points" },
    { period: "60", metrics: 300, span: 20 * MINUTE, answered: 10, why: "300 metrics may span 600,000 ms" },
    { period: "60", metrics: 300, span: 10 * MINUTE, answered: 10, why: "exactly 3000 points are allowed" },
    { period: "300", metrics: 1, span: 2 * DAY, answered: 288, why: "5-minute data reaches back 24 h" },
    { period: "1200", metrics: 1, span: 9 * DAY, answered: 216, why: "20-minute data reaches back 3 days" },
    { period: "3600", metrics: 1, span: 29 * DAY, answered: 240, why: "hourly data reaches back 10 days" },
    { period: "86400", metrics: 500, span: 29 * DAY, answered: 6, why: "500 metrics leave 6 points each" },
  ])(
    "the sandbox's Cloud Eye limits queries by silently moving `from` forward: $why",
    async ({ period, metrics, span, answered }) => {
      const sandbox = await busySandbox()
      const instances = Array.from({ length: metrics }, () => FIRST)
      const [series] = await points(sandbox, { instances, period, from: START - span, to: START })
      expect(series).toHaveLength(answered)
      expect(starts(series).at(-1)).toBe(
        START - (series?.length ? Number(period === "1" ? 60 : period) * 1000 : 0),
      )
    },
  )

  it("the sandbox's Cloud Eye leaves out the period that contains a `from` which a limit has moved", async () => {
    const sandbox = await busySandbox()
    sandbox.advance(30_000)
    const question = { from: START - 20 * MINUTE, to: START + 30_000, period: "60" }
    const [series] = await points(sandbox, {
      ...question,
      instances: Array.from({ length: 300 }, () => FIRST),
    })
    expect(starts(series).at(0)).toBe(START - 9 * MINUTE)
  })

  it("the sandbox's Cloud Eye drops data of five minutes and less after two days, and keeps coarser data", async () => {
    const sandbox = await busySandbox()
    const old = { from: START - 3 * DAY, to: START - 2 * DAY }
    expect((await points(sandbox, { ...old, period: "60" }))[0]).toEqual([])
    expect((await points(sandbox, { ...old, period: "300" }))[0]).toEqual([])
    expect((await points(sandbox, { ...old, period: "1200" }))[0]).toHaveLength(72)
  })
})

describe("values follow the load", () => {
  it.each([
    { filter: "average", value: 30 },
    { filter: "max", value: 50 },
    { filter: "min", value: 10 },
    { filter: "sum", value: 150 },
    { filter: "variance", value: 200 },
  ])(
    "the sandbox's Cloud Eye computes $filter over the five minutes of a period",
    async ({ filter, value }) => {
      const sandbox = await busySandbox({ load: (at) => 10 + 10 * ((at / MINUTE) % 5) })
      expect((await points(sandbox, { from: START - 5 * MINUTE, filter }))[0]).toEqual([
        { [filter]: value, timestamp: START - 5 * MINUTE },
      ])
    },
  )

  it("a load curve of the sandbox keeps each value until the next step, whose time is absolute or relative to now", async () => {
    const sandbox = await busySandbox({
      load: [
        { value: 20 },
        { from: -5 * MINUTE, value: 90 },
        { from: new Date(START - 10 * MINUTE).toISOString(), value: 60 },
      ],
    })
    expect((await points(sandbox))[0]?.map((point) => point["average"])).toEqual([20, 60, 90])
  })

  it("the sandbox has no sample at a moment without load, and no point for a period without samples", async () => {
    const sandbox = await busySandbox({
      load: [{ value: 80 }, { from: -10 * MINUTE, value: null }, { from: -2 * MINUTE, value: 40 }],
    })
    expect((await points(sandbox))[0]).toEqual([
      { average: 80, timestamp: START - 15 * MINUTE },
      { average: 40, timestamp: START - 5 * MINUTE },
    ])
  })

  it("the sandbox has no points before a load curve begins", async () => {
    const sandbox = await busySandbox({ load: [{ from: -5 * MINUTE, value: 90 }] })
    expect(starts((await points(sandbox))[0])).toEqual([START - 5 * MINUTE])
  })

  it("a sandbox server may have its own load curve, and another sandbox server may report nothing", async () => {
    const sandbox = await sandboxAt()
    const [first, second] = await readServers(sandbox)
    const instances = [first, second].map((server) => server?.cloud_server.hps_ecs_id ?? "")
    sandbox.setLoad({ load: 50, servers: { "train-a-2": 70 } })
    expect(
      (await points(sandbox, { instances, from: START - 5 * MINUTE })).map(([point]) => point?.["average"]),
    ).toEqual([50, 70])
    sandbox.setLoad({ load: 50, silent: [FIRST] })
    expect(
      (await points(sandbox, { instances, from: START - 5 * MINUTE })).map(([point]) => point?.["average"]),
    ).toEqual([undefined, 50])
  })

  it("the sandbox's servers report 0 if no load is set", async () => {
    expect((await points(await sandboxAt(), { from: START - 5 * MINUTE }))[0]).toMatchObject([{ average: 0 }])
  })

  it("the sandbox divides a shared load by its running servers, so that new servers reduce each share once they run", async () => {
    const sandbox = await sandboxAt({ provisioningMs: 5 * MINUTE })
    sandbox.setLoad({ sharedLoad: 180 })
    await scaleUp(sandbox)
    sandbox.advance(10 * MINUTE)
    const [series] = await points(sandbox, { from: START - 5 * MINUTE, to: START + 10 * MINUTE })
    expect(series?.map((point) => point["average"])).toEqual([90, 90, 45])
  })

  it("a sandbox server's share of a load is at most 100 %", async () => {
    expect(
      (await points(await busySandbox({ sharedLoad: 500 }), { from: START - 5 * MINUTE }))[0],
    ).toMatchObject([{ average: 100 }])
  })

  it("a sandbox server reports load from the minute it runs until it stops", async () => {
    const sandbox = await sandboxAt({ provisioningMs: 7 * MINUTE })
    sandbox.setLoad(95)
    await scaleUp(sandbox)
    sandbox.advance(20 * MINUTE)
    sandbox.setStatus("train-a-3", "STOPPED")
    sandbox.advance(10 * MINUTE)
    const third = (await readServers(sandbox))[2]?.cloud_server.hps_ecs_id ?? ""
    const [series] = await points(sandbox, { instances: [third], from: START, to: START + 30 * MINUTE })
    expect(starts(series)).toEqual([START + 5 * MINUTE, START + 10 * MINUTE, START + 15 * MINUTE])
  })
})

describe("a query beyond the documented limits is refused with 400", () => {
  const good = body({})
  it.each<{ what: string; json: object; says: RegExp }>([
    { what: "no metrics", json: { ...good, metrics: [] }, says: /metrics/ },
    {
      what: "501 metrics",
      json: { ...good, metrics: Array.from({ length: 501 }, () => metric(FIRST)) },
      says: /metrics/,
    },
    {
      what: "no dimensions",
      json: { ...good, metrics: [{ ...metric(FIRST), dimensions: [] }] },
      says: /dimensions/,
    },
    {
      what: "five dimensions",
      json: {
        ...good,
        metrics: [
          { ...metric(FIRST), dimensions: Array.from({ length: 5 }, () => ({ name: "a", value: "b" })) },
        ],
      },
      says: /dimensions/,
    },
    {
      what: "a namespace without a dot",
      json: { ...good, metrics: [{ ...metric(FIRST), namespace: "AGT" }] },
      says: /namespace/,
    },
    { what: "a period as a number", json: { ...good, period: 300 }, says: /period/ },
    { what: "an unknown period", json: { ...good, period: "600" }, says: /period/ },
    { what: "an unknown filter", json: { ...good, filter: "p95" }, says: /filter/ },
    { what: "no filter", json: { ...good, filter: undefined }, says: /filter/ },
    { what: "from = to", json: { ...good, from: good.to }, says: /from/ },
    { what: "from after to", json: { ...good, from: good.to + 1 }, says: /from/ },
    { what: "seconds instead of milliseconds", json: { ...good, from: 1_767_225_600 }, says: /from/ },
    { what: "a time as a string", json: { ...good, from: String(good.from) }, says: /from/ },
    { what: "an unknown field", json: { ...good, limit: 10 }, says: /limit/ },
  ])("the sandbox's Cloud Eye responds 400 to a query with $what", async ({ json, says }) => {
    const answer = await call(await sandboxAt(), { path: PATH, json })
    expect(answer).toMatchObject({
      status: 400,
      json: { error_code: "ces.0014", error_msg: expect.stringMatching(says) },
    })
  })

  it.each([
    { bytes: 512 * 1024, status: 200 },
    { bytes: 512 * 1024 + 1, status: 400 },
  ])("the sandbox's Cloud Eye responds $status to a body of $bytes bytes", async ({ bytes, status }) => {
    const raw = JSON.stringify(good).padEnd(bytes, " ")
    expect((await call(await sandboxAt(), { path: PATH, raw })).status).toBe(status)
  })

  it("the sandbox's Cloud Eye responds 400 to a query that is not JSON", async () => {
    expect(await call(await sandboxAt(), { path: PATH, raw: "from=1" })).toMatchObject({
      status: 400,
      json: { error_code: "ces.0014" },
    })
  })
})

describe("the list of metrics", () => {
  const list = async (sandbox: Sandbox, query: Record<string, string> = {}) =>
    (await call(sandbox, { path: `/V1.0/${PROJECT}/metrics`, query })).json
  const six = { supernodes: [{ ...DEFAULT_SUPERNODE, servers: 6 }] }

  it("the sandbox lists one series per server that has run, and none for servers in creation", async () => {
    const sandbox = await sandboxAt()
    await scaleUp(sandbox)
    const { metrics, meta_data } = await list(sandbox, { order: "asc" })
    expect(metrics).toHaveLength(2)
    expect(metrics).toMatchObject([{ ...metric(FIRST), unit: "%" }, {}])
    expect(meta_data).toMatchObject({ count: 2, total: 2 })
  })

  it("the sandbox's list of metrics continues after the marker of the last page until a page is empty", async () => {
    const sandbox = await sandboxAt(six)
    const seen: unknown[] = []
    let start: Record<string, string> = {}
    for (let page = 0; page < 4; page += 1) {
      const { metrics, meta_data } = await list(sandbox, { limit: "2", ...start })
      seen.push((metrics as unknown[]).length)
      start = { start: (meta_data as { marker: string }).marker }
    }
    expect(seen).toEqual([2, 2, 2, 0])
  })

  it.each([
    { query: { namespace: "AGT.ECS", metric_name: "npu_util_rate_ai_core" }, count: 6 },
    { query: { "dim.0": `instance_id,${FIRST}` }, count: 1 },
    { query: { "dim.0": "instance_id,nobody" }, count: 0 },
    { query: { namespace: "SYS.ECS" }, count: 0 },
    { query: { metric_name: "cpu_usage" }, count: 0 },
  ])("the sandbox filters its list of metrics by $query", async ({ query, count }) => {
    expect((await list(await sandboxAt(six), query as Record<string, string>))["metrics"]).toHaveLength(count)
  })

  it.each([
    { limit: "0" },
    { limit: "1001" },
    { "dim.0": "instance_id" },
    { order: "newest" },
    { page: "2" },
  ])("the sandbox refuses the query %o for its list of metrics", async (query) => {
    expect(await list(await sandboxAt(), query as Record<string, string>)).toMatchObject({
      error_code: "ces.0014",
    })
  })
})

describe("cards of a server", () => {
  const withCards = { supernodes: [{ ...DEFAULT_SUPERNODE, npus: 2 }] }
  const card = (npu: string) => ({
    ...metric(FIRST),
    dimensions: [...metric(FIRST).dimensions, { name: "npu", value: npu }],
  })
  const read = async (sandbox: Sandbox, metrics: object[]) => {
    const json = { ...body({ from: START - 5 * MINUTE }), metrics }
    const answer = await call(sandbox, { path: PATH, json })
    return (answer.json["metrics"] as { datapoints: Point[] }[]).map(
      ({ datapoints }) => datapoints[0]?.["average"],
    )
  }

  it("the sandbox reports each card's metrics in addition to its server's; a card may have its own load curve or no data", async () => {
    const sandbox = await sandboxAt(withCards)
    sandbox.setLoad({ load: 50, servers: { [`${FIRST}/1`]: 90 } })
    expect(await read(sandbox, [metric(FIRST), card("0"), card("1")])).toEqual([50, 50, 90])
    sandbox.setLoad({ load: 50, silent: ["train-a-1/0"] })
    expect(await read(sandbox, [metric(FIRST), card("0"), card("1")])).toEqual([50, undefined, 50])
    sandbox.setLoad({ load: 50, silent: ["train-a-1"] })
    expect(await read(sandbox, [metric(FIRST), card("0")])).toEqual([undefined, undefined])
  })

  it.each(["train-a-1/2", "train-a-1/x", "train-a-1/0/0", "train-a-9/0"])(
    "the sandbox refuses a load for a card that does not exist: %s",
    async (name) => {
      const sandbox = await sandboxAt(withCards)
      expect(() => sandbox.setLoad({ load: 50, silent: [name] })).toThrow(/has no server/)
    },
  )

  it("the sandbox's cards are read only by the dimensions server and card, in this order", async () => {
    const sandbox = await sandboxAt(withCards)
    sandbox.setLoad(50)
    const reversed = { ...card("0"), dimensions: card("0").dimensions.toReversed() }
    expect(await read(sandbox, [reversed, card("2")])).toEqual([undefined, undefined])
  })

  it("the sandbox lists cards with their servers, and finds cards by the dimension server or card", async () => {
    const sandbox = await sandboxAt(withCards)
    const list = async (query: Record<string, string>) =>
      (await call(sandbox, { path: `/V1.0/${PROJECT}/metrics`, query })).json["metrics"]
    expect(await list({})).toHaveLength(6)
    expect(await list({ "dim.0": `instance_id,${FIRST}` })).toHaveLength(3)
    expect(await list({ "dim.0": "npu,1" })).toHaveLength(2)
    expect(await list({ "dim.0": `instance_id,${FIRST}`, "dim.1": "npu,1" })).toMatchObject([card("1")])
  })
})
