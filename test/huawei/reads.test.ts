import { afterEach, describe, expect, it } from "vitest"
import type { CloudEyeQuery } from "../../lib/cloud-eye.ts"
import { queryMetrics } from "../../lib/huawei/cloud-eye.ts"
import type { CloudReader } from "../../lib/huawei/http.ts"
import { readOrder } from "../../lib/huawei/order.ts"
import { readOffers } from "../../lib/huawei/scale-evaluations.ts"
import { listServers } from "../../lib/huawei/servers.ts"
import { readSupernode } from "../../lib/huawei/supernode.ts"
import { type Answering, readerOf, send, startCloud, type TestCloud } from "./cloud.ts"
import { NOW, PROJECT, SUPERNODE } from "./fixture.ts"

const open: (TestCloud | CloudReader)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function cloudOf(answering: Answering) {
  const cloud = await startCloud(answering)
  const reader = readerOf()
  open.push(cloud, reader)
  return { cloud, reader, place: { endpoint: cloud.url, projectId: PROJECT, id: SUPERNODE } }
}

const PATH = `/v1/${PROJECT}/dev-servers/hyperinstance/${SUPERNODE}`
const says =
  (body: unknown): Answering =>
  (response) =>
    send(response, 200, body)
const server = (id: string) => ({
  id,
  name: null,
  status: "UNKNOWN",
  flavor: null,
  createAt: null,
  updateAt: null,
  orderId: null,
  cloudServer: { id: null, hpsId: null, hpsEcsId: null },
})

it("an order is read even if the billing service writes its id in another case", async () => {
  const order_info = { order_id: "cs2411081650g9b6z", status: 6 }
  const { cloud, reader } = await cloudOf(says({ order_info }))
  const read = await readOrder(reader, { endpoint: cloud.url, orderId: "CS2411081650G9B6Z" })
  expect(read).toMatchObject({ ok: true, value: { status: 6 } })
})

