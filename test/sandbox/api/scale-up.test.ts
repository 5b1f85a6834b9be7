import { describe, expect, it } from "vitest"
import { DEFAULT_SUPERNODE } from "../../../lib/sandbox/world/defaults.ts"
import {
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
} from "../client.ts"

const MIDDLE = "kat3ne-16-400t.96xlarge.8.matrix"

describe("an accepted order", () => {
  it("an accepted sandbox order creates the missing servers and returns the supernode as the API page shows it", async () => {
    const sandbox = await sandboxAt()
    const { status, json } = await scaleUp(sandbox, {
      ...ORDER,
      data_volume: { size: 1000, type: "GPSSD", count: 2 },
    })
    expect(status).toBe(200)
    expect(json).toMatchObject({
      id: SUPERNODE,
      name: "train-a",
      status: "ACTIVE",
      order_id: "CS260101000000001",
      update_at: START,
      hps_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      hps_cluster_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
    })
    const servers = json["servers"] as Record<string, unknown>[]
    expect(servers.map((server) => server["status"])).toEqual(["RUNNING", "RUNNING", "CREATING", "CREATING"])
    expect(servers[3]).toEqual({
      category: "HPS",
      charging_mode: "PRE_PAID",
      cloud_server: {
        hps_ecs_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        hps_id: json["hps_id"],
        id: expect.stringMatching(/^[0-9a-f-]{36}$/),
        type: "HPS",
      },
      create_at: START,
      endpoints: [],
      flavor: "kat3ne-8.48xlarge.8.800t.matrix",
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/),
      image: { image_id: ORDER.image_id },
      key_pair_name: "KeyPair-42c4",
      name: "train-a-4",
      order_id: "CS260101000000001",
      server_hps: { id: SUPERNODE, name: "train-a" },
      status: "CREATING",
      subnet_id: expect.any(String),
      volumes: [
        { evs_id: expect.any(String), evs_type: "ESSD", size: 200, type: "ROOT" },
        { evs_id: expect.any(String), evs_type: "GPSSD", size: 1000, type: "DATA" },
        { evs_id: expect.any(String), evs_type: "GPSSD", size: 1000, type: "DATA" },
      ],
      vpc_id: expect.any(String),
    })
  })

  it("the sandbox records an accepted order, and its request with exactly the bytes that were sent", async () => {
    const sandbox = await sandboxAt()
    const { json, headers } = await scaleUp(sandbox)
    const servers = (json["servers"] as { id: string }[]).slice(2).map((server) => server.id)
    expect(sandbox.orders).toEqual([
      {
        orderId: json["order_id"],
        supernode: SUPERNODE,
        at: START,
        flavor: LARGEST,
        from: 2,
        to: 4,
        servers,
        requestId: headers["x-request-id"],
      },
    ])
    expect(sandbox.scaleUps).toMatchObject([
      {
        method: "POST",
        body: JSON.stringify(ORDER),
        isComplete: true,
        requestId: headers["x-request-id"],
        answer: { status: 200, code: null },
      },
    ])
  })

  it("the servers of a sandbox order become RUNNING exactly after the provisioning time, and show that time", async () => {
    const sandbox = await sandboxAt({ provisioningMs: 30_000 })
    await scaleUp(sandbox)
    sandbox.advance(29_999)
    expect((await readServers(sandbox)).map((server) => server.status)).toEqual([
      "RUNNING",
      "RUNNING",
      "CREATING",
      "CREATING",
    ])
    sandbox.advance(60_001)
    const [, , third, fourth] = await readServers(sandbox)
    expect(third).toMatchObject({ status: "RUNNING", create_at: START, update_at: START + 30_000 })
    expect(fourth).toMatchObject({
      status: "RUNNING",
      update_at: START + 30_000,
      endpoints: [{ service: "SSH" }],
    })
  })

  it("the sandbox accepts another order as soon as the servers of the previous order run", async () => {
    const sandbox = await sandboxAt({
      supernodes: [{ ...DEFAULT_SUPERNODE, servers: 1 }],
      provisioningMs: 1000,
    })
    await scaleUp(sandbox, { ...ORDER, flavor: MIDDLE })
    sandbox.advance(1000)
    expect((await scaleUp(sandbox)).status).toBe(200)
    expect(sandbox.orders.map(({ from, to }) => ({ from, to }))).toEqual([
      { from: 1, to: 2 },
      { from: 2, to: 4 },
    ])
    expect(new Set(sandbox.orders.map((order) => order.orderId)).size).toBe(2)
  })
})

