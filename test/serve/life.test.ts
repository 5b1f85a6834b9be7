import { rmSync } from "node:fs"
import { Agent, request } from "node:http"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { PolicyError, problemLine } from "../../lib/policy-file/load.ts"
import { POLICY } from "../corridor/corridor.ts"
import { notification } from "../signals/webhooks/webhook-world.ts"
import { alertBody, bearer, gate, otherAlert, ServeFixture, STREAM, webhook } from "./fixture.ts"

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

describe("ticks", () => {
  it("the ticks of serve run on schedule, buy without an alarm, and have an id of name and scheduled time", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    expect(new Date(served.serving.nextTick() ?? 0).toISOString()).toBe("2024-01-12T16:55:00.000Z")
    fixture.pass(30 * SECOND)
    expect(await served.told("ticked")).toMatchObject([
      { isOk: true, at: Date.parse("2024-01-12T16:55:00Z") },
    ])
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
    expect((await served.entries())[0]?.signal).toEqual({
      kind: "tick",
      id: `tick|serve|${Date.parse("2024-01-12T16:55:00Z")}`,
      name: "serve",
      at: Date.parse("2024-01-12T16:55:00Z"),
    })
  })

  it("the same tick in two processes on one ledger gives one decision and one order", async () => {
    const fixture = await ServeFixture.open()
    const [one, other] = [await fixture.serve(), await fixture.serve()]
    fixture.pass(30 * SECOND)
    const [[first], [second]] = [await one.told("result"), await other.told("result")]
    expect([first?.result.decision.heldBy, second?.result.decision.heldBy].sort()).toEqual([
      "duplicate",
      null,
    ])
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
    expect((await one.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it("two serve processes with one shard each tick every supernode once, accept all alarms, and show their shard", async () => {
    const fixture = await ServeFixture.open()
    const shards = [await fixture.serve({ shard: "1/2" }), await fixture.serve({ shard: "2/2" })]
    fixture.pass(30 * SECOND)
    for (const one of shards) expect(await one.told("ticked")).toMatchObject([{ isOk: true }])
    const results = shards.map(({ news }) => news.filter(({ kind }) => kind === "result").length)
    expect(results.toSorted()).toEqual([0, 1])
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
    for (const [i, one] of shards.entries()) {
      const { text } = await one.sendForText("GET", "/metrics")
      expect(text).toContain(`supernode_autoscaler_last_tick_timestamp_seconds{shard="${i + 1}/2"} `)
      expect(text).toContain("supernode_autoscaler_tick_shards 2\n")
      expect((await one.alert()).status).toBe(200)
    }
  })

  it("a tick of serve does not wait for alarms, even if alarms fill the queue", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox, limits: { inside: 1, waiting: 0 } })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const first = served.alert()
    await arrived
    fixture.pass(30 * SECOND)
    expect(await served.told("ticked")).toMatchObject([{ isOk: true }])
    open()
    expect((await first).status).toBe(200)
  })

  it("serve reports a failed tick, and the next tick still runs", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    await served.alert()
    const file = join(fixture.folder, "ledger.db")
    rmSync(file)
    fixture.pass(30 * SECOND)
    expect(await served.told("ticked")).toMatchObject([{ isOk: false }])
    expect(await served.told("failed")).toMatchObject([{ what: "tick of 2024-01-12T16:55:00.000Z" }])
    fixture.pass(5 * MINUTE)
    expect(await served.told("ticked", 2)).toHaveLength(2)
  })

  it("the ticks of serve follow the time zone of the policy", async () => {
    const fixture = await ServeFixture.open({
      policy: `${POLICY}timezone: Asia/Shanghai\n`,
      cron: "0 8 * * *",
    })
    const served = await fixture.serve()
    expect(new Date(served.serving.nextTick() ?? 0).toISOString()).toBe("2024-01-13T00:00:00.000Z")
  })
})