describe("the supernode", () => {
  const read = async (body: unknown) => {
    const { reader, place } = await cloudOf(says(body))
    return await readSupernode(reader, place)
  }

  it("a supernode is read from the example of the cloud's API page", async () => {
    const example = {
      create_at: 1731055875839,
      hps_id: "33806b62-1c7b-4781-8d2c-411a042b86b8",
      id: SUPERNODE,
      name: "lite server-hps",
      servers: [
        {
          charging_mode: "PRE_PAID",
          cloud_server: { hps_id: "h", id: "c", hps_ecs_id: "e", type: "HPS" },
          create_at: 1731055875840,
          flavor: "kat3ne-8.48xlarge.8.800t.matrix",
          id: "278d70a9-2049-450a-bf6d-db02fe9f6634",
          name: "lite server-hps-1",
          order_id: "CS2411081650G9B6Z",
          status: "RUNNING",
          update_at: 1731209918651,
        },
      ],
      status: "ACTIVE",
    }
    const { cloud, reader, place } = await cloudOf(says(example))
    expect(await readSupernode(reader, place)).toEqual({
      ok: true,
      skewMs: null,
      value: {
        id: SUPERNODE,
        name: "lite server-hps",
        status: "ACTIVE",
        servers: [
          {
            id: "278d70a9-2049-450a-bf6d-db02fe9f6634",
            name: "lite server-hps-1",
            status: "RUNNING",
            flavor: "kat3ne-8.48xlarge.8.800t.matrix",
            createAt: 1731055875840,
            updateAt: 1731209918651,
            orderId: "CS2411081650G9B6Z",
            cloudServer: { id: "c", hpsId: "h", hpsEcsId: "e" },
          },
        ],
      },
    })
    expect(cloud.asked).toMatchObject([{ method: "GET", url: PATH }])
  })

  it.each<[string, object, object]>([
    ["nothing but its id", {}, { name: null, status: "UNKNOWN", servers: null }],
    ["an unknown status", { status: "SCALING" }, { status: "SCALING" }],
    ["a status that is not a string", { status: 7 }, { status: "UNKNOWN" }],
    ["an empty list of servers, which differs from a missing list", { servers: [] }, { servers: [] }],
    ["a list of servers that is null", { servers: null }, { servers: null }],
    ["servers that are not a list", { servers: {} }, { servers: null }],
    ["a server with nothing but its id", { servers: [{ id: "a" }] }, { servers: [server("a")] }],
    [
      "a server with fields of other types",
      {
        servers: [
          {
            id: "a",
            name: 1,
            status: null,
            flavor: [],
            create_at: "1731055875840",
            update_at: {},
            order_id: 5,
            cloud_server: "x",
          },
        ],
      },
      { servers: [server("a")] },
    ],
    [
      "a cloud_server with other types",
      { servers: [{ id: "a", cloud_server: { id: 1, hps_id: null } }] },
      { servers: [server("a")] },
    ],
    [
      "a server with invisible or overlong texts, which are dropped",
      {
        servers: [
          {
            id: "a",
            name: "s1\u200b",
            status: "RUNNING\u200b",
            flavor: "rung\u001b[8m",
            order_id: "x".repeat(257),
            cloud_server: { id: "c\n", hps_id: "\u202eh", hps_ecs_id: "e\u009b" },
          },
        ],
      },
      { servers: [server("a")] },
    ],
    [
      "a server with an unknown status",
      { servers: [{ id: "a", status: "DEFROSTING" }] },
      { servers: [{ ...server("a"), status: "DEFROSTING" }] },
    ],
  ])("a supernode is read leniently with %s", async (_title, body, value) => {
    expect(await read({ id: SUPERNODE, ...body })).toMatchObject({
      ok: true,
      value: { id: SUPERNODE, ...value },
    })
  })

  it.each<[string, unknown, string]>([
    [
      "it is about another supernode",
      { id: "00000000-0000-4000-8000-000000000000" },
      "about supernode 00000000-0000-4000-8000-000000000000",
    ],
    ["it has no id", { status: "ACTIVE" }, "about supernode without an id"],
    ["it is a list", [{ id: SUPERNODE }], "the response is not an object"],
    ["it is null", null, "the response is not an object"],
    ["it is a string", '"fine"', "the response is not an object"],
    [
      "a server has no id, so that it cannot be counted",
      { id: SUPERNODE, servers: [{ id: "a" }, { name: "b" }] },
      "server 2 of 2 has no readable id",
    ],
    [
      "a server's id has invisible characters, so it cannot be sent back",
      { id: SUPERNODE, servers: [{ id: "a" }, { id: "a\u200b" }] },
      "server 2 of 2 has no readable id",
    ],
    [
      "it lists far more servers than a supernode can have",
      { id: SUPERNODE, servers: Array.from({ length: 100_000 }, (_, i) => ({ id: `s${i}` })) },
      "it lists 100000 servers, the maximum is 1000",
    ],
    [
      "it lists one server twice, in upper and lower case",
      { id: SUPERNODE, servers: [{ id: "ab" }, { id: "AB" }] },
      "server AB is listed twice",
    ],
  ])("the response for a supernode is unreadable if %s", async (_title, body, why) => {
    expect(await read(body)).toEqual({
      ok: false,
      why: expect.stringContaining(why),
      credentials: false,
      refused: true,
    })
  })
})

