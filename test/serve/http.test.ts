import { createSign } from "node:crypto"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXPECTED_BODY, SUPERNODE_ID } from "../corridor/corridor.ts"
import { sample } from "../signals/sample.ts"
import { confirmation, keys, notification } from "../signals/webhooks/webhook-world.ts"
import { alertBody, bearer, gate, otherAlert, ServeFixture, sharedFixture, TOKEN } from "./fixture.ts"

/** SNS notification, signed as Amazon documents it. */
function snsNotification(): Record<string, unknown> {
  const body = sample("sns-http-notification")["body"] as Record<string, unknown>
  const text = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    .flatMap((name) => (body[name] ? [`${name}\n${String(body[name])}\n`] : []))
    .join("")
  const algorithm = body["SignatureVersion"] === "1" ? "RSA-SHA1" : "RSA-SHA256"
  return { ...body, Signature: createSign(algorithm).update(text).sign(keys.private, "base64") }
}

describe("an alarm at the path of a webhook gives one run and at most one order", () => {
  it.each(["/alertmanager", "/grafana"])(
    "%s responds 200 to an alarm with the results of its run",
    async (path) => {
      const fixture = await ServeFixture.open()
      const served = await fixture.serve()
      const { status, headers, body } = await served.post(path, alertBody())
      expect([status, headers["content-type"]]).toEqual([200, "application/json"])
      expect(body).toMatchObject({
        results: [
          {
            supernode: "train-a",
            mode: "live",
            decision: { kind: "scale-up", heldBy: null },
            outcome: { kind: "accepted" },
            entry: { stream: `supernode:${SUPERNODE_ID}`, seq: 2 },
          },
        ],
      })
      expect(fixture.sandbox.scaleUps.map((one) => one.body)).toEqual([EXPECTED_BODY])
    },
  )

  it("/sns responds 200 to an alarm with the results of its run once the signature is verified", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    const { status, body } = await served.post("/sns", snsNotification(), {})
    expect(status).toBe(200)
    expect(body).toMatchObject({ results: [{ outcome: { kind: "accepted" } }] })
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
  })

  it("/smn responds 202 before the run ends, since SMN cannot wait, and then buys once", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const { status, body } = await served.post("/smn", notification(), {})
    expect([status, body]).toEqual([
      202,
      { accepted: [expect.stringMatching(/^cloud-eye\|al1704475580412b2a4lnr3W\|/)] },
    ])
    await arrived
    expect(served.news.filter(({ kind }) => kind === "result")).toEqual([])
    open()
    expect(await served.told("result")).toMatchObject([{ result: { outcome: { kind: "accepted" } } }])
    expect(fixture.sandbox.scaleUps).toHaveLength(1)

    // Sent through a proxy that adds a stage and a name before the path and a slash after it.
    expect((await served.post("/prod/supernode-autoscaler/smn/", notification(), {})).status).toBe(202)
    expect((await served.told("result", 2))[1]).toMatchObject({
      result: { decision: { heldBy: "duplicate" } },
    })
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
  })

  it("/smn responds 401 to a message with one character changed, which reaches neither cloud nor ledger", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    const forged = { ...notification(), message: String(notification()["message"]).replace("97.08", "97.09") }
    expect((await served.post("/smn", forged, {})).status).toBe(401)
    expect(fixture.sandbox.requests).toEqual([])
    expect(await served.entries()).toEqual([])
  })

  it("/smn confirms a subscription to a topic of the policy", async () => {
    const served = await (await ServeFixture.open()).serve()
    expect(await served.post("/smn", confirmation({ timestamp: "2024-01-12T16:50:00Z" }), {})).toMatchObject({
      status: 200,
      body: { status: "confirmed" },
    })
  })

  it("the same alert sent at once to two processes on one ledger gives one order", async () => {
    const fixture = await ServeFixture.open()
    const [one, other] = [await fixture.serve(), await fixture.serve()]
    const answers = await Promise.all([one.alert(), other.alert(), one.alert(), other.alert()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
    expect(fixture.sandbox.orders).toHaveLength(1)
  })

  it("a purchase goes on if the sender of its alert disconnects, and the ledger records the outcome", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const socket = connect(served.serving.port, "127.0.0.1")
    const body = alertBody()
    socket.write(
      `POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    )
    await arrived
    socket.destroy()
    open()
    await served.told("result")
    expect((await served.entries()).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it("serve emits no event with a request's query or with an unknown path", async () => {
    const served = await (await ServeFixture.open()).serve()
    expect((await served.post("/alertmanager?token=A-SECRET", alertBody())).status).toBe(200)
    await served.post("/A-SECRET-OF-16-CHARACTERS", "")
    expect(JSON.stringify(served.news)).not.toContain("A-SECRET")
  })
})

describe("a request that is not an alarm", () => {
  const shared = sharedFixture()

  it.each<[number, string, string, string | object, Record<string, string>]>([
    [400, "POST", "/alertmanager", "{", bearer()],
    [400, "POST", "/smn", "garbage", {}],
    [
      400,
      "POST",
      "/alertmanager",
      { supernode: "train-a", requestedBy: "a", why: "b", mode: "live" },
      bearer(),
    ],
    [401, "POST", "/alertmanager", alertBody(), {}],
    [401, "POST", "/grafana", alertBody(), bearer("wrong")],
    [404, "POST", "/manual", "{}", bearer()],
    [404, "GET", "/nothing", "", {}],
    [405, "GET", "/alertmanager", "", bearer()],
    [405, "DELETE", "/healthz", "", {}],
  ])(
    "serve responds %i to %s %s, and sends nothing to the cloud (case %#)",
    async (status, method, path, body, headers) => {
      const { fixture, served } = shared
      const text = typeof body === "string" ? body : JSON.stringify(body)
      const answer = await served.send(method, path, { body: text, headers })
      expect(answer.status).toBe(status)
      expect(answer.body["error"]).toEqual(expect.any(String))
      expect(fixture.sandbox.requests).toEqual([])
    },
  )

  it("a 405 response of serve names the allowed methods", async () => {
    const { served } = shared
    expect((await served.send("PUT", "/smn", {})).headers["allow"]).toBe("POST")
    expect((await served.send("POST", "/healthz", {})).headers["allow"]).toBe("GET, HEAD")
  })

  it("serve responds 401 to two Authorization headers, since they are ambiguous", async () => {
    const { served } = shared
    const headers = { authorization: [`Bearer ${TOKEN}`, "Bearer other"] }
    expect((await served.post("/alertmanager", alertBody(), headers)).status).toBe(401)
  })

  it("without SUPERNODE_WEBHOOK_TOKEN, serve closes the webhooks that need a token", async () => {
    const served = await (await ServeFixture.open({ settings: { SUPERNODE_WEBHOOK_TOKEN: "" } })).serve()
    expect(await served.alert()).toMatchObject({
      status: 401,
      body: { error: expect.stringMatching(/closed/) },
    })
  })

  it.each([
    ["bytes that are not HTTP", "\u0000\u0001garbage\r\n\r\n", 400],
    ["no Host header", "GET /healthz HTTP/1.1\r\n\r\n", 400],
    [
      "two Content-Length headers",
      "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      400,
    ],
    [
      "a length and chunks",
      "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a broken chunk", "POST /smn HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
    ["headers of 20 KB", `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ])("serve rejects a request with %s, and still responds to the next request", async (_, bytes, status) => {
    const { served } = shared
    expect(await served.raw(bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await served.get("/healthz")).status).toBe(200)
  })
})

