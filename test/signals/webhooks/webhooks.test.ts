import { gzipSync } from "node:zlib"
import { describe, expect, test } from "vitest"
import { type HttpRequest, httpRequestOf, webhookPathOf } from "../../../lib/signals/webhooks/webhooks.ts"
import { sample } from "../sample.ts"
import { answerOf, FakeWorld, NOW, notification, post, receive, TOKEN } from "./webhook-world.ts"

describe("the paths of the webhooks", () => {
  test.each(["GET", "HEAD"])("%s /healthz responds ok", async (method) => {
    const request = { method, path: "/healthz", headers: {}, body: Buffer.alloc(0) }
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
  ])("a webhook request to the path %j gets 404 with that path and the known paths", async (path) => {
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

  test("a webhook's 404 response shows the path as one line of limited length", async () => {
    const answer = await receive(post(`/\u001b[8m\n${"x".repeat(9_000)}`, {}))
    expect(answer).toMatchObject({ status: 404, body: { path: expect.stringMatching(/^\/ \[8m x+…$/) } })
    expect(JSON.stringify(answer).length).toBeLessThan(400)
  })

  test.each([
    "/alertmanager/",
    "/prod/alertmanager",
    "/RELEASE/supernode-autoscaler/alertmanager",
    "/a_b-1/alertmanager/",
  ])("the path of a webhook may begin with a gateway's stage or with a function's name: %s", async (path) => {
    expect(await receive(post(path, {}))).toMatchObject({ status: 401 })
    expect(webhookPathOf(path)).toBe("/alertmanager")
  })

  test.each([
    ["GET", "/smn", "POST"],
    ["PUT", "/sns", "POST"],
    ["GET", "/alertmanager", "POST"],
    ["DELETE", "/grafana", "POST"],
    ["POST", "/healthz", "GET and HEAD"],
  ])("a webhook request %s %s gets 405 with the allowed methods", async (method, path, allowed) => {
    expect(await receive({ ...post(path, {}), method })).toEqual(
      answerOf(405, `this path accepts ${allowed} only`),
    )
  })
})

describe("recognition of HTTP requests", () => {
  test.each(["function-url-alertmanager", "functiongraph-apig-alertmanager"])(
    "reads the sample event %s as an HTTP request",
    (name) => {
      const request = httpRequestOf(sample(name))
      expect(request).toMatchObject({
        method: "POST",
        path: "/alertmanager",
        headers: { authorization: `Bearer ${TOKEN}` },
      })
      expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({ receiver: "supernode-autoscaler" })
    },
  )

  test.each([
    "sns-cloudwatch-alarm",
    "eventbridge-cloudwatch-alarm",
    "lambda-cloudwatch-alarm-action",
    "functiongraph-smn-cloud-eye-alarm",
    "functiongraph-timer",
    "eventbridge-scheduler",
    "manual-request",
  ])("does not read the sample event %s as an HTTP request", (name) => {
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
  ])("does not read %j as an HTTP request", (event) => {
    expect(httpRequestOf(event)).toBeNull()
  })

  test.each<[string, unknown, (body: string) => string]>([
    ["base64 with the flag as a string", "true", (body) => Buffer.from(body).toString("base64")],
    ["base64 with the flag", true, (body) => Buffer.from(body).toString("base64")],
    ["base64 with the flag in capitals", "True", (body) => Buffer.from(body).toString("base64")],
    ["base64 without the flag", undefined, (body) => Buffer.from(body).toString("base64")],
    ["base64 although the flag is false", false, (body) => Buffer.from(body).toString("base64")],
    ["plain text although the flag is true", true, (body) => body],
    ["plain text although the flag is the string true", "true", (body) => body],
    ["plain text with the flag false", "false", (body) => body],
    ["plain text without the flag", undefined, (body) => body],
  ])(
    "reads an HTTP request's body, with or without a correct flag for base64: %s",
    (_, isBase64Encoded, written) => {
      const text = JSON.stringify({ alerts: [{ note: "±" }] })
      const event = { ...sample("functiongraph-apig-alertmanager"), body: written(text), isBase64Encoded }
      expect(httpRequestOf(event)?.body.toString()).toBe(text)
    },
  )

  test("accepts the names of HTTP headers in either case", () => {
    const event = {
      ...sample("functiongraph-apig-alertmanager"),
      headers: { AUTHORIZATION: "a", "X-Smn-Message-Type": "b", n: 5 },
    }
    expect(httpRequestOf(event)?.headers).toEqual({ authorization: "a", "x-smn-message-type": "b" })
  })

  test.each([
    [{ authorization: `Bearer ${TOKEN}`, Authorization: "Bearer other" }],
    [{ Authorization: "Bearer other", authorization: `Bearer ${TOKEN}` }],
  ])(
    "refuses two Authorization headers that differ only in capital letters, since it is unknown which one counts (row %#)",
    async (headers) => {
      const request = httpRequestOf({ ...sample("function-url-alertmanager"), headers })
      expect(request && (await receive(request))).toEqual(answerOf(401, "the token is wrong"))
    },
  )

  test("accepts an HTTP request without headers and body", () => {
    expect(httpRequestOf({ httpMethod: "GET", path: "/healthz", headers: null, body: null })).toEqual({
      method: "GET",
      path: "/healthz",
      headers: {},
      body: Buffer.alloc(0),
    })
  })
})

describe("the order of checks: size, token, content", () => {
  test.each(["/smn", "/sns", "/alertmanager", "/grafana", "/healthz", "/nowhere"])(
    "refuses a webhook body of 10 MB at %s as too large",
    async (path) => {
      const world = new FakeWorld()
      const request = post(path, Buffer.alloc(10_000_000, "["))
      expect(await receive(request, {}, world)).toEqual(answerOf(413, "the body is larger than 256 KB"))
      expect(world.fetched).toEqual([])
    },
  )

  test("accepts a webhook body of 256 KB, and refuses a body that is one byte longer", async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await receive(post("/alertmanager", Buffer.alloc(256 * 1024, " "), headers))).toMatchObject({
      status: 400,
    })
    expect(await receive(post("/alertmanager", Buffer.alloc(256 * 1024 + 1, " "), headers))).toMatchObject({
      status: 413,
    })
  })

  test("a webhook responds 401, rather than 400, to a malformed body without the token", async () => {
    expect(await receive(post("/alertmanager", "garbage"))).toMatchObject({ status: 401 })
  })

  test.each<[string, string | Buffer]>([
    ["empty", ""],
    ["not JSON", "{"],
    ["not UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22])],
    ["nested too deep", "[".repeat(100_000)],
    ["null", "null"],
    ["a number", "42"],
    ["a list", "[]"],
    ["an empty object", "{}"],
    ["an object with a prototype key", '{"__proto__":{"alerts":[]}}'],
    ["of wrong types", '{"alerts":"all","type":5,"Type":[]}'],
  ])("responds 400 at every webhook path to a body that is %s", async (_, body) => {
    for (const path of ["/smn", "/sns", "/alertmanager", "/grafana"]) {
      const world = new FakeWorld()
      const answer = await receive(post(path, body, { authorization: `Bearer ${TOKEN}` }), {}, world)
      expect(answer).toMatchObject({ kind: "answer", status: 400, body: { error: "malformed" } })
      expect(world.fetched).toEqual([])
    }
  })
})

describe("a misconfigured sender", () => {
  const authorization = `Bearer ${TOKEN}`
  const gzip = gzipSync('{"alerts":[]}')
  test.each<[string, string, string | Buffer | object, Record<string, string>, RegExp]>([
    ["Grafana's legacy alerting", "/grafana", sample("grafana-legacy-body"), {}, /legacy alerting.*Webhook/],
    ["gzip without a header", "/alertmanager", gzip, {}, /compressed.*Switch off compression/],
    [
      "gzip with its header",
      "/sns",
      "\u001f\ufffd",
      { "content-encoding": "gzip" },
      /compressed.*Switch off compression/,
    ],
    [
      "raw delivery of SNS by its header",
      "/sns",
      "{}",
      { "x-amz-sns-rawdelivery": "true" },
      /no signature.*Switch off `Enable raw message delivery`/,
    ],
    ["raw delivery of SNS by its body", "/sns", { AlarmArn: "arn" }, {}, /Switch off `Enable raw message/],
  ])(
    "a webhook's 400 response tells a misconfigured sender which setting to change: %s",
    async (_, path, body, headers, says) => {
      const answer = await receive(post(path, body, { authorization, ...headers }))
      expect(answer).toMatchObject({ status: 400, body: { problems: [expect.stringMatching(says)] } })
    },
  )
})

describe("an HTTP body at the wrong path", () => {
  const events = [
    "manual-request",
    "eventbridge-scheduler",
    "sns-cloudwatch-alarm",
    "functiongraph-smn-cloud-eye-alarm",
    "functiongraph-timer",
    "lambda-cloudwatch-alarm-action",
  ]
  test.each(events)(
    "every webhook path responds 400 to the format of an event that is not for webhooks: %s",
    async (name) => {
      for (const path of ["/smn", "/sns", "/alertmanager", "/grafana"]) {
        const answer = await receive(post(path, sample(name), { authorization: `Bearer ${TOKEN}` }))
        expect(answer).toMatchObject({ kind: "answer", status: 400 })
      }
    },
  )

  test("/smn does not read an Alertmanager body, and /grafana does not read an SMN body", async () => {
    const alerts = httpRequestOf(sample("function-url-alertmanager"))?.body ?? Buffer.alloc(0)
    expect(await receive(post("/smn", alerts))).toMatchObject({ status: 400 })
    expect(
      await receive(post("/grafana", notification(), { authorization: `Bearer ${TOKEN}` })),
    ).toMatchObject({ status: 400 })
  })
})

describe("the bearer token of Alertmanager and Grafana", () => {
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
    "the sample event %s with its bearer token becomes exactly its expected signal",
    async (name) => {
      expect(await receive(requestOf(name))).toEqual({ kind: "signals", signals: [signal], problems: [] })
    },
  )

  test("the sample event function-url-grafana with its bearer token becomes exactly its expected signal", async () => {
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
    ["without a scheme", { authorization: TOKEN }],
    ["empty", { authorization: "Bearer " }],
    ["wrong", { authorization: "Bearer THE-WEBHOOK-TOKEM" }],
    ["cut off", { authorization: "Bearer THE-WEBHOOK" }],
    ["too long", { authorization: `Bearer ${TOKEN}X` }],
    ["in another header", { "x-webhook-token": TOKEN }],
  ])("a bearer token is refused if it is %s", async (_, headers) => {
    for (const path of ["/alertmanager", "/grafana"]) {
      expect(await receive({ ...requestOf("function-url-alertmanager"), path, headers })).toMatchObject({
        kind: "answer",
        status: 401,
      })
    }
  })

  test("accepts the scheme of a bearer token in either case", async () => {
    const request = {
      ...requestOf("function-url-alertmanager"),
      headers: { authorization: `bearer ${TOKEN}` },
    }
    expect(await receive(request)).toMatchObject({ kind: "signals" })
  })

  test("a webhook without a configured token is closed, and the response names the setting that opens it", async () => {
    for (const authorization of [`Bearer ${TOKEN}`, "Bearer ", "Bearer null", ""]) {
      const request = { ...requestOf("function-url-alertmanager"), headers: { authorization } }
      expect(await receive(request, { webhookTokens: [] })).toEqual(
        answerOf(401, /closed.*SUPERNODE_WEBHOOK_TOKEN/),
      )
    }
  })

  test("accepts either of two bearer tokens while one replaces the other, and no third token", async () => {
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

  test("a webhook's response never repeats a bearer token", async () => {
    const answers = await Promise.all(
      ["Bearer wrong-secret", `Basic ${TOKEN}`].map((authorization) =>
        receive({ ...requestOf("function-url-alertmanager"), headers: { authorization } }),
      ),
    )
    expect(JSON.stringify(answers)).not.toMatch(/wrong-secret|THE-WEBHOOK-TOKEN/)
  })

  test("reads the readable alerts of an Alertmanager body and reports the unreadable alerts as problems", async () => {
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
