import { describe, expect, it } from "vitest"
import type { Failure } from "../../lib/sandbox/failures.ts"
import type { Sandbox } from "../../lib/sandbox/sandbox.ts"
import {
  type Call,
  call,
  HYPERINSTANCE,
  ORDER,
  PROJECT,
  readServers,
  START,
  SUPERNODE,
  sandboxAt,
  scaleUp,
} from "./client.ts"

const ending = (sandbox: Sandbox) =>
  scaleUp(sandbox).then(
    (answer) => answer,
    (error: { code?: string }) => ({ error: error.code }),
  )

describe("a planned failure meets the next order", () => {
  it.each<{ failure: Failure; bought: number; seen: object }>([
    { failure: { status: 503 }, bought: 0, seen: { status: 503, text: "" } },
    {
      failure: { status: 400, code: "ModelArts.6716", message: "sold out" },
      bought: 0,
      seen: { status: 400, json: { error_code: "ModelArts.6716", error_msg: "sold out" } },
    },
    {
      failure: { status: 403, code: "APIG.0302", message: "forbidden" },
      bought: 0,
      seen: {
        status: 403,
        json: {
          error_code: "APIG.0302",
          error_msg: "forbidden",
          request_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        },
      },
    },
    {
      failure: { status: 502, body: "<h1>Bad Gateway</h1>" },
      bought: 0,
      seen: { status: 502, text: "<h1>Bad Gateway</h1>" },
    },
    {
      failure: { status: 307, headers: { Location: "http://127.0.0.1:9/" } },
      bought: 0,
      seen: { status: 307, headers: { location: "http://127.0.0.1:9/" } },
    },
    {
      failure: { throttle: 7 },
      bought: 0,
      seen: { status: 429, headers: { "retry-after": "7" }, json: { error_code: "APIG.0308" } },
    },
    { failure: { throttle: null }, bought: 0, seen: { status: 429, json: { error_code: "APIG.0308" } } },
    { failure: { reset: "before-effect" }, bought: 0, seen: { error: "ECONNRESET" } },
    { failure: { reset: "after-effect" }, bought: 1, seen: { error: "ECONNRESET" } },
    { failure: { truncate: true }, bought: 1, seen: { error: "UND_ERR_SOCKET" } },
    {
      failure: { notJson: true },
      bought: 1,
      seen: {
        status: 200,
        text: expect.stringMatching(/^<html>/),
        headers: { "content-type": expect.stringMatching(/html/) },
      },
    },
    { failure: { emptyBody: true }, bought: 1, seen: { status: 200, text: "" } },
    {
      failure: { skewMs: -90_000 },
      bought: 1,
      seen: { status: 200, headers: { date: "Wed, 31 Dec 2025 23:58:30 GMT" }, json: { id: SUPERNODE } },
    },
    {
      failure: { applyButAnswer: { status: 504, body: { error_code: "APIG.0203" } } },
      bought: 1,
      seen: { status: 504, json: { error_code: "APIG.0203" } },
    },
    { failure: { applyButAnswer: { status: 200 } }, bought: 1, seen: { status: 200, text: "" } },
  ])(
    "a sandbox order that meets the planned failure $failure buys $bought orders",
    async ({ failure, bought, seen }) => {
      const sandbox = await sandboxAt()
      sandbox.failNext("scale-up", failure)
      expect(await ending(sandbox)).toMatchObject(seen)
      expect(sandbox.orders).toHaveLength(bought)
      expect(await readServers(sandbox)).toHaveLength(2 + 2 * bought)
      expect(sandbox.scaleUps).toMatchObject([{ isComplete: true, body: JSON.stringify(ORDER) }])
    },
  )

  it.each<{ hang: Failure["hang"]; bought: number }>([
    { hang: true, bought: 0 },
    { hang: "before-effect", bought: 0 },
    { hang: "after-effect", bought: 1 },
  ])(
    "a sandbox order that hangs ($hang) buys $bought orders, and its connection closes with the sandbox",
    async ({ hang, bought }) => {
      const sandbox = await sandboxAt()
      sandbox.failNext("scale-up", { hang })
      const waiting = ending(sandbox)
      while (!sandbox.requests[0]?.isComplete) await call(sandbox, { path: HYPERINSTANCE })
      expect(sandbox.orders).toHaveLength(bought)
      expect(sandbox.requests[0]).toMatchObject({ isComplete: true, answer: null })
      await sandbox.close()
      expect(await waiting).toMatchObject({ error: "UND_ERR_SOCKET" })
    },
  )

  it("the sandbox places an order at once if its response has a planned delay, and responds after the delay", async () => {
    const slept: number[] = []
    let wake = (): void => {}
    const asleep = new Promise<void>((fellAsleep) => {
      wake = fellAsleep
    })
    let finish = (): void => {}
    const sleep = (ms: number): Promise<void> => {
      slept.push(ms)
      wake()
      return new Promise((resolve) => {
        finish = resolve
      })
    }
    const sandbox = await sandboxAt({ sleep })
    sandbox.failNext("scale-up", { delayMs: 59_000 })
    const waiting = scaleUp(sandbox)
    await asleep
    expect({ slept, orders: sandbox.orders.length, answer: sandbox.requests[0]?.answer }).toEqual({
      slept: [59_000],
      orders: 1,
      answer: null,
    })
    finish()
    expect((await waiting).status).toBe(200)
  })

  it("closing the sandbox does not wait for a delayed response", async () => {
    let wake = (): void => {}
    const asleep = new Promise<void>((fellAsleep) => {
      wake = fellAsleep
    })
    const sandbox = await sandboxAt({
      sleep: (_ms, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener("abort", () => reject(new Error("aborted")))
          wake()
        }),
    })
    sandbox.failNext("scale-up", { delayMs: 3_600_000 })
    const waiting = ending(sandbox)
    await asleep
    await sandbox.close()
    expect(await waiting).toMatchObject({ error: "UND_ERR_SOCKET" })
  })
})