describe("limits of requests and connections", () => {
  const head = `POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`

  it("serve responds 413 to a Content-Length of more than 256 KB before any byte of the body arrives", async () => {
    const served = await (await ServeFixture.open()).serve()
    const socket = connect(served.serving.port, "127.0.0.1")
    socket.write(`${head}Content-Length: 300000\r\n\r\n`)
    const [answer] = await once(socket, "data")
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*larger than 256 KB/i)
    socket.destroy()
  })

  it("serve responds 413 to a chunked body once the body exceeds 256 KB, without waiting for its end", async () => {
    const fixture = await ServeFixture.open({ limits: { lingerBytes: 300_000 } })
    const served = await fixture.serve()
    const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`
    // The body never ends, so the server must close the connection.
    const got = await served.raw(
      `${head}Transfer-Encoding: chunked\r\n\r\n`,
      ...Array.from({ length: 40 }, () => chunk),
    )
    expect(got).toMatch(/^HTTP\/1.1 413 /)
    expect(fixture.sandbox.requests).toEqual([])
  })

  it("serve closes the connection of a sender that falls silent after a 413 response", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    const socket = connect(served.serving.port, "127.0.0.1")
    socket.write(`${head}Content-Length: 300000\r\n\r\nabc`)
    await once(socket, "data")
    expect(fixture.timer.waiting).toBe(2)
    fixture.timer.pass(1_000)
    await once(socket, "close")
    expect(fixture.timer.waiting).toBe(1)
  })

  it("serve reads a body of 256 KB, and responds 413 to a body that is one byte longer", async () => {
    const served = await (await ServeFixture.open()).serve()
    expect((await served.post("/alertmanager", " ".repeat(256 * 1024))).status).toBe(400)
    expect((await served.post("/alertmanager", " ".repeat(256 * 1024 + 1))).status).toBe(413)
  })

  it.each([
    ["no byte", ""],
    ["half a header", "POST /smn HTTP/1.1\r\nHost: x\r\nA: "],
    ["half a body", "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"],
  ])("serve responds 408 to a client that sends %s and then falls silent", async (_, bytes) => {
    const served = await (
      await ServeFixture.open({ limits: { headersMs: 40, requestMs: 60, checkMs: 10 } })
    ).serve()
    expect(await served.raw(bytes)).toMatch(/^HTTP\/1.1 408 /)
  })

  it("serve closes an idle connection", async () => {
    const served = await (await ServeFixture.open({ limits: { keepAliveMs: 1, checkMs: 10 } })).serve()
    expect(await served.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^HTTP\/1.1 200 /)
  })

  it("serve closes a new connection beyond the limit of open connections", async () => {
    const served = await (await ServeFixture.open({ limits: { connections: 1 } })).serve()
    const first = connect(served.serving.port, "127.0.0.1")
    await once(first, "connect")
    expect(await served.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).toBe("")
    first.destroy()
  })

  it("serve responds 503 with Retry-After to alarms for which its queue has no room, and runs the queued alarms", async () => {
    const { sandbox, arrived, open } = gate()
    const fixture = await ServeFixture.open({ sandbox, limits: { inside: 1, waiting: 1 } })
    fixture.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await fixture.serve()
    const first = served.alert()
    await arrived
    expect((await served.post("/smn", notification(), {})).status).toBe(202)
    const refused = await served.post("/alertmanager", otherAlert("aaaa"))
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "30" } })
    expect((await served.get("/healthz")).body).toMatchObject({ status: "ok", running: 1, waiting: 1 })
    open()
    expect(await first).toMatchObject({ status: 200, body: { results: [{ outcome: { kind: "accepted" } }] } })
    await served.told("result", 2)
    expect((await served.post("/alertmanager", otherAlert("aaaa"))).status).toBe(200)
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
  })
})

describe("responds 5xx to a request that cannot be handled now, so that its sender repeats it", () => {
  it("serve responds 503 to an alarm if the ledger cannot be read, and buys nothing", async () => {
    const fixture = await ServeFixture.open()
    const served = await fixture.serve()
    await served.alert()
    rmSync(join(fixture.folder, "ledger.db"))
    const answer = await served.post("/alertmanager", otherAlert("aaaa"))
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "30" }, body: { results: [] } })
    expect(answer.body["error"]).toBe("the ledger could not be read or written")
    expect(served.news).toContainEqual(
      expect.objectContaining({ kind: "failed", what: "POST /alertmanager", error: expect.any(Error) }),
    )
    expect(fixture.sandbox.scaleUps).toHaveLength(1)
  })

  it("serve responds 500 without details to an alarm if the keys of the cloud are missing", async () => {
    const fixture = await ServeFixture.open({ settings: { HUAWEICLOUD_SDK_AK: "", HUAWEICLOUD_SDK_SK: "" } })
    const served = await fixture.serve()
    expect(await served.alert()).toMatchObject({
      status: 500,
      body: { error: "the request failed; see the log", results: [] },
    })
  })
})