describe("the list of servers", () => {
  const ids = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ id: `s${from + i}` }))
  const list = async (answering: Answering) => {
    const { cloud, reader, place } = await cloudOf(answering)
    const read = await listServers(reader, place)
    return {
      read,
      urls: cloud.asked.map(({ url }) => url),
      found: read.ok ? read.value.map(({ id }) => id) : null,
    }
  }
  const offsetOf = (url: string) => Number(new URL(url, "http://x").searchParams.get("offset"))

  it("a list of servers is read in one request if one page is enough", async () => {
    const { read, urls } = await list(says({ current: 1, pages: 1, size: 2, total: 2, data: ids(0, 2) }))
    expect(read).toEqual({ ok: true, value: [server("s0"), server("s1")], skewMs: null })
    expect(urls).toEqual([`${PATH}/servers?limit=100&offset=0`])
  })

  it("a list of servers is read to its end if the cloud returns smaller pages than requested", async () => {
    const { found, urls } = await list((response, { url }) => {
      const offset = offsetOf(url)
      send(response, 200, { total: 25, data: ids(offset, Math.min(offset + 10, 25)) })
    })
    expect(found).toEqual(ids(0, 25).map(({ id }) => id))
    expect(urls.map(offsetOf)).toEqual([0, 10, 20])
  })

  it("a list of servers without a total ends with the first page that is not full", async () => {
    const { found, urls } = await list((response, { url }) =>
      send(response, 200, { data: offsetOf(url) === 0 ? ids(0, 100) : ids(100, 103) }),
    )
    expect([found?.length, urls.map(offsetOf)]).toEqual([103, [0, 100]])
  })

  it("a list of servers that ends before its total is refused", async () => {
    const { read } = await list((response, _asked, count) =>
      send(response, 200, { total: 25, data: count === 1 ? ids(0, 10) : [] }),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("10 of 25 are known") })
  })

  it("a list of servers that repeats the same page is refused", async () => {
    const { read, urls } = await list(says({ total: 25, data: ids(0, 10) }))
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("incomplete list") })
    expect(urls.length).toBe(2)
  })

  it("a list of servers that never ends is refused after 20 pages", async () => {
    const { read } = await list((response, { url }) =>
      send(response, 200, { total: 1e9, data: ids(offsetOf(url), offsetOf(url) + 1) }),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("more than 20 pages") })
  })

  it("a list of servers with a failed page is refused", async () => {
    const { read } = await list((response, _asked, count) =>
      count === 1 ? send(response, 200, { total: 25, data: ids(0, 10) }) : send(response, 403, {}),
    )
    expect(read).toMatchObject({ ok: false, credentials: true })
  })

  it.each([[{}], [{ data: null }], [[]], [{ data: [{}] }]])(
    "a response that is not a list of servers is refused: %j",
    async (body) => {
      expect((await list(says(body))).read).toMatchObject({ ok: false })
    },
  )

  it("an empty list of servers is read as empty", async () => {
    expect((await list(says({ total: 0, data: [] }))).read).toMatchObject({ ok: true, value: [] })
  })
})

describe("the offers", () => {
  const offers = async (body: unknown) => {
    const { cloud, reader, place } = await cloudOf(says(body))
    const read = await readOffers(reader, place)
    expect(cloud.asked).toMatchObject([{ method: "GET", url: `${PATH}/scale-evaluations` }])
    return read
  }

  it.each<[string, unknown[], unknown[]]>([
    [
      "offers are read with `is_sold_out`",
      [
        { flavor: "a", is_sold_out: false, resource_flavor: "r" },
        { flavor: "b", is_sold_out: true },
      ],
      [
        { flavor: "a", soldOut: false },
        { flavor: "b", soldOut: true },
      ],
    ],
    ["an offer without `is_sold_out` is unreadable", [{ flavor: "a" }], [{ flavor: "a", soldOut: null }]],
    [
      "each offer whose `is_sold_out` is not a boolean is unreadable",
      [
        { flavor: "a", is_sold_out: "false" },
        { flavor: "b", is_sold_out: 0 },
        { flavor: "c", is_sold_out: null },
      ],
      ["a", "b", "c"].map((flavor) => ({ flavor, soldOut: null })),
    ],
    [
      "an offer that is listed twice and sold out once is unreadable",
      [
        { flavor: "a", is_sold_out: true },
        { flavor: "a", is_sold_out: false },
      ],
      [{ flavor: "a", soldOut: null }],
    ],
    [
      "an offer that is listed twice alike is read once",
      [
        { flavor: "a", is_sold_out: true },
        { flavor: "a", is_sold_out: true },
      ],
      [{ flavor: "a", soldOut: true }],
    ],
    [
      "offers without a flavor are skipped",
      [{ is_sold_out: false }, null, "a", { flavor: "", is_sold_out: false }],
      [],
    ],
    ["an empty list of offers is empty", [], []],
    ["a null list of offers is empty", null as unknown as unknown[], []],
  ])("%s", async (_title, evaluations, value) => {
    expect(await offers({ evaluations })).toEqual({ ok: true, value, skewMs: null })
  })

  it.each([[{}], [{ evaluations: {} }], [[]], ['"none"']])(
    "a response without a list of offers is unreadable: %j",
    async (body) => {
      expect(await offers(body)).toMatchObject({
        ok: false,
        why: expect.stringContaining("no list `evaluations`"),
      })
    },
  )
})

