import { randomUUID } from "node:crypto"
import { describe, expect, it } from "vitest"
import { METRICS } from "../../lib/app/run-metrics.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { readerDenial } from "../../lib/serve/reader-access.ts"
import { POLICY, PRICED_POLICY } from "../corridor/corridor.ts"
import { bearer, NOW, type Served, ServeFixture, sharedFixture, webhook } from "./fixture.ts"

const MINUTE = 60_000
const TOKEN = "THE-METRICS-TOKEN"
const FLEET = `${PRICED_POLICY}fleet: { budget: { amount: 900000, currency: CNY, per: month } }\n`

/** Text of /metrics, and its samples by `name{labels}`. */
async function scrape(served: Served): Promise<{ text: string; samples: Record<string, number> }> {
  const { status, headers, text } = await served.sendForText("GET", "/metrics")
  expect([status, headers["content-type"]]).toEqual([200, "text/plain; version=0.0.4; charset=utf-8"])
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"))
  const pairs = lines.map((line) => [
    line.slice(0, line.lastIndexOf(" ")),
    Number(line.slice(line.lastIndexOf(" "))),
  ])
  return { text, samples: Object.fromEntries(pairs) }
}

function short(samples: Record<string, number>): Record<string, number> {
  const kept = Object.entries(samples).filter(([name]) => !name.includes("_ledger_seconds_bucket"))
  return Object.fromEntries(kept.map(([name, value]) => [name.replace("supernode_autoscaler_", ""), value]))
}

/** Advances time to the nth tick, one every five minutes, and waits until that tick has ended. */
async function tick(fixture: ServeFixture, served: Served, nth: number): Promise<void> {
  fixture.pass(nth === 1 ? 30_000 : 5 * MINUTE)
  await served.told("ticked", nth)
}

describe("GET /metrics", () => {
  it("/metrics prints all documented names and labels after a purchase by a tick", async () => {
    const inbox = await webhook()
    const notify = `notify: [ { webhook: "${inbox.address}", on: [purchase] }, { webhook: "http://127.0.0.1:1/x", format: slack, on: [purchase] } ]\n`
    const fixture = await ServeFixture.open({ policy: `${FLEET}${notify}` })
    const served = await fixture.serve()
    await tick(fixture, served, 1)
    const hash = served.app.policies.supernodes[0]?.hash
    const { text, samples } = await scrape(served)
    expect(short(samples)).toEqual({
      'decisions_total{supernode="train-a",kind="scale-up",held_by=""}': 1,
      'purchases_total{supernode="train-a",outcome="accepted"}': 1,
      'purchases_total{supernode="train-a",outcome="rejected"}': 0,
      'purchases_total{supernode="train-a",outcome="not-sent"}': 0,
      'purchases_total{supernode="train-a",outcome="unknown"}': 0,
      'spend{supernode="train-a",currency="CNY",cap="supernode",window="30d"}': 120_000,
      'budget{supernode="train-a",currency="CNY",cap="supernode",window="30d"}': 500_000,
      'spend{supernode="train-a",currency="CNY",cap="fleet",window="month"}': 120_000,
      'budget{supernode="train-a",currency="CNY",cap="fleet",window="month"}': 900_000,
      'attempt_open_seconds{supernode="train-a"}': 0,
      last_tick_timestamp_seconds: (NOW + 30_000) / 1000,
      tick_shards: 1,
      'last_read_timestamp_seconds{supernode="train-a",source="supernode"}': (NOW + 30_000) / 1000,
      'last_read_timestamp_seconds{supernode="train-a",source="cloud-eye"}': (NOW + 30_000) / 1000,
      policy_reload_success: 1,
      [`policy_info{supernode="train-a",hash="${hash}"}`]: 1,
      ledger_seconds_sum: 0,
      ledger_seconds_count: expect.toSatisfy((count: number) => count >= 4),
      'notifications_total{to="1 (json)",result="sent"}': 1,
      'notifications_total{to="1 (json)",result="failed"}': 0,
      'notifications_total{to="2 (slack)",result="sent"}': 0,
      'notifications_total{to="2 (slack)",result="failed"}': 1,
    })
    const printed = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, kind]) => [name, kind])
    expect(Object.fromEntries(printed)).toEqual(
      Object.fromEntries(Object.entries(METRICS).map(([name, { kind }]) => [name, kind])),
    )
  })

  it("/metrics shows the age of an open attempt and counts its unknown outcome once, whatever ticks follow", async () => {
    const fixture = await ServeFixture.open()
    fixture.sandbox.failNext("scale-up", { reset: "after-effect" })
    const served = await fixture.serve()
    await served.alert()
    for (const nth of [1, 2]) await tick(fixture, served, nth)
    const { samples } = await scrape(served)
    expect(short(samples)).toMatchObject({
      'purchases_total{supernode="train-a",outcome="unknown"}': 1,
      'attempt_open_seconds{supernode="train-a"}': 330,
      'decisions_total{supernode="train-a",kind="hold",held_by="outcome-unknown"}': 2,
    })
  })

  it("/metrics drops a supernode and a recipient that left the policy, and shows a refused reload", async () => {
    const fixture = await ServeFixture.open({
      policy: `${POLICY}notify: { webhook: "http://127.0.0.1:1/x" }\n`,
    })
    const served = await fixture.serve()
    await tick(fixture, served, 1)
    expect((await scrape(served)).text).toContain('notifications_total{to="1 (json)",result="failed"}')
    fixture.writePolicy(POLICY.replace("name: train-a", "name: train-b"))
    await served.serving.reload()
    const { text, samples } = await scrape(served)
    expect(text).not.toMatch(/train-a|json/)
    expect(short(samples)).toMatchObject({
      policy_reload_success: 1,
      [`policy_info{supernode="train-b",hash="${served.app.policies.supernodes[0]?.hash}"}`]: 1,
    })
    fixture.writePolicy("version: 2\n")
    await served.serving.reload()
    expect(short((await scrape(served)).samples)).toMatchObject({ policy_reload_success: 0 })
  })

  it("/metrics keeps the time of a failing source's last good read, or shows 0 if the source never gave data", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    fixture.sandbox.failNext("metrics", { status: 403 }, 99)
    await tick(fixture, served, 1)
    const read = (source: string) => `last_read_timestamp_seconds{supernode="train-a",source="${source}"}`
    const first = (NOW + 30_000) / 1000
    expect(short((await scrape(served)).samples)).toMatchObject({
      [read("supernode")]: first,
      [read("cloud-eye")]: 0,
    })
    fixture.sandbox.failNext("supernode", { status: 401 }, 99)
    await tick(fixture, served, 2)
    expect(short((await scrape(served)).samples)).toMatchObject({
      [read("supernode")]: first,
      last_tick_timestamp_seconds: first + 300,
    })
  })
})