describe("a refused order buys nothing", () => {
  type Sandbox = Awaited<ReturnType<typeof sandboxAt>>
  it.each<{ when: string; code: string; flavor?: string; given?: (sandbox: Sandbox) => unknown }>([
    { when: "the flavor is not on offer", code: "6323", flavor: "kat3ne-64.384xlarge.8.matrix" },
    { when: "the flavor is sold out", code: "6716", given: (sandbox) => sandbox.setSoldOut(LARGEST, true) },
    { when: "the flavor would add no server", code: "6792", flavor: MIDDLE },
    {
      when: "the flavor would remove servers",
      code: "6792",
      flavor: "kat3ne-8.48xlarge.8.800t.matrix",
    },
    {
      when: "the flavor has more than 48 servers",
      code: "6302",
      given: (sandbox) => sandbox.setOffers([{ flavor: LARGEST, servers: 49 }]),
    },
    {
      when: "the supernode is not ACTIVE",
      code: "6327",
      given: (sandbox) => sandbox.setStatus("train-a", "REIMAGING"),
    },
    {
      when: "a server is being restarted",
      code: "6357",
      given: (sandbox) => sandbox.setStatus("train-a-1", "REBOOTING"),
    },
    {
      when: "a server is in error",
      code: "6327",
      given: (sandbox) => sandbox.setStatus("train-a-1", "ERROR"),
    },
    { when: "another order is being carried out", code: "6357", given: (sandbox) => scaleUp(sandbox, ORDER) },
  ])(
    "the sandbox refuses an order with ModelArts.$code if $when",
    async ({ code, flavor = LARGEST, given }) => {
      const sandbox = await sandboxAt()
      await given?.(sandbox)
      const before = { servers: await readServers(sandbox), orders: [...sandbox.orders] }
      const { status, json } = await scaleUp(sandbox, { ...ORDER, flavor })
      expect({ status, code: json["error_code"] }).toEqual({ status: 400, code: `ModelArts.${code}` })
      expect({ servers: await readServers(sandbox), orders: sandbox.orders }).toEqual(before)
    },
  )

  it("the sandbox accepts one of many orders sent at once, and the other orders get ModelArts.6357", async () => {
    const sandbox = await sandboxAt()
    const answers = await Promise.all(Array.from({ length: 20 }, () => scaleUp(sandbox)))
    expect(answers.filter((answer) => answer.status === 200)).toHaveLength(1)
    expect(answers.filter((answer) => answer.json["error_code"] === "ModelArts.6357")).toHaveLength(19)
    expect(sandbox.scaleUps).toHaveLength(20)
    expect(sandbox.orders).toHaveLength(1)
  })

  it.each([
    {
      what: "an unknown supernode",
      path: `${HYPERINSTANCE}/b4beacb6-4380-448c-a218-daa82cf03f5e/live-scale-up`,
      code: "ModelArts.6404",
    },
    {
      what: "a supernode of another project",
      path: `/v1/other/dev-servers/hyperinstance/${SUPERNODE}/live-scale-up`,
      code: "ModelArts.6404",
    },
    {
      what: "an id that is not a UUID",
      path: `${HYPERINSTANCE}/train-a/live-scale-up`,
      code: "ModelArts.0101",
    },
    {
      what: "a query",
      path: `${HYPERINSTANCE}/${SUPERNODE}/live-scale-up`,
      query: { dry_run: "true" },
      code: "ModelArts.0101",
    },
  ])("the sandbox responds 400 $code to an order with $what", async ({ path, query = {}, code }) => {
    const sandbox = await sandboxAt()
    const { status, json } = await call(sandbox, { path, json: ORDER, query })
    expect({ status, code: json["error_code"] }).toEqual({ status: 400, code })
    expect(sandbox.orders).toEqual([])
  })

  it("the sandbox responds 403 ModelArts.0210 if X-Project-Id and path name different projects", async () => {
    const sandbox = await sandboxAt()
    const path = `${HYPERINSTANCE}/${SUPERNODE}/live-scale-up`
    const { status, json } = await call(sandbox, {
      path,
      json: ORDER,
      headers: { "X-Project-Id": `${PROJECT}0` },
    })
    expect({ status, code: json["error_code"] }).toEqual({ status: 403, code: "ModelArts.0210" })
    expect(sandbox.orders).toEqual([])
  })
})

describe("other changes of a supernode", () => {
  it("the sandbox accepts an order while a server is STOPPED", async () => {
    const sandbox = await sandboxAt()
    sandbox.setStatus("train-a-2", "STOPPED")
    expect((await scaleUp(sandbox)).status).toBe(200)
  })

  it("the sandbox lists a DELETED server but does not count it", async () => {
    const sandbox = await sandboxAt()
    sandbox.setStatus("train-a-2", "DELETED")
    expect(await readServers(sandbox)).toHaveLength(2)
    await scaleUp(sandbox, { ...ORDER, flavor: MIDDLE })
    expect(sandbox.orders).toMatchObject([{ from: 1, to: 2, servers: [expect.any(String)] }])
  })

  it("a sandbox server in CREATE_FAILED keeps that status, however much time passes", async () => {
    const sandbox = await sandboxAt()
    await scaleUp(sandbox)
    sandbox.setStatus("train-a-3", "CREATE_FAILED")
    sandbox.advance(86_400_000)
    expect((await readServers(sandbox)).map((server) => server.status)).toEqual([
      "RUNNING",
      "RUNNING",
      "CREATE_FAILED",
      "RUNNING",
    ])
  })

  it("servers that are added to the sandbox by hand run at once and are not recorded as orders", async () => {
    const sandbox = await sandboxAt()
    const ids = sandbox.addServers(2)
    const servers = await readServers(sandbox)
    expect(servers.slice(2)).toMatchObject(ids.map((id) => ({ id, status: "RUNNING", create_at: START })))
    expect(sandbox.orders).toEqual([])
  })
})