describe("a stop", () => {
  it("stopping serve finishes the purchase in flight and responds to its sender before the process ends", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const answer = served.post("/alertmanager", alertBody(), { ...bearer(), connection: "keep-alive" })
    await arrived
    const stopped = served.serving.stop()
    expect(await served.told("stopping")).toMatchObject([{ running: 1, graceMs: 120 * SECOND }])
    open()
    expect(await answer).toMatchObject({
      status: 200,
      headers: { connection: "close" },
      body: { results: [{ outcome: { kind: "accepted" } }] },
    })
    expect(await stopped).toBe(0)
    expect((await served.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
    await expect(served.get("/healthz")).rejects.toMatchObject({ code: "ECONNREFUSED" })
  })

  it("while serve stops, alarms get 503 with Retry-After, /healthz reports the stop, and no tick runs", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const first = served.alert()
    await arrived
    const stopped = served.serving.stop()
    expect(await served.post("/alertmanager", otherAlert("aaaa"))).toMatchObject({
      status: 503,
      headers: { "retry-after": "30", connection: "close" },
    })
    expect(await served.get("/healthz")).toMatchObject({
      status: 503,
      body: { status: "stopping", nextTick: null },
    })
    fixture.pass(30 * SECOND)
    expect(served.news.filter(({ kind }) => kind === "ticked")).toEqual([])
    open()
    await Promise.all([first, stopped])
  })

  it("stopping serve gives queued requests 503, and reports the accepted alarms that never ran", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox, limits: { inside: 1 } })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const first = served.alert()
    await arrived
    await served.post("/smn", notification(), {})
    const waiting = served.post("/alertmanager", otherAlert("aaaa"))
    while ((await served.get("/healthz")).body["waiting"] !== 2)
      await new Promise((resolve) => setImmediate(resolve))
    const stopped = served.serving.stop()
    expect((await waiting).status).toBe(503)
    expect(await served.told("dropped")).toMatchObject([
      { signals: [expect.stringMatching(/^cloud-eye\|al1704475580412b2a4lnr3W/)] },
    ])
    open()
    await Promise.all([first, stopped])
    expect((await served.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it("stopping serve lets no purchase begin: a run that is still reading holds with no-time", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("offers", { delayMs: 1 })
    const served = await fixture.serve()
    const answer = served.alert()
    await arrived
    const stopped = served.serving.stop()
    open()
    expect(await answer).toMatchObject({
      status: 200,
      body: { results: [{ decision: { heldBy: "no-time" } }] },
    })
    expect(await stopped).toBe(0)
    expect(fixture.sandbox.scaleUps).toEqual([])
    expect((await served.entries()).map(({ kind }) => kind)).toEqual(["decided"])
  })

  it("stopping serve takes no longer than a purchase may take, and returns the number of unfinished runs", async () => {
    const { sandbox, arrived } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    void served.alert().catch(() => undefined)
    await arrived
    let left: number | null = null
    const stopped = served.serving.stop().then((count) => {
      left = count
    })
    fixture.timer.pass(served.serving.graceMs - 1)
    await new Promise((resolve) => setImmediate(resolve))
    expect(left).toBeNull()
    fixture.timer.pass(1)
    await stopped
    expect(left).toBe(1)
    expect((await served.entries()).map(({ kind }) => kind)).toEqual(["opened"])
  })

  it("stopping serve ends at once if nothing runs, even if connections are kept alive", async () => {
    const served = await (await ServeFixture.open()).serve()
    const agent = new Agent({ keepAlive: true })
    await new Promise((resolve) => {
      request({ host: "127.0.0.1", port: served.serving.port, path: "/healthz", agent }, (response) =>
        response.resume().on("end", resolve),
      ).end()
    })
    expect(await served.serving.stop()).toBe(0)
    agent.destroy()
  })
})

