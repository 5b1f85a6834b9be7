import { describe, expect, it } from "vitest"
import { type Sandbox, startSandbox } from "../../../lib/sandbox/sandbox.ts"
import { DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import { call, HYPERINSTANCE, LARGEST, PROJECT, START, SUPERNODE, sandboxAt } from "../client.ts"

const OTHER = {
  ...DEFAULT_SUPERNODE,
  id: "278d70a9-2049-450a-bf6d-db02fe9f6634",
  name: "train-b",
  servers: 12,
  createdAt: START - 1000,
}
const get = (sandbox: Sandbox, path: string, query: Record<string, string> = {}) =>
  call(sandbox, { path: `${HYPERINSTANCE}${path}`, query })
const names = (json: Record<string, unknown>): string[] =>
  (json["data"] as { name: string }[]).map((one) => one.name)

describe("reading a supernode", () => {
  it("every sandbox has the same ids, including the instance id in the documentation's example of an alarm", async () => {
    const [one, two] = await Promise.all(
      [sandboxAt(), sandboxAt()].map(async (sandbox) => (await get(await sandbox, `/${SUPERNODE}`)).json),
    )
    expect(one).toEqual(two)
    expect(one).toMatchObject({
      servers: [{ cloud_server: { hps_ecs_id: "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d" } }, {}],
    })
  })

  it("the sandbox's servers are a month old, so that no server looks like a recent purchase", async () => {
    const { json } = await get(await sandboxAt(), `/${SUPERNODE}`)
    const old = START - 30 * 86_400_000
    expect(json["servers"]).toMatchObject(
      Array.from({ length: 2 }, () => ({ status: "RUNNING", create_at: old, update_at: old })),
    )
  })

  it.each([
    { path: "/b4beacb6-4380-448c-a218-daa82cf03f5e", code: "ModelArts.6404" },
    { path: "/b4beacb6-4380-448c-a218-daa82cf03f5e/servers", code: "ModelArts.6404" },
    { path: "/b4beacb6-4380-448c-a218-daa82cf03f5e/scale-evaluations", code: "ModelArts.6404" },
    { path: `/${SUPERNODE.toUpperCase()}`, code: "ModelArts.0101" },
  ])("the sandbox responds 400 $code to GET $path (case %#)", async ({ path, code }) => {
    const { status, json } = await get(await sandboxAt(), path)
    expect({ status, code: json["error_code"] }).toEqual({ status: 400, code })
  })
})

describe("lists come in pages", () => {
  it.each([
    { query: {}, first: "train-b-1", count: 10, page: { current: 1, pages: 2, size: 10, total: 12 } },
    {
      query: { offset: "10" },
      first: "train-b-11",
      count: 2,
      page: { current: 2, pages: 2, size: 10, total: 12 },
    },
    {
      query: { limit: "5", offset: "5" },
      first: "train-b-6",
      count: 5,
      page: { current: 2, pages: 3, size: 5, total: 12 },
    },
    {
      query: { limit: "1024" },
      first: "train-b-1",
      count: 12,
      page: { current: 1, pages: 1, size: 1024, total: 12 },
    },
    {
      query: { offset: "12" },
      first: undefined,
      count: 0,
      page: { current: 2, pages: 2, size: 10, total: 12 },
    },
  ])("the sandbox lists servers in pages with $query", async ({ query, first, count, page }) => {
    const sandbox = await sandboxAt({ supernodes: [OTHER] })
    const { json } = await get(sandbox, `/${OTHER.id}/servers`, { ...query })
    expect(json).toMatchObject(page)
    expect(names(json)).toHaveLength(count)
    expect(names(json)[0]).toBe(first)
  })

  it("the sandbox lists the supernodes of the path's project, newest first by default", async () => {
    const foreign = {
      ...DEFAULT_SUPERNODE,
      id: "33806b62-1c7b-4781-8d2c-411a042b86b8",
      name: "foreign",
      projectId: "other",
    }
    const sandbox = await sandboxAt({ supernodes: [DEFAULT_SUPERNODE, OTHER, foreign] })
    expect(names((await get(sandbox, "")).json)).toEqual(["train-b", "train-a"])
    expect(names((await get(sandbox, "", { sort_dir: "ASC", limit: "1" })).json)).toEqual(["train-a"])
  })

  it.each([
    { limit: "0" },
    { limit: "1025" },
    { limit: "ten" },
    { offset: "-1" },
    { offset: "2147483648" },
    { page: "1" },
  ])("the sandbox responds 400 ModelArts.0101 to a list of servers with %o", async (query) => {
    const { status, json } = await get(
      await sandboxAt(),
      `/${SUPERNODE}/servers`,
      query as Record<string, string>,
    )
    expect({ status, code: json["error_code"] }).toEqual({ status: 400, code: "ModelArts.0101" })
  })
})

describe("the offers of a supernode", () => {
  it("the sandbox lists every offer of a supernode and marks those that are sold out", async () => {
    const sandbox = await sandboxAt()
    sandbox.setSoldOut(LARGEST, true)
    const { json } = await get(sandbox, `/${SUPERNODE}/scale-evaluations`)
    expect(json["evaluations"]).toMatchObject([
      { flavor: "kat3ne-8.48xlarge.8.800t.matrix", is_sold_out: false, resource_flavor: expect.any(String) },
      { flavor: "kat3ne-16-400t.96xlarge.8.matrix", is_sold_out: false },
      { flavor: LARGEST, is_sold_out: true },
    ])
    sandbox.setSoldOut(LARGEST, false)
    sandbox.setOffers([{ flavor: "only.one", servers: 8 }])
    expect((await get(sandbox, `/${SUPERNODE}/scale-evaluations`)).json["evaluations"]).toMatchObject([
      { flavor: "only.one", is_sold_out: false },
    ])
  })
})

describe("every response", () => {
  it.each([
    `${HYPERINSTANCE}/${SUPERNODE}`,
    `${HYPERINSTANCE}/nobody`,
    "/v1/nothing",
    `/V1.0/${PROJECT}/metrics`,
  ])(
    "every response of the sandbox has its own request id, the sandbox's date and JSON: %s",
    async (path) => {
      const sandbox = await sandboxAt()
      sandbox.advance(1000)
      const [one, two] = [await call(sandbox, { path }), await call(sandbox, { path })]
      expect(one.headers).toMatchObject({
        date: "Thu, 01 Jan 2026 00:00:01 GMT",
        "content-type": "application/json",
      })
      expect(one.headers["x-request-id"]).toMatch(/^[0-9a-f]{32}$/)
      expect(one.headers["x-request-id"]).not.toBe(two.headers["x-request-id"])
      expect(one.json).not.toEqual({})
    },
  )

  it.each([
    { method: "GET", path: "/" },
    { method: "GET", path: `${HYPERINSTANCE}/${SUPERNODE}/` },
    { method: "GET", path: `${HYPERINSTANCE}/${SUPERNODE}/live-scale-up` },
    { method: "POST", path: `${HYPERINSTANCE}/${SUPERNODE}` },
    { method: "POST", path: `/v1.0/${PROJECT}/batch-query-metric-data` },
  ])(
    "the sandbox responds 404 APIG.0101 to an API that is not published: $method $path (case %#)",
    async ({ method, path }) => {
      const { status, json } = await call(await sandboxAt(), { method, path })
      expect({ status, code: json["error_code"] }).toEqual({ status: 404, code: "APIG.0101" })
    },
  )
})

describe("starting", () => {
  it.each([
    { options: { port: 70_000 }, says: /port/ },
    { options: { host: "0.0.0.0" }, says: /host/ },
    { options: { colour: "red" }, says: /colour/ },
    { options: { supernodes: [{ ...DEFAULT_SUPERNODE, servers: 0 }] }, says: /supernodes\.0\.servers/ },
    { options: { supernodes: [{ ...DEFAULT_SUPERNODE, id: "x" }] }, says: /supernodes\.0\.id/ },
    { options: { supernodes: [DEFAULT_SUPERNODE, DEFAULT_SUPERNODE] }, says: /not repeat an id/ },
    {
      options: { supernodes: [{ ...DEFAULT_SUPERNODE, load: { load: 101 } }] },
      says: /supernodes\.0\.load\.load/,
    },
    { options: { accessKeys: [] }, says: /accessKeys/ },
  ])(
    "starting a sandbox with an invalid option fails and names the option: $says",
    async ({ options, says }) => {
      await expect(startSandbox(options as object)).rejects.toThrow(says)
    },
  )

  it("starting a sandbox on a port in use fails with EADDRINUSE", async () => {
    const { port } = await sandboxAt()
    await expect(startSandbox({ port })).rejects.toThrow(/EADDRINUSE/)
  })
})
