import { describe, expect, it } from "vitest"
import { DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import {
  admin,
  call,
  HYPERINSTANCE,
  LARGEST,
  ORDER,
  PROJECT,
  readServers,
  START,
  SUPERNODE,
  sandboxAt,
  scaleUp,
  send,
} from "../client.ts"

const OTHER = { ...DEFAULT_SUPERNODE, id: "278d70a9-2049-450a-bf6d-db02fe9f6634", name: "train-b" }

describe("another process drives the sandbox over HTTP", () => {
  it("GET /sandbox/state shows clock, supernodes, offers and orders", async () => {
    const sandbox = await sandboxAt()
    await scaleUp(sandbox)
    const { status, json } = await admin(sandbox, "GET", "/sandbox/state")
    expect(status).toBe(200)
    expect(json).toEqual(sandbox.state())
    expect(json).toMatchObject({
      now: START,
      supernodes: [{ id: SUPERNODE, servers: [{}, {}, { status: "CREATING" }, {}] }],
      offers: { [SUPERNODE]: [{}, {}, { flavor: LARGEST, servers: 4, soldOut: false }] },
      orders: [{ flavor: LARGEST, from: 2, to: 4 }],
    })
  })

  it("PUT /sandbox/load sets the load that the sandbox's Cloud Eye reports", async () => {
    const sandbox = await sandboxAt()
    expect(
      await admin(sandbox, "PUT", "/sandbox/load", { load: [{ value: 20 }, { from: -60_000, value: 90 }] }),
    ).toMatchObject({ status: 200 })
    const { json } = await call(sandbox, {
      path: `/V1.0/${PROJECT}/batch-query-metric-data`,
      json: {
        metrics: [
          {
            namespace: "AGT.ECS",
            metric_name: "npu_util_rate_ai_core",
            dimensions: [{ name: "instance_id", value: "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d" }],
          },
        ],
        from: START - 120_000,
        to: START,
        period: "60",
        filter: "max",
      },
    })
    expect(json["metrics"]).toMatchObject([{ datapoints: [{ max: 20 }, { max: 90 }] }])
  })

  it("PUT /sandbox/offers marks a flavor as sold out and replaces the offers", async () => {
    const sandbox = await sandboxAt()
    await admin(sandbox, "PUT", "/sandbox/offers", { flavor: LARGEST, soldOut: true })
    expect((await scaleUp(sandbox)).json["error_code"]).toBe("ModelArts.6716")
    await admin(sandbox, "PUT", "/sandbox/offers", { offers: [{ flavor: "another.one", servers: 8 }] })
    expect((await scaleUp(sandbox)).json["error_code"]).toBe("ModelArts.6323")
    expect((await scaleUp(sandbox, { ...ORDER, flavor: "another.one" })).status).toBe(200)
  })

  it("POST /sandbox/clock advances the clock, and new servers become RUNNING", async () => {
    const sandbox = await sandboxAt()
    await scaleUp(sandbox)
    expect((await admin(sandbox, "POST", "/sandbox/clock", { advanceMs: 30_000 })).json).toEqual({
      now: START + 30_000,
    })
    expect((await readServers(sandbox)).every((server) => server.status === "RUNNING")).toBe(true)
  })

  it("POST /sandbox/failures plans failures, and DELETE /sandbox/failures clears them", async () => {
    const sandbox = await sandboxAt()
    const path = `${HYPERINSTANCE}/${SUPERNODE}`
    await admin(sandbox, "POST", "/sandbox/failures", {
      operation: "supernode",
      failure: { throttle: 3 },
      times: 5,
    })
    expect((await call(sandbox, { path })).headers["retry-after"]).toBe("3")
    await admin(sandbox, "DELETE", "/sandbox/failures")
    expect((await call(sandbox, { path })).status).toBe(200)
  })

  it("PUT /sandbox/status changes a server's status, and POST /sandbox/servers adds servers by hand", async () => {
    const sandbox = await sandboxAt()
    await admin(sandbox, "PUT", "/sandbox/status", { of: "train-a-1", status: "STOPPED" })
    const { json } = await admin(sandbox, "POST", "/sandbox/servers", { count: 1 })
    const servers = await readServers(sandbox)
    expect(servers.map((server) => server.status)).toEqual(["STOPPED", "RUNNING", "RUNNING"])
    expect(json).toEqual({ servers: [servers[2]?.id] })
  })

  it("GET /sandbox/requests shows requests without credentials, and DELETE forgets the requests but no orders", async () => {
    const sandbox = await sandboxAt()
    await scaleUp(sandbox)
    const { json, text } = await admin(sandbox, "GET", "/sandbox/requests")
    expect(json["requests"]).toMatchObject([
      { operation: "scale-up", body: JSON.stringify(ORDER), answer: { status: 200 } },
    ])
    expect(sandbox.requests[0]?.headers.authorization).toMatch(/Signature=/)
    expect(text).not.toMatch(/Signature=/)
    await admin(sandbox, "DELETE", "/sandbox/requests")
    expect((await admin(sandbox, "GET", "/sandbox/requests")).json).toEqual({ requests: [] })
    expect(sandbox.orders).toHaveLength(1)
  })

  it("requests to the sandbox's admin API are not recorded as requests to the cloud", async () => {
    const sandbox = await sandboxAt()
    await admin(sandbox, "GET", "/sandbox/state")
    expect(sandbox.requests).toEqual([])
  })
})

describe("an invalid request to the admin API is refused with the reason", () => {
  it.each<{ method: string; path: string; json: unknown; says: RegExp }>([
    { method: "PUT", path: "/sandbox/load", json: { load: 101 }, says: /^load: / },
    {
      method: "PUT",
      path: "/sandbox/load",
      json: { load: 1, sharedLoad: 1 },
      says: /both load and sharedLoad/,
    },
    {
      method: "PUT",
      path: "/sandbox/load",
      json: { load: 1, supernode: "train-z" },
      says: /train-z is unknown here; known: train-a, train-b/,
    },
    { method: "PUT", path: "/sandbox/load", json: { load: 1 }, says: /is required, since there are several/ },
    {
      method: "PUT",
      path: "/sandbox/load",
      json: { load: 1, supernode: "train-a", silent: ["train-b-1"] },
      says: /train-a has no server train-b-1/,
    },
    { method: "PUT", path: "/sandbox/load", json: { load: [{ from: "yesterday", value: 1 }] }, says: /load/ },
    {
      method: "PUT",
      path: "/sandbox/offers",
      json: { flavor: "nothing.like.it", soldOut: true },
      says: /nothing\.like\.it is not on offer/,
    },
    { method: "PUT", path: "/sandbox/offers", json: { flavor: LARGEST }, says: /flavor, soldOut/ },
    { method: "PUT", path: "/sandbox/status", json: { of: "train-z", status: "RUNNING" }, says: /train-z/ },
    { method: "POST", path: "/sandbox/servers", json: { count: 0 }, says: /^count/ },
    {
      method: "POST",
      path: "/sandbox/failures",
      json: { operation: "dance", failure: { status: 500 } },
      says: /^operation/,
    },
    {
      method: "POST",
      path: "/sandbox/failures",
      json: { operation: "metrics", failure: { status: 500 }, times: 0 },
      says: /^times/,
    },
    { method: "POST", path: "/sandbox/clock", json: { advanceMs: -1 }, says: /^advanceMs/ },
    { method: "POST", path: "/sandbox/clock", json: {}, says: /^advanceMs/ },
    { method: "POST", path: "/sandbox/clock", json: [], says: /object/ },
  ])("the sandbox responds 400 to $method $path with $json", async ({ method, path, json, says }) => {
    const sandbox = await sandboxAt({ supernodes: [DEFAULT_SUPERNODE, OTHER] })
    const before = sandbox.state()
    const answer = await admin(sandbox, method, path, json)
    expect(answer).toMatchObject({ status: 400, json: { problems: [expect.stringMatching(says)] } })
    expect(sandbox.state()).toEqual(before)
  })

  it("the sandbox responds 404 to an unknown admin route and names the known ones", async () => {
    const { status, json } = await admin(await sandboxAt(), "GET", "/sandbox/load")
    expect(status).toBe(404)
    expect(json["problems"]).toEqual([expect.stringMatching(/PUT \/sandbox\/load/)])
  })

  it.each([
    { what: "a form, as a web page could send it", headers: { "content-type": "text/plain" }, status: 400 },
    {
      what: "a Host that is not this machine",
      headers: { "content-type": "application/json", host: "evil.example" },
      status: 403,
    },
  ])("the sandbox's admin API responds $status to $what", async ({ headers, status }) => {
    const sandbox = await sandboxAt()
    const answer = await send(`${sandbox.url}/sandbox/clock`, {
      method: "POST",
      headers,
      body: '{"advanceMs":1000}',
    })
    expect(answer.status).toBe(status)
    expect(sandbox.now()).toBe(START)
  })
})

describe("received requests", () => {
  it("the sandbox records all requests in order of arrival, including refused ones, with their connection", async () => {
    const sandbox = await sandboxAt()
    await call(sandbox, { path: "/v1/nothing" })
    await call(sandbox, { path: `${HYPERINSTANCE}/${SUPERNODE}`, key: { ak: "nobody", sk: "x" } })
    await scaleUp(sandbox, {})
    expect(sandbox.requests).toMatchObject([
      { method: "GET", url: "/v1/nothing", operation: null, answer: { status: 404, code: "APIG.0101" } },
      { operation: "supernode", answer: { status: 401, code: "APIG.0301" } },
      { method: "POST", operation: "scale-up", answer: { status: 400, code: "ModelArts.6335" } },
    ])
    expect(sandbox.requests.every((request) => request.connection > 0)).toBe(true)
    expect(sandbox.scaleUps).toHaveLength(1)
    sandbox.forgetRequests()
    expect([...sandbox.requests, ...sandbox.scaleUps]).toEqual([])
  })

  it("the sandbox records another connection number for a request on another connection", async () => {
    const sandbox = await sandboxAt()
    const alone = { headers: { connection: "close" } }
    await send(`${sandbox.url}/a`, alone)
    await send(`${sandbox.url}/b`, alone)
    const [first, second] = sandbox.requests.map((request) => request.connection)
    expect(first).not.toBe(second)
  })
})
