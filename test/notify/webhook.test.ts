import { createHmac } from "node:crypto"
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createHttpsServer } from "node:https"
import { gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import { FORMATS } from "../../lib/notify/formats.ts"
import { messageOf } from "../../lib/notify/message.ts"
import { sendToWebhook, type Webhook } from "../../lib/notify/webhook.ts"
import { certificateFor, type TestCertificate } from "../huawei/certificates.ts"
import { freePort } from "../world/loopback.ts"
import { portForTest } from "../world/loopback-for-test.ts"
import { noticeOf } from "./notice.ts"

// Over the wire: a real server on loopback responds in all the ways that a webhook can.

/** Time limit that no test reaches, however busy the machine is. */
const PATIENT_MS = 600_000
const PATH = "/services/T0/B0/SECRET?key=SECRET"

interface Received {
  method: string | undefined
  url: string | undefined
  headers: IncomingMessage["headers"]
  body: string
}

type Answer = (response: ServerResponse, request: IncomingMessage) => void

/** Starts a webhook that responds by `answer` and records all that it receives. */
async function webhookThat(answer: Answer, tls?: TestCertificate) {
  const received: Received[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    received.push({ method: request.method, url: request.url, headers: request.headers, body })
    answer(response, request)
  }
  const listener = (request: IncomingMessage, response: ServerResponse) => void serve(request, response)
  const server = tls ? createHttpsServer(tls, listener) : createHttpServer(listener)
  const port = await portForTest(server)
  return { received, port, address: `${tls ? "https://localhost" : "http://127.0.0.1"}:${port}${PATH}` }
}

const NOW = Date.parse("2024-01-12T17:00:00Z")
const SIGNING = { secret: null, now: NOW }

interface PendingAction extends Partial<Pick<Webhook, "format" | "secret">> {
  tls?: { ca: string }
}

function tellBy(
  address: string,
  timeoutMs = 5_000,
  { format = "json", secret = null, tls }: PendingAction = {},
) {
  const options = { now: () => NOW, timeoutMs, network: tls ? { tls } : {} }
  return sendToWebhook({ address, format, secret }, messageOf(noticeOf()), options)
}

const says =
  (status: number, headers: Record<string, string> = {}, body: string | Buffer = "ok"): Answer =>
  (response) =>
    response.writeHead(status, headers).end(body)

describe("a webhook that accepts the notification", () => {
  it("a webhook gets one POST of the notification as plain JSON", async () => {
    const { received, address } = await webhookThat(says(200))
    expect(await tellBy(address, PATIENT_MS)).toEqual({ ok: true })
    expect(received).toHaveLength(1)
    expect(received[0]).toMatchObject({
      method: "POST",
      url: PATH,
      headers: { "content-type": "application/json", "user-agent": "supernode-autoscaler" },
    })
    expect(received[0]?.headers).not.toHaveProperty("authorization")
    expect(JSON.parse(received[0]?.body ?? "")).toEqual(FORMATS.json.body(messageOf(noticeOf()), SIGNING))
  })

  it.each<[string, Answer]>([
    ["202", says(202)],
    ["204 without a body", (response) => response.writeHead(204).end()],
    ["a status whose body never ends", (response) => response.writeHead(200).write("o")],
    ["a status and a body of megabytes", says(200, {}, "x".repeat(5_000_000))],
  ])("a notification is sent if the webhook responds with %s", async (_, answer) => {
    const { address } = await webhookThat(answer)
    expect(await tellBy(address, PATIENT_MS)).toEqual({ ok: true })
  })

  it("a webhook may need a name and a password, which are part of its address", async () => {
    const { received, port } = await webhookThat(says(200))
    const address = `http://me:p%40ss@127.0.0.1:${port}/x`
    expect(await tellBy(address, PATIENT_MS)).toEqual({ ok: true })
    expect(received[0]?.headers.authorization).toBe(`Basic ${Buffer.from("me:p@ss").toString("base64")}`)
  })

  it("a webhook may use https with a trusted certificate", async () => {
    const certificate = await certificateFor("localhost")
    const { address } = await webhookThat(says(200), certificate)
    expect(await tellBy(address, PATIENT_MS, { tls: { ca: certificate.cert } })).toEqual({ ok: true })
  })
})

describe("a webhook that fails is reported without its address and is called once", () => {
  it.each<[string, Answer, string]>([
    ["500", says(500, {}, "SECRET"), "the webhook answered 500"],
    ["404", says(404, {}, "no_service SECRET"), "the webhook answered 404"],
    ["429", says(429, { "retry-after": "1" }), "the webhook answered 429"],
    [
      "a reset",
      (_, request) => request.socket.destroy(),
      "the webhook returned no readable response (UND_ERR_SOCKET)",
    ],
    [
      "bytes that are not HTTP",
      (_, request) => request.socket.end("SECRET\r\n\r\n"),
      "the webhook returned no readable response",
    ],
  ])(
    "a webhook that responds with %s is reported without its address and called once",
    async (_, answer, why) => {
      const { received, address } = await webhookThat(answer)
      expect(await tellBy(address, PATIENT_MS)).toEqual({ ok: false, why })
      expect(received).toHaveLength(1)
    },
  )

  it.each([301, 302, 303, 307, 308])(
    "a redirect (%i) of a webhook is reported and not followed",
    async (status) => {
      const other = await webhookThat(says(200))
      const { received, address } = await webhookThat(says(status, { location: other.address }))
      expect(await tellBy(address, PATIENT_MS)).toEqual({
        ok: false,
        why: `the webhook answered ${status}, and redirects are not followed`,
      })
      expect(received).toHaveLength(1)
      expect(other.received).toEqual([])
    },
  )

  it("a webhook that does not respond within the time limit is reported", async () => {
    const { received, address } = await webhookThat(() => undefined)
    expect(await tellBy(address, 60.5)).toEqual({
      ok: false,
      why: "the webhook did not respond within 60 ms",
    })
    expect(received).toHaveLength(1)
  })

  it("a webhook at a port without a listener is reported", async () => {
    const address = `http://127.0.0.1:${await freePort()}${PATH}`
    expect(await tellBy(address, PATIENT_MS)).toEqual({
      ok: false,
      why: "the webhook returned no readable response (ECONNREFUSED)",
    })
  })

  it("a webhook with an untrusted certificate is reported before anything is sent", async () => {
    const { received, address } = await webhookThat(says(200), await certificateFor("localhost"))
    expect(await tellBy(address, PATIENT_MS)).toEqual({
      ok: false,
      why: "the webhook returned no readable response (DEPTH_ZERO_SELF_SIGNED_CERT)",
    })
    expect(received).toEqual([])
  })

  it.each(["http://192.0.2.1/SECRET", "http://hooks.invalid/SECRET", "ftp://localhost/SECRET", "SECRET"])(
    "a webhook with an insecure address is never called: %s",
    async (address) => {
      expect(await tellBy(address, PATIENT_MS)).toEqual({
        ok: false,
        why: "the webhook is not https, and plain http is allowed only to this machine",
      })
    },
  )
})

describe("the response of a vendor's webhook", () => {
  const json = (body: unknown): Answer =>
    says(200, { "content-type": "application/json" }, JSON.stringify(body))
  const failed = (why: string) => ({ ok: false, why: `the webhook ${why}` })
  const TAKEN = { ok: true }

  it.each<[Webhook["format"], string, Answer, object]>([
    ["feishu", "code 0", json({ code: 0, msg: "success", data: {} }), TAKEN],
    [
      "feishu",
      "code 9499",
      json({ code: 9499, msg: "Bad Request", data: {} }),
      failed("answered 200 with code 9499: Bad Request"),
    ],
    [
      "feishu",
      "code 19021",
      json({ code: 19021, msg: "sign match fail" }),
      failed("answered 200 with code 19021: sign match fail"),
    ],
    [
      "feishu",
      "code 9499 in gzip that was not requested",
      says(200, { "content-encoding": "gzip" }, gzipSync(JSON.stringify({ code: 9499, msg: "Bad Request" }))),
      failed("answered 200 with code 9499: Bad Request"),
    ],
    ["feishu", "no code", json({ msg: "success" }), failed("answered 200 with a body without code")],
    ["feishu", "a code as a string", json({ code: "0" }), failed("answered 200 with code 0")],
    ["dingtalk", "errcode 0", json({ errcode: 0, errmsg: "ok" }), TAKEN],
    [
      "dingtalk",
      "errcode 310000",
      json({ errcode: 310000, errmsg: "keywords not in content" }),
      failed("answered 200 with code 310000: keywords not in content"),
    ],
    ["wecom", "errcode 0", json({ errcode: 0, errmsg: "ok" }), TAKEN],
    [
      "wecom",
      "errcode 40008",
      json({ errcode: 40008, errmsg: "invalid message type" }),
      failed("answered 200 with code 40008: invalid message type"),
    ],
    [
      "wecom",
      "a proxy's HTML page",
      says(200, {}, "<html>login</html>"),
      failed("answered 200 with a body that is not the vendor's JSON"),
    ],
    [
      "wecom",
      "an empty body",
      says(200, {}, ""),
      failed("answered 200 with a body that is not the vendor's JSON"),
    ],
    [
      "wecom",
      "a truncated body",
      (response) => response.writeHead(200).write('{"errcode":0', () => response.destroy()),
      failed("answered 200 with a body that is incomplete or cannot be read"),
    ],
    [
      "wecom",
      "a redirect",
      says(302, { location: "http://127.0.0.1:1/" }, ""),
      failed("answered 302, and redirects are not followed"),
    ],
    ["slack", "ok", says(200, {}, "ok"), TAKEN],
    ["slack", "other text", says(200, {}, "no_text"), failed('answered 200 with not "ok" but no_text')],
    ["slack", "404 no_service", says(404, {}, "no_service"), failed("answered 404 with no_service")],
    [
      "json",
      "an errcode",
      json({ errcode: 40008, errmsg: "invalid message type" }),
      failed("answered 200 with code 40008: invalid message type"),
    ],
    [
      "json",
      "ok: false",
      json({ ok: false, error: "invalid_auth" }),
      failed("answered 200 with code invalid_auth"),
    ],
    [
      "json",
      "Feishu's refusal of a body in another format",
      json({ code: 9499, msg: "Bad Request", data: {} }),
      failed("answered 200 with code 9499: Bad Request"),
    ],
    ["json", "a code like an HTTP status counts as delivered", json({ code: 200, msg: "fine" }), TAKEN],
    ["json", "JSON of an unknown form counts as delivered", json({ code: 200, message: "fine" }), TAKEN],
  ])("the result of a %s webhook is read from its response: %s", async (format, _, answer, expected) => {
    const { received, address } = await webhookThat(answer)
    const ended = await tellBy(address, 5_000, { format })
    expect(ended).toEqual(expected)
    expect(received).toHaveLength(1)
  })

  it("a webhook's error is short and leaves out an address and a secret that the vendor's response repeats", async () => {
    const body = (path: string) => ({
      errcode: 93000,
      errmsg: `no robot at ${path}\u001b[8m SECRET-KEY ${"x".repeat(500)}`,
    })
    const { address, port } = await webhookThat((response, request) =>
      response.end(JSON.stringify(body(`${request.headers.host}${request.url}`))),
    )
    const ended = await tellBy(address, 5_000, { format: "dingtalk", secret: "SECRET-KEY" })
    const text = JSON.stringify(ended)
    expect(ended.ok).toBe(false)
    for (const secret of [`127.0.0.1:${port}`, "/services/T0", "SECRET", "\\u001b"])
      expect(text).not.toContain(secret)
    expect(text.length).toBeLessThan(320)
  })

  it("the response of a group robot's webhook is awaited until the time limit", async () => {
    const { address } = await webhookThat((response) => response.writeHead(200).write("{"))
    expect(await tellBy(address, 100, { format: "wecom" })).toEqual(
      failed("answered 200 with a body that is incomplete or cannot be read"),
    )
  })
})

describe("the body for a vendor's webhook", () => {
  it.each<[Webhook["format"], object]>([
    ["slack", { text: expect.stringMatching(/^train-a: /) }],
    [
      "feishu",
      { msg_type: "text", content: { text: expect.stringMatching(/^\[supernode-autoscaler\] train-a: /) } },
    ],
    [
      "dingtalk",
      { msgtype: "text", text: { content: expect.stringMatching(/^\[supernode-autoscaler\] train-a: /) } },
    ],
    [
      "wecom",
      { msgtype: "text", text: { content: expect.stringMatching(/^\[supernode-autoscaler\] train-a: /) } },
    ],
  ])("the body for a %s webhook has its documented form", async (format, body) => {
    const { received, address } = await webhookThat(says(200))
    await tellBy(address, 5_000, { format })
    expect(JSON.parse(received[0]?.body ?? "")).toEqual(body)
  })

  it("a notification for Feishu is signed in the body, with seconds", async () => {
    const { received, address } = await webhookThat(says(200))
    await tellBy(address, 5_000, { format: "feishu", secret: "demo" })
    const timestamp = String(NOW / 1_000)
    const sign = createHmac("sha256", `${timestamp}\ndemo`).update("").digest("base64")
    expect(JSON.parse(received[0]?.body ?? "")).toMatchObject({ timestamp, sign })
  })

  it("a notification for DingTalk is signed in the address, with milliseconds", async () => {
    const { received, address } = await webhookThat(says(200))
    await tellBy(address, 5_000, { format: "dingtalk", secret: "SECdemo" })
    const { searchParams } = new URL(received[0]?.url ?? "", "http://localhost")
    const sign = createHmac("sha256", "SECdemo").update(`${NOW}\nSECdemo`).digest("base64")
    expect(Object.fromEntries(searchParams)).toEqual({ key: "SECRET", timestamp: String(NOW), sign })
  })
})
