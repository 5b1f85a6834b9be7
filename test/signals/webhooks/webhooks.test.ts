import { gzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { type HttpRequest, httpRequestOf, webhookPathOf } from "../../../lib/signals/webhooks/webhooks.ts"
import { sample } from "../sample.ts"
import { answerOf, FakeWorld, NOW, notification, post, receive, TOKEN } from "./webhook-world.ts"

describe("each path takes one method", () => {
  test("GET /healthz is ok", async () => {
    const request = { method: "GET", path: "/healthz", headers: {}, body: Buffer.alloc(0) }
    expect(await receive(request)).toEqual({ kind: "answer", status: 200, body: { status: "ok" } })
  })

  test.each([
    "/",
    "",
    "/SMN",
    "/manual",
    "/schedule",
    "/__proto__",
    "/constructor",
    "constructor",
    "/a/b/c/smn",
    "/smn/smn",
    "/grafana/prod/smn",
    "//smn",
    "/prod//smn",
    "/smn//",
    "/./smn",
    "/prod%2fsmn",
    "/a.b/smn",
    "/prod/healthz",
    "/healthz/",
    `/${"p".repeat(65)}/smn`,
  ])("%j is not found, and the answer names the path seen and those that are", async (path) => {
    expect(await receive(post(path, {}))).toEqual({
      kind: "answer",
      status: 404,
      body: {
        error: "no such path",
        path,
        paths: ["POST /smn", "POST /sns", "POST /alertmanager", "POST /grafana", "GET /healthz"],
      },
    })
  })

  test("a 404 shows the path as one bounded line", async () => {
    const answer = await receive(post(`/\u001b[8m\n${"x".repeat(9_000)}`, {}))
    expect(answer).toMatchObject({ status: 404, body: { path: expect.stringMatching(/^\/ \[8m x+…$/) } })
    expect(JSON.stringify(answer).length).toBeLessThan(400)
  })

  test.each([
    "/alertmanager/",
    "/prod/alertmanager",
    "/RELEASE/supernode-autoscaler/alertmanager",
    "/a_b-1/alertmanager/",
  ])("%s is the path behind a stage or a function's name", async (path) => {
    expect(await receive(post(path, {}))).toMatchObject({ status: 401 })
    expect(webhookPathOf(path)).toBe("/alertmanager")
  })

  test.each([
    ["GET", "/smn", "POST"],
    ["PUT", "/sns", "POST"],
    ["GET", "/alertmanager", "POST"],
    ["DELETE", "/grafana", "POST"],
    ["POST", "/healthz", "GET"],
  ])("%s %s is not allowed", async (method, path, allowed) => {
    expect(await receive({ ...post(path, {}), method })).toEqual(
      answerOf(405, `this path takes ${allowed} only`),
    )
  })
})

describe("an HTTP request is told from an event", () => {
  test.each(["function-url-alertmanager", "functiongraph-apig-alertmanager"])("%s is one", (name) => {
    const request = httpRequestOf(sample(name))
    expect(request).toMatchObject({
      method: "POST",
      path: "/alertmanager",
      headers: { authorization: `Bearer ${TOKEN}` },
    })
    expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ receiver: "supernode-autoscaler" })
  })

  test.each([
    "sns-cloudwatch-alarm",
    "eventbridge-cloudwatch-alarm",
    "lambda-cloudwatch-alarm-action",
    "functiongraph-smn-cloud-eye-alarm",
    "functiongraph-timer",
    "eventbridge-scheduler",
    "manual-request",
  ])("%s is none", (name) => {
    expect(httpRequestOf(sample(name))).toBeNull()
  })

  test.each([
    [null],
    [undefined],
    [5],
    ["text"],
    [[]],
    [{}],
    [{ httpMethod: "POST" }],
    [{ httpMethod: 5, path: "/smn" }],
  ])("%j is none", (event) => {
    expect(httpRequestOf(event)).toBeNull()
  })

  test.each<[string, unknown, (body: string) => string]>([
    ["base64 with the flag as text", "true", (body) => Buffer.from(body).toString("base64")],
    ["base64 with the flag", true, (body) => Buffer.from(body).toString("base64")],
    ["plain in spite of the flag", true, (body) => body],
    ["plain in spite of the flag as text", "true", (body) => body],
    ["plain with the flag false", "false", (body) => body],
    ["plain without the flag", undefined, (body) => body],
  ])("a body that is %s is read", (_, isBase64Encoded, written) => {
    const text = JSON.stringify({ alerts: [{ note: "±" }] })
    const event = { ...sample("functiongraph-apig-alertmanager"), body: written(text), isBase64Encoded }
    expect(httpRequestOf(event)?.body.toString()).toBe(text)
  })

  test("header names come in either case", () => {
    const event = {
      ...sample("functiongraph-apig-alertmanager"),
      headers: { AUTHORIZATION: "a", "X-Smn-Message-Type": "b", n: 5 },
    }
    expect(httpRequestOf(event)?.headers).toEqual({ authorization: "a", "x-smn-message-type": "b" })
  })

  test.each([
    [{ authorization: `Bearer ${TOKEN}`, Authorization: "Bearer other" }],
    [{ Authorization: "Bearer other", authorization: `Bearer ${TOKEN}` }],
  ])("one header in two cases is ambiguous and fits no token", async (headers) => {
    const request = httpRequestOf({ ...sample("function-url-alertmanager"), headers })
    expect(request && (await receive(request))).toEqual(answerOf(401, "the token is wrong"))
  })

  test("a request without headers or body is one, with neither", () => {
    expect(httpRequestOf({ httpMethod: "GET", path: "/healthz", headers: null, body: null })).toEqual({
      method: "GET",
      path: "/healthz",
      headers: {},
      body: Buffer.alloc(0),
    })
  })
})