describe("a reload of the policy", () => {
  it("serve uses a reloaded policy's alarms, hash and time zone for later alarms and ticks", async () => {
    const fixture = await ServeFixture.open({
      policy: POLICY.replace("alertname: NpuBusy", "alertname: Other"),
      cron: "0 8 * * *",
    })
    const served = await fixture.serve()
    expect(await served.alert()).toMatchObject({ status: 200, body: { results: [] } })
    fixture.writePolicy(`${POLICY}timezone: Asia/Shanghai\n`)
    await served.serving.reload()
    expect(await served.told("policy-read")).toMatchObject([{ next: Date.parse("2024-01-13T00:00:00Z") }])
    expect(await served.alert()).toMatchObject({ body: { results: [{ decision: { kind: "scale-up" } }] } })
    const hash = served.app.policies.supernodes[0]?.hash
    expect((await served.entries())[0]?.policyHash).toBe(hash)
  })

  it("serve keeps the old policy if the reloaded policy is invalid, and reports the position of the problem", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    const before = served.app.policies
    fixture.writePolicy(POLICY.replace("above: 85", "above: high"))
    await served.serving.reload()
    const [refused] = await served.told("policy-refused")
    const problems = refused?.error instanceof PolicyError ? refused.error.problems.map(problemLine) : []
    expect(problems).toEqual([
      expect.stringMatching(/policy\.yaml:18:16: supernodes\.0\.rules\.0\.above: must be a number/),
    ])
    expect(served.app.policies).toBe(before)
    expect(await served.alert()).toMatchObject({
      status: 200,
      body: { results: [{ outcome: { kind: "accepted" } }] },
    })
  })

  it("notifies operators once, at the next tick, of a refused policy, and decides by the previous policy", async () => {
    const inbox = await webhook()
    const notify = `notify: { webhook: "${inbox.address}", on: [policy] }\n`
    const fixture = await ServeFixture.open({ policy: `${POLICY}${notify}` })
    const served = await fixture.serve()
    const before = served.app.policies.supernodes[0]?.hash
    fixture.pass(30 * SECOND)
    await served.told("ticked")
    expect(inbox.received).toEqual([])

    // The refused file has another limit and no recipient, and neither takes effect.
    fixture.writePolicy(POLICY.replace("servers: 48", "servers: many"))
    await served.serving.reload()
    expect(await served.get("/readyz")).toMatchObject({
      status: 503,
      body: { reasons: [expect.stringMatching(/^policy-refused: /)] },
    })
    for (const count of [2, 3]) {
      fixture.pass(5 * MINUTE)
      await served.told("ticked", count)
    }
    expect(inbox.received).toEqual([
      expect.objectContaining({
        text: expect.stringMatching(
          /a new policy file was refused[\s\S]*policy\.yaml:\d+:\d+: supernodes\.0\.limits\.servers[\s\S]*supernode-autoscaler validate/,
        ),
      }),
    ])
    const hashes = async () => (await served.entries()).flatMap(({ policyHash = null }) => policyHash ?? [])
    expect(new Set(await hashes())).toEqual(new Set([before]))

    fixture.writePolicy(`${POLICY}${notify}`.replace("servers: 48", "servers: 4"))
    await served.serving.reload()
    expect((await served.get("/readyz")).status).toBe(200)
    fixture.pass(5 * MINUTE)
    await served.told("ticked", 4)
    expect(inbox.received).toHaveLength(1)
    expect((await hashes()).at(-1)).not.toBe(before)
  })

  it("serve keeps the old policy if the file is missing at a reload", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    rmSync(join(fixture.folder, "policy.yaml"))
    await served.serving.reload()
    expect(await served.told("policy-refused")).toHaveLength(1)
    expect((await served.alert()).status).toBe(200)
  })

  it("a run keeps the policy with which it began, even if serve reloads the policy meanwhile", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("offers", { delayMs: 1 })
    const served = await fixture.serve()
    const before = served.app.policies.supernodes[0]?.hash
    const answer = served.alert()
    await arrived
    fixture.writePolicy(POLICY.replace("servers: 48", "servers: 4"))
    await served.serving.reload()
    expect(served.app.policies.supernodes[0]?.hash).not.toBe(before)
    open()
    await answer
    expect((await served.entries()).map(({ policyHash }) => policyHash)).toEqual([before, before])
  })
})

describe("GET /healthz", () => {
  it("/healthz reports version, mode, ledger, ticks and queue, and names no supernode", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    fixture.pass(30 * SECOND)
    await served.told("ticked")
    const answer = await served.get("/healthz")
    expect(JSON.stringify(answer.body)).not.toContain("train-a")
    expect(answer).toMatchObject({
      status: 200,
      headers: { "cache-control": "no-store" },
      body: {
        status: "ok",
        version: "1.2.3",
        mode: "live",
        supernodes: 1,
        ledger: "ok",
        lastTick: { at: "2024-01-12T16:55:00.000Z", ok: true },
        nextTick: "2024-01-12T17:00:00.000Z",
        running: 0,
        waiting: 0,
      },
    })
  })

  it("/healthz responds 503 while the ledger cannot be read, and reads the ledger at most once a second", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    await served.alert()
    expect((await served.get("/healthz")).status).toBe(200)
    rmSync(join(fixture.folder, "ledger.db"))
    expect((await served.get("/healthz")).status).toBe(200)
    fixture.pass(SECOND)
    expect(await served.get("/healthz")).toMatchObject({
      status: 503,
      body: { status: "ledger-unreadable", ledger: "unreadable" },
    })
  })
})

describe("after a purchase of unknown outcome", () => {
  it("after a purchase of unknown outcome, serve still runs alarms and ticks, and buys nothing more", async () => {
    const fixture = await ServeFixture.open()
    fixture.sandbox.failNext("scale-up", { reset: "after-effect" })
    const served = await fixture.serve()
    expect(await served.alert()).toMatchObject({
      status: 200,
      body: { results: [{ outcome: { kind: "unknown" } }] },
    })
    fixture.pass(HOUR)
    expect((await served.told("ticked", 1)).length).toBeGreaterThan(0)
    const headers = bearer()
    const again = await served.post("/alertmanager", alertBody(), headers)
    expect(again).toMatchObject({ body: { results: [{ decision: { heldBy: "outcome-unknown" } }] } })
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
    expect((await served.app.ledger.verify(STREAM)).ok).toBe(true)
  })
})