describe("read access to /metrics and the live page", () => {
  const shared = sharedFixture({ settings: { SUPERNODE_METRICS_TOKEN: `${TOKEN},ANOTHER-METRICS-TOKEN` } })
  const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`

  it.each<[number, string, Record<string, string | string[]>]>([
    [401, "no token", {}],
    [401, "a wrong token", { authorization: "Bearer THE-METRICS-TOKEM" }],
    [401, "the token of the webhooks", bearer()],
    [401, "the token as user name", { authorization: basic(`${TOKEN}:`) }],
    [401, "Basic without a colon", { authorization: basic(TOKEN) }],
    [401, "two headers", { authorization: [`Bearer ${TOKEN}`, "Bearer other"] }],
    [401, "the token without a scheme", { authorization: TOKEN }],
    [200, "Bearer", { authorization: `Bearer ${TOKEN}` }],
    [
      200,
      "Bearer with the second token, through a proxy",
      { authorization: "bearer ANOTHER-METRICS-TOKEN", "x-forwarded-for": "10.0.0.1" },
    ],
    [200, "Basic with any user name", { authorization: basic(`prometheus:${TOKEN}`) }],
  ])("if SUPERNODE_METRICS_TOKEN is set, /metrics responds %i to %s", async (status, _, headers) => {
    const answer = await shared.served.sendForText("GET", "/metrics", { headers })
    expect(answer.status).toBe(status)
    expect(answer.headers["www-authenticate"] !== undefined).toBe(status === 401)
    expect(answer.text.includes("train-a")).toBe(status === 200)
  })

  it.each(["/", "/report.json"])(
    "the live page at %s requires SUPERNODE_METRICS_TOKEN, as /metrics does",
    async (path) => {
      expect((await shared.served.sendForText("GET", path)).status).toBe(401)
      const headers = { authorization: basic(`ann:${TOKEN}`), host: "autoscaler.example.com" }
      const answer = await shared.served.sendForText("GET", path, { headers })
      expect([answer.status, answer.text.includes("train-a"), answer.text.includes(TOKEN)]).toEqual([
        200,
        true,
        false,
      ])
      expect(answer.headers).toMatchObject({ "cache-control": "no-store", "x-frame-options": "DENY" })
    },
  )

  it("/metrics, /readyz and the live page respond 405 to POST, and /metrics responds to HEAD without a body", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    for (const path of ["/metrics", "/readyz", "/", "/report.json"])
      expect(await shared.served.send("POST", path, { headers })).toMatchObject({
        status: 405,
        headers: { allow: "GET, HEAD" },
      })
    expect(await shared.served.sendForText("HEAD", "/metrics", { headers })).toMatchObject({
      status: 200,
      text: "",
    })
  })

  it.each([
    [null, "127.0.0.1", []],
    [null, "::1", ["Host", "[::1]:8080"]],
    [403, "::1", ["Host", "x"]],
    [null, "::ffff:127.0.0.1", []],
    [403, "10.0.0.7", []],
    [403, "::ffff:10.0.0.7", []],
    [403, undefined, []],
    [403, "127.0.0.1", ["Forwarded", "for=127.0.0.1"]],
    [403, "127.0.0.1", ["x-forwarded-for", "127.0.0.1"]],
    [403, "::1", ["X-Forwarded-Host", "x"]],
  ])(
    "without SUPERNODE_METRICS_TOKEN, /metrics gives status %s (null: allowed) to address %s with headers %j",
    (status, remoteAddress, rawHeaders) => {
      expect(readerDenial({ socket: { remoteAddress }, rawHeaders }, [])?.status ?? null).toBe(status)
    },
  )

  it("without SUPERNODE_METRICS_TOKEN, /metrics responds 403 to a request through a proxy", async () => {
    const served = await (await ServeFixture.open()).serve()
    expect((await served.sendForText("GET", "/metrics")).status).toBe(200)
    const proxied = await served.send("GET", "/metrics", { headers: { "x-forwarded-proto": "https" } })
    expect(proxied).toMatchObject({
      status: 403,
      body: { error: expect.stringContaining("SUPERNODE_METRICS_TOKEN") },
    })
    for (const path of ["/", "/report.json"]) {
      expect((await served.sendForText("GET", path)).status).toBe(200)
      const refused = [
        { "x-forwarded-proto": "https" },
        { forwarded: "for=10.0.0.1" },
        { host: "rebound.example.com" },
      ]
      for (const headers of refused) expect((await served.send("GET", path, { headers })).status).toBe(403)
    }
  })
})

describe("a process that can read nothing of the cloud", () => {
  const unreadable = {
    status: 503,
    body: { reasons: [expect.stringMatching(/^cloud-unreadable: .* last 3 ticks/)] },
  }

  it("each tick that cannot read the cloud warns; /readyz responds 503 after three, until a tick reads the cloud", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    fixture.sandbox.failNext("supernode", { status: 401 }, 99)
    for (const nth of [1, 2]) await tick(fixture, served, nth)
    expect((await served.get("/readyz")).status).toBe(200)
    await tick(fixture, served, 3)
    expect(await served.get("/readyz")).toMatchObject(unreadable)
    const warnings = (await served.told("warning", 3)).map(({ says }) => says)
    expect(warnings).toEqual(
      Array(3).fill(
        expect.stringMatching(
          /^train-a has been blind since 2024-01-12T16:55:00.000Z \(supernode refused our keys: .*401.*\)\. .* supernode-autoscaler doctor train-a$/,
        ),
      ),
    )
    fixture.sandbox.clearFailures()
    await tick(fixture, served, 4)
    expect((await served.get("/readyz")).status).toBe(200)
    expect(served.news.filter(({ kind }) => kind === "warning")).toHaveLength(3)
  })

  it("/readyz stays 200 while all supernodes are paused, since ticks then do not call the cloud", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    const { ledger } = served.app
    const said = { verb: "pause", supernode: null, why: "maintenance", by: "ann", until: null } as const
    await commandAll({ ledger, clock: fixture.clock, newId: randomUUID }, said)
    fixture.sandbox.failNext("supernode", { status: 401 }, 99)
    for (const nth of [1, 2, 3]) await tick(fixture, served, nth)
    expect((await served.get("/readyz")).status).toBe(200)
    expect(served.news.filter(({ kind }) => kind === "warning")).toEqual([])
  })

  it("/readyz responds 503 if ticks fail because the keys of the cloud are missing", async () => {
    const fixture = await ServeFixture.open({ settings: { HUAWEICLOUD_SDK_AK: "", HUAWEICLOUD_SDK_SK: "" } })
    const served = await fixture.serve()
    for (const nth of [1, 2, 3]) await tick(fixture, served, nth)
    expect(await served.get("/readyz")).toMatchObject(unreadable)
    expect((await scrape(served)).text).not.toContain("last_tick_timestamp_seconds ")
  })
})