describe("size comes before anything, then token, then content", () => {
  test.each(["/smn", "/sns", "/alertmanager", "/grafana", "/healthz", "/nowhere"])(
    "10 MB at %s are too large",
    async (path) => {
      const world = new FakeWorld()
      const request = post(path, Buffer.alloc(10_000_000, "["))
      expect(await receive(request, {}, world)).toEqual(answerOf(413, "the body is larger than 256 KB"))
      expect(world.fetched).toEqual([])
    },
  )

  test("256 KB are looked at, one byte more is too large", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await receive(post("/alertmanager", Buffer.alloc(256 * 1024, " "), headers))).toMatchObject({
      status: 400,
    })
    expect(await receive(post("/alertmanager", Buffer.alloc(256 * 1024 + 1, " "), headers))).toMatchObject({
      status: 413,
    })
  })

  test("garbage without the token is not authenticated rather than malformed", async () => {
    expect(await receive(post("/alertmanager", "garbage"))).toMatchObject({ status: 401 })
  })

  test.each<[string, string | Buffer]>([
    ["empty", ""],
    ["not JSON", "{"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ["nesting", "[".repeat(100_000)],
    ["null", "null"],
    ["a number", "42"],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ["a prototype key", '{"__proto__":{"alerts":[]}}'],
    ["of wrong types", '{"alerts":"all","type":5,"Type":[]}'],
  ])("a body that is %s is malformed at every path", async (_, body) => {
    for (const path of ["/smn", "/sns", "/alertmanager", "/grafana"]) {
      const world = new FakeWorld()
      const answer = await receive(post(path, body, { authorization: `Bearer ${TOKEN}` }), {}, world)
      expect(answer).toMatchObject({ kind: "answer", status: 400, body: { error: "malformed" } })
      expect(world.fetched).toEqual([])
    }
  })
})