describe("a planned failure waits for its operation", () => {
  const at = `${HYPERINSTANCE}/${SUPERNODE}`
  const OPERATIONS: { operation: Parameters<Sandbox["failNext"]>[0]; request: Call }[] = [
    { operation: "supernode", request: { path: at } },
    { operation: "supernodes", request: { path: HYPERINSTANCE } },
    { operation: "servers", request: { path: `${at}/servers` } },
    { operation: "offers", request: { path: `${at}/scale-evaluations` } },
    { operation: "scale-up", request: { path: `${at}/live-scale-up`, json: ORDER } },
    { operation: "metric-list", request: { path: `/V1.0/${PROJECT}/metrics` } },
    {
      operation: "metrics",
      request: {
        path: `/V1.0/${PROJECT}/batch-query-metric-data`,
        json: {
          metrics: [
            {
              namespace: "AGT.ECS",
              metric_name: "npu_util_rate_ai_core",
              dimensions: [{ name: "instance_id", value: "x" }],
            },
          ],
          from: START - 300_000,
          to: START,
          period: "300",
          filter: "average",
        },
      },
    },
  ]

  it.each(OPERATIONS)(
    "a planned failure of the sandbox operation $operation occurs once, and in no other operation",
    async ({ operation }) => {
      const sandbox = await sandboxAt()
      sandbox.failNext(operation, { status: 500 })
      for (const other of OPERATIONS) {
        const { status } = await call(sandbox, other.request)
        expect({ of: other.operation, status }).toEqual({
          of: other.operation,
          status: other.operation === operation ? 500 : 200,
        })
      }
      expect(sandbox.requests.map((request) => request.operation)).toEqual(
        OPERATIONS.map((one) => one.operation),
      )
    },
  )

  it("planned failures of the sandbox occur in their order, each as often as planned", async () => {
    const sandbox = await sandboxAt()
    sandbox.failNext("supernode", { status: 500 }, 2)
    sandbox.failNext("supernode", { throttle: 1 })
    const seen: number[] = []
    for (let i = 0; i < 4; i += 1) seen.push((await call(sandbox, { path: at })).status)
    expect(seen).toEqual([500, 500, 429, 200])
  })

  it("cleared failures of the sandbox do not occur", async () => {
    const sandbox = await sandboxAt()
    sandbox.failNext("supernode", { status: 500 }, 10)
    sandbox.clearFailures()
    expect((await call(sandbox, { path: at })).status).toBe(200)
  })

  it("an unauthorized request does not use up a planned failure of the sandbox", async () => {
    const sandbox = await sandboxAt()
    sandbox.failNext("supernode", { status: 500 })
    expect((await call(sandbox, { path: at, key: { ak: "nobody", sk: "x" } })).status).toBe(401)
    expect((await call(sandbox, { path: at })).status).toBe(500)
  })

  it.each<{ failure: object; says: RegExp }>([
    { failure: {}, says: /exactly one of/ },
    { failure: { status: 500, reset: "after-effect" }, says: /exactly one of/ },
    { failure: { reset: "sometime" }, says: /reset/ },
    { failure: { throttle: 1, code: "APIG.0308" }, says: /need status/ },
    { failure: { status: 99 }, says: /status/ },
    { failure: { explode: true }, says: /explode/ },
  ])("the sandbox refuses to plan the invalid failure $failure", async ({ failure, says }) => {
    const sandbox = await sandboxAt()
    expect(() => sandbox.failNext("supernode", failure)).toThrow(says)
  })
})