describe("Cloud Eye's metrics", () => {
  const metric = (value: string) => ({
    namespace: "AGT.ECS",
    metric_name: "npu",
    dimensions: [{ name: "instance_id", value }],
  })
  const query: CloudEyeQuery = {
    metrics: [metric("a"), metric("b")],
    from: 1,
    to: 2,
    period: "300",
    filter: "average",
  }
  const queryOf = async (answering: Answering, asked: CloudEyeQuery = query) => {
    const { cloud, reader } = await cloudOf(answering)
    const read = await queryMetrics(reader, { endpoint: cloud.url, projectId: PROJECT }, asked)
    return { read, cloud }
  }

  it("Cloud Eye metrics are requested in one POST with exactly the query, and returned oldest first", async () => {
    const datapoints = [
      { timestamp: NOW - 300_000, average: 91.5 },
      { timestamp: NOW - 600_000, average: 90, max: 100 },
    ]
    const { read, cloud } = await queryOf(
      says({
        metrics: [
          { ...metric("a"), unit: "%", datapoints },
          { ...metric("b"), datapoints: [] },
        ],
      }),
    )
    expect(cloud.asked).toMatchObject([
      { method: "POST", url: `/V1.0/${PROJECT}/batch-query-metric-data`, body: JSON.stringify(query) },
    ])
    const named = (value: string) => ({
      namespace: "AGT.ECS",
      metricName: "npu",
      dimensions: [{ name: "instance_id", value }],
    })
    expect(read).toEqual({
      ok: true,
      skewMs: null,
      value: [
        {
          ...named("a"),
          points: [
            { at: NOW - 600_000, value: 90 },
            { at: NOW - 300_000, value: 91.5 },
          ],
        },
        { ...named("b"), points: [] },
      ],
    })
  })

  it("a Cloud Eye datapoint without a time or without the requested statistic is left out", async () => {
    const datapoints = [
      { timestamp: 1, max: 5 },
      { timestamp: 2, average: "5" },
      { average: 5 },
      { timestamp: 3, average: null },
      null,
      "x",
      { timestamp: 4, average: 0 },
    ]
    const { read } = await queryOf(says({ metrics: [{ ...metric("a"), datapoints }] }))
    expect(read).toMatchObject({ ok: true, value: [{ points: [{ at: 4, value: 0 }] }] })
  })

  it("a Cloud Eye value that is too large for a number is left out", async () => {
    const { read } = await queryOf((response) =>
      send(
        response,
        200,
        `{"metrics":[${JSON.stringify(metric("a")).slice(0, -1)},"datapoints":[{"timestamp":1,"average":1e999}]}]}`,
      ),
    )
    expect(read).toMatchObject({ ok: true, value: [{ points: [] }] })
  })

  it("a Cloud Eye series with an unreadable name is left out, and a series without datapoints is empty", async () => {
    const { read } = await queryOf(
      says({
        metrics: [{ namespace: "AGT.ECS" }, null, { ...metric("a") }, { ...metric("b"), dimensions: [{}] }],
      }),
    )
    expect(read).toMatchObject({ ok: true, value: [{ dimensions: [{ value: "a" }], points: [] }] })
    expect(read.ok && read.value.length).toBe(1)
  })

  it("a null list of Cloud Eye metrics is read as an empty list", async () => {
    expect((await queryOf(says({ metrics: null }))).read).toMatchObject({ ok: true, value: [] })
  })

  it("a Cloud Eye response without a list of metrics is unreadable", async () => {
    expect((await queryOf(says({ datapoints: [] }))).read).toMatchObject({
      ok: false,
      why: expect.stringContaining("no list `metrics`"),
    })
  })

  it("a Cloud Eye query for more than 500 metrics, or for none, is not sent", async () => {
    const many = await queryOf(says({}), {
      ...query,
      metrics: Array.from({ length: 501 }, (_, i) => metric(String(i))),
    })
    expect(many.read).toEqual({
      ok: false,
      why: expect.stringContaining("501 metrics in one request"),
      credentials: false,
    })
    const none = await queryOf(says({}), { ...query, metrics: [] })
    expect(none.read).toEqual({ ok: true, value: [], skewMs: null })
    expect([...many.cloud.asked, ...none.cloud.asked]).toEqual([])
  })

  it("a Cloud Eye query for 500 metrics is sent", async () => {
    const { read } = await queryOf(says({ metrics: [] }), {
      ...query,
      metrics: Array.from({ length: 500 }, (_, i) => metric(String(i))),
    })
    expect(read).toMatchObject({ ok: true })
  })
})
