import { createSign } from "node:crypto"
import { once } from "node:events"
import { rmSync } from "node:fs"
import { connect } from "node:net"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { EXPECTED_BODY, SUPERNODE_ID } from "../corridor/corridor.ts"
import { sample } from "../signals/sample.ts"
import { confirmation, keys, notification } from "../signals/webhooks/webhook-world.ts"
import { alertBody, bearer, gate, otherAlert, Place, sharedPlace, TOKEN } from "./place.ts"

/** Signed as Amazon does, by the documented string to sign. */
function snsNotification(): Record<string, unknown> {
  const body = sample("sns-http-notification")["body"] as Record<string, unknown>
  const text = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    .flatMap((name) => (body[name] ? [`${name}\n${String(body[name])}\n`] : []))
    .join("")
  const algorithm = body["SignatureVersion"] === "1" ? "RSA-SHA1" : "RSA-SHA256"
  return { ...body, Signature: createSign(algorithm).update(text).sign(keys.private, "base64") }
}

describe("an alarm at its path is one run and at most one order", () => {
  it.each(["/alertmanager", "/grafana"])("%s answers 200 with the results", async (path) => {
    const place = await Place.open()
    const served = await place.serve()
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
    expect(place.sandbox.scaleUps.map((one) => one.body)).toEqual([EXPECTED_BODY])
  })

  it("/sns answers 200 with the results, once the signature is verified", async () => {
    const place = await Place.open()
    const served = await place.serve()
    const { status, body } = await served.post("/sns", snsNotification(), {})
    expect(status).toBe(200)
    expect(body).toMatchObject({ results: [{ outcome: { kind: "accepted" } }] })
    expect(place.sandbox.scaleUps).toHaveLength(1)
  })

  it("/smn answers 202 before the run has ended, since SMN cannot wait, and then buys once", async () => {
    const { sandbox, arrived, open } = gate()
    const place = await Place.open({ sandbox })
    place.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await place.serve()
    const { status, body } = await served.post("/smn", notification(), {})
    expect([status, body]).toEqual([
      202,
      { accepted: [expect.stringMatching(/^cloud-eye\|al1704475580412b2a4lnr3W\|/)] },
    ])
    await arrived
    expect(served.news.filter(({ kind }) => kind === "result")).toEqual([])
    open()
    expect(await served.told("result")).toMatchObject([{ result: { outcome: { kind: "accepted" } } }])
    expect(place.sandbox.scaleUps).toHaveLength(1)

    // Behind a proxy that adds a stage and a name, and a slash.
    expect((await served.post("/prod/supernode-autoscaler/smn/", notification(), {})).status).toBe(202)
    expect((await served.told("result", 2))[1]).toMatchObject({
      result: { decision: { heldBy: "duplicate" } },
    })
    expect(place.sandbox.scaleUps).toHaveLength(1)
  })

  it("/smn with one letter changed is 401, and reaches neither cloud nor ledger", async () => {
    const place = await Place.open()
    const served = await place.serve()
    const forged = { ...notification(), message: String(notification()["message"]).replace("97.08", "97.09") }
    expect((await served.post("/smn", forged, {})).status).toBe(401)
    expect(place.sandbox.requests).toEqual([])
    expect(await served.entries()).toEqual([])
  })

  it("/smn confirms a subscription to a topic of the policy", async () => {
    const served = await (await Place.open()).serve()
    expect(await served.post("/smn", confirmation({ timestamp: "2024-01-12T16:50:00Z" }), {})).toMatchObject({
      status: 200,
      body: { status: "confirmed" },
    })
  })

  it("the same alert at two processes on one ledger, at once, is one order", async () => {
    const place = await Place.open()
    const [one, other] = [await place.serve(), await place.serve()]
    const answers = await Promise.all([one.alert(), other.alert(), one.alert(), other.alert()])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    expect(place.sandbox.scaleUps).toHaveLength(1)
    expect(place.sandbox.orders).toHaveLength(1)
  })

  it("a sender that goes away stops no purchase, and its outcome is on record", async () => {
    const { sandbox, arrived, open } = gate()
    const place = await Place.open({ sandbox })
    place.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await place.serve()
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

  it("leaves the query out of the path and of every answer", async () => {
    const served = await (await Place.open()).serve()
    expect((await served.post("/alertmanager?token=A-SECRET", alertBody())).status).toBe(200)
    await served.post("/A-SECRET-OF-16-CHARACTERS", "")
    expect(JSON.stringify(served.news)).not.toContain("A-SECRET")
  })
})

describe("a request that is not an alarm", () => {
  const shared = sharedPlace()

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
  ])("%i for %s %s", async (status, method, path, body, headers) => {
    const { place, served } = shared
    const text = typeof body === "string" ? body : JSON.stringify(body)
    const answer = await served.send(method, path, { body: text, headers })
    expect(answer.status).toBe(status)
    expect(answer.body["error"]).toEqual(expect.any(String))
    expect(place.sandbox.requests).toEqual([])
  })

  it("405 says which method there is", async () => {
    const { served } = shared
    expect((await served.send("PUT", "/smn", {})).headers["allow"]).toBe("POST")
    expect((await served.send("POST", "/healthz", {})).headers["allow"]).toBe("GET, HEAD")
  })

  it("two Authorization headers are ambiguous, and so the token is wrong", async () => {
    const { served } = shared
    const headers = { authorization: [`Bearer ${TOKEN}`, "Bearer other"] }
    expect((await served.post("/alertmanager", alertBody(), headers)).status).toBe(401)
  })

  it("without SUPERNODE_WEBHOOK_TOKEN the token webhooks are closed", async () => {
    const served = await (await Place.open({ settings: { SUPERNODE_WEBHOOK_TOKEN: "" } })).serve()
    expect(await served.alert()).toMatchObject({
      status: 401,
      body: { error: expect.stringMatching(/closed/) },
    })
  })

  it.each([
    ["no HTTP at all", "\u0000\u0001garbage\r\n\r\n", 400],
    ["no Host", "GET /healthz HTTP/1.1\r\n\r\n", 400],
    [
      "two lengths",
      "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc",
      400,
    ],
    [
      "length and chunks",
      "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
      400,
    ],
    ["a broken chunk", "POST /smn HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400],
    ["headers of 20 KB", `GET /healthz HTTP/1.1\r\nHost: x\r\nA: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ])("%s", async (_, bytes, status) => {
    const { served } = shared
    expect(await served.raw(bytes)).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect((await served.get("/healthz")).status).toBe(200)
  })
})

describe("what is too much is not taken", () => {
  const head = `POST /alertmanager HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${TOKEN}\r\n`

  it("a body that says it is larger than 256 KB is 413 before a byte of it came", async () => {
    const served = await (await Place.open()).serve()
    const socket = connect(served.serving.port, "127.0.0.1")
    socket.write(`${head}Content-Length: 300000\r\n\r\n`)
    const [answer] = await once(socket, "data")
    expect(String(answer)).toMatch(/^HTTP\/1.1 413 [\s\S]*connection: close[\s\S]*larger than 256 KB/i)
    socket.destroy()
  })

  it("a body in chunks is 413 as soon as it has more, and what comes after is not waited for", async () => {
    const place = await Place.open({ limits: { lingerBytes: 300_000 } })
    const served = await place.serve()
    const chunk = `${(65_536).toString(16)}\r\n${" ".repeat(65_536)}\r\n`
    // It never ends: the other side has to.
    const got = await served.raw(
      `${head}Transfer-Encoding: chunked\r\n\r\n`,
      ...Array.from({ length: 40 }, () => chunk),
    )
    expect(got).toMatch(/^HTTP\/1.1 413 /)
    expect(place.sandbox.requests).toEqual([])
  })

  it("a sender that falls silent after too much is let go, too", async () => {
    const place = await Place.open()
    const served = await place.serve()
    const socket = connect(served.serving.port, "127.0.0.1")
    socket.write(`${head}Content-Length: 300000\r\n\r\nabc`)
    await once(socket, "data")
    expect(place.timer.waiting).toBe(2)
    place.timer.pass(1_000)
    await once(socket, "close")
    expect(place.timer.waiting).toBe(1)
  })

  it("256 KB are read", async () => {
    const served = await (await Place.open()).serve()
    expect((await served.post("/alertmanager", " ".repeat(256 * 1024))).status).toBe(400)
    expect((await served.post("/alertmanager", " ".repeat(256 * 1024 + 1))).status).toBe(413)
  })

  it.each([
    ["no byte", ""],
    ["half a header", "POST /smn HTTP/1.1\r\nHost: x\r\nA: "],
    ["half a body", "POST /smn HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc"],
  ])("a client that sends %s and then nothing is let go with 408", async (_, bytes) => {
    const served = await (await Place.open({ limits: { headersMs: 40, requestMs: 60, checkMs: 10 } })).serve()
    expect(await served.raw(bytes)).toMatch(/^HTTP\/1.1 408 /)
  })

  it("an idle connection is not kept", async () => {
    const served = await (await Place.open({ limits: { keepAliveMs: 1, checkMs: 10 } })).serve()
    expect(await served.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).toMatch(/^HTTP\/1.1 200 /)
  })

  it("no more connections than allowed are open at once", async () => {
    const served = await (await Place.open({ limits: { connections: 1 } })).serve()
    const first = connect(served.serving.port, "127.0.0.1")
    await once(first, "connect")
    expect(await served.raw("GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")).toBe("")
    first.destroy()
  })

  it("more alarms than can wait are sent away with 503 and when to come again; those that wait get their turn", async () => {
    const { sandbox, arrived, open } = gate()
    const place = await Place.open({ sandbox, limits: { inside: 1, waiting: 1 } })
    place.sandbox.failNext("scale-up", { delayMs: 1 })
    const served = await place.serve()
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
    expect(place.sandbox.scaleUps).toHaveLength(1)
  })
})

describe("a request that cannot be answered now gets 5xx, so that it is sent again", () => {
  it("503 where the ledger cannot be read, and nothing is bought", async () => {
    const place = await Place.open()
    const served = await place.serve()
    await served.alert()
    rmSync(join(place.folder, "ledger.db"))
    const answer = await served.post("/alertmanager", otherAlert("aaaa"))
    expect(answer).toMatchObject({ status: 503, headers: { "retry-after": "30" }, body: { results: [] } })
    expect(answer.body["error"]).toBe("the ledger could not be read or written")
    expect(served.news).toContainEqual(
      expect.objectContaining({ kind: "failed", what: "POST /alertmanager", error: expect.any(Error) }),
    )
    expect(place.sandbox.scaleUps).toHaveLength(1)
  })

  it("500 where there are no keys, and the answer says no more than that", async () => {
    const place = await Place.open({ settings: { HUAWEICLOUD_SDK_AK: "", HUAWEICLOUD_SDK_SK: "" } })
    const served = await place.serve()
    expect(await served.alert()).toMatchObject({
      status: 500,
      body: { error: "the request failed; see the log", results: [] },
    })
  })
})