describe("a sender that is set up wrongly is told which setting to change", () => {
  const authorization = `Bearer ${TOKEN}`
  const gzip = gzipSync('{"alerts":[]}')
  test.each<[string, string, string | Buffer | object, Record<string, string>, RegExp]>([
    ["Grafana's legacy alerting", "/grafana", sample("grafana-legacy-body"), {}, /legacy alerting.*Webhook/],
    ["gzip without a header", "/alertmanager", gzip, {}, /compressed.*switch off compression/],
    [
      "gzip with its header",
      "/sns",
      "\u001f\ufffd",
      { "content-encoding": "gzip" },
      /compressed.*switch off compression/,
    ],
    [
      "raw delivery of SNS by its header",
      "/sns",
      "{}",
      { "x-amz-sns-rawdelivery": "true" },
      /no signature.*switch off `Enable raw message delivery`/,
    ],
    ["raw delivery of SNS by its body", "/sns", { AlarmArn: "arn" }, {}, /switch off `Enable raw message/],
  ])("%s", async (_, path, body, headers, says) => {
    const answer = await receive(post(path, body, { authorization, ...headers }))
    expect(answer).toMatchObject({ status: 400, body: { problems: [expect.stringMatching(says)] } })
  })
})

describe("an HTTP body is never taken for another door's event, and never for a manual request", () => {
  const events = [
    "manual-request",
    "eventbridge-scheduler",
    "sns-cloudwatch-alarm",
    "functiongraph-smn-cloud-eye-alarm",
    "functiongraph-timer",
    "lambda-cloudwatch-alarm-action",
  ]
  test.each(events)("%s", async (name) => {
    for (const path of ["/smn", "/sns", "/alertmanager", "/grafana"]) {
      const answer = await receive(post(path, sample(name), { authorization: `Bearer ${TOKEN}` }))
      expect(answer).toMatchObject({ kind: "answer", status: 400 })
    }
  })

  test("an Alertmanager body is no SMN message and an SMN message no Alertmanager body", async () => {
    const alerts = httpRequestOf(sample("function-url-alertmanager"))?.body ?? Buffer.alloc(0)
    expect(await receive(post("/smn", alerts))).toMatchObject({ status: 400 })
    expect(
      await receive(post("/grafana", notification(), { authorization: `Bearer ${TOKEN}` })),
    ).toMatchObject({ status: 400 })
  })
})

describe("Alertmanager and Grafana need the bearer token", () => {
  const requestOf = (name: string): HttpRequest => {
    const request = httpRequestOf(sample(name))
    if (request === null) throw new Error("an HTTP request was expected")
    return request
  }

  const at = Date.parse("2024-01-12T16:51:16.985Z")
  const signal = {
    kind: "alarm",
    id: `alertmanager|1f2e3d4c5b6a7988|${at}|firing|473632`,
    source: "alertmanager",
    alarm: "NpuBusy",
    labels: { alertname: "NpuBusy", cluster: "train-a", severity: "critical" },
    resource: {},
    state: "alarm",
    at: NOW,
    episode: { key: "alertmanager|1f2e3d4c5b6a7988", startsAt: at },
    points: null,
    periodMs: null,
    values: [{ from: "annotation", name: "value", value: 97.08, unit: null }],
  }

  test.each(["function-url-alertmanager", "functiongraph-apig-alertmanager"])(
    "%s becomes exactly this signal",
    async (name) => {
      expect(await receive(requestOf(name))).toEqual({ kind: "signals", signals: [signal], problems: [] })
    },
  )

  test("function-url-grafana becomes exactly this signal", async () => {
    const grafanaAt = Date.parse("2024-01-12T17:51:16.985Z")
    const labels = {
      alertname: "NpuBusy",
      cluster: "train-a",
      grafana_folder: "npu",
      instance_id: "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d",
    }
    const grafana = {
      ...signal,
      id: `alertmanager|c6eadffa33fcdf37|${grafanaAt}|firing|473632`,
      labels,
      resource: { instance_id: labels.instance_id },
      episode: { key: "alertmanager|c6eadffa33fcdf37", startsAt: grafanaAt },
      values: [{ from: "values", name: "B", value: 97.08, unit: null }],
    }
    expect(await receive(requestOf("function-url-grafana"))).toEqual({
      kind: "signals",
      signals: [grafana],
      problems: [],
    })
  })

  test.each<[string, Record<string, string>]>([
    ["missing", {}],
    ["of another scheme", { authorization: `Basic ${TOKEN}` }],
    ["bare", { authorization: TOKEN }],
    ["empty", { authorization: "Bearer " }],
    ["wrong", { authorization: "Bearer THE-WEBHOOK-TOKEM" }],
    ["a beginning", { authorization: "Bearer THE-WEBHOOK" }],
    ["longer", { authorization: `Bearer ${TOKEN}X` }],
    ["in another header", { "x-webhook-token": TOKEN }],
  ])("a token that is %s is not authenticated", async (_, headers) => {
    for (const path of ["/alertmanager", "/grafana"]) {
      expect(await receive({ ...requestOf("function-url-alertmanager"), path, headers })).toMatchObject({
        kind: "answer",
        status: 401,
      })
    }
  })

  test("the scheme's name comes in either case", async () => {
    const request = {
      ...requestOf("function-url-alertmanager"),
      headers: { authorization: `bearer ${TOKEN}` },
    }
    expect(await receive(request)).toMatchObject({ kind: "signals" })
  })

  test("without a configured token the webhook is closed, and says which setting opens it", async () => {
    for (const authorization of [`Bearer ${TOKEN}`, "Bearer ", "Bearer null", ""]) {
      const request = { ...requestOf("function-url-alertmanager"), headers: { authorization } }
      expect(await receive(request, { webhookTokens: [] })).toEqual(
        answerOf(401, /closed.*SUPERNODE_WEBHOOK_TOKEN/),
      )
    }
  })

  test("either of two tokens opens it while one replaces the other, and no third one does", async () => {
    const webhookTokens = [TOKEN, "the-next-token-of-ours"]
    for (const [token, kind] of [
      [TOKEN, "signals"],
      ["the-next-token-of-ours", "signals"],
      [webhookTokens.join(","), "answer"],
      ["the-token-before-these", "answer"],
    ]) {
      const headers = { authorization: `Bearer ${token}` }
      const request = { ...requestOf("function-url-alertmanager"), headers }
      expect((await receive(request, { webhookTokens })).kind).toBe(kind)
    }
  })

  test("no answer repeats a token", async () => {
    const answers = await Promise.all(
      ["Bearer wrong-secret", `Basic ${TOKEN}`].map((authorization) =>
        receive({ ...requestOf("function-url-alertmanager"), headers: { authorization } }),
      ),
    )
    expect(JSON.stringify(answers)).not.toMatch(/wrong-secret|THE-WEBHOOK-TOKEN/)
  })

  test("readable alerts are taken and the others told", async () => {
    const request = requestOf("function-url-alertmanager")
    const body = JSON.parse(request.body.toString()) as { alerts: unknown[] }
    const answer = await receive({
      ...request,
      body: Buffer.from(JSON.stringify({ ...body, alerts: [...body.alerts, {}] })),
    })
    expect(answer).toMatchObject({ kind: "signals", signals: [{ id: signal.id }] })
    expect(answer.kind === "signals" && answer.problems.length).toBeGreaterThan(0)
  })
})
