import { createHmac } from "node:crypto"
import { describe, expect, it } from "vitest"
import { buy } from "../../../lib/huawei/purchase/live-scale-up.ts"
import { canonicalRequest } from "../../../lib/huawei/signature.ts"
import { KEYS, NOW, POLICY, PROJECT, SUPERNODE } from "../fixture.ts"
import { answer, says, wireOf } from "../wire.ts"
import { DEPS, digestOf, FLAVOR, orderTo } from "./order.ts"

const TOKEN = `${"MIIToken+/=".repeat(30)}end`

describe("the purchase request on the wire", () => {
  it("a purchase sends exactly the bytes of the plan with its userdata, and signs the request", async () => {
    const raw = "#!/bin/sh\necho héllo\n"
    const userdata = Buffer.from(raw).toString("base64")
    const wire = await wireOf(says(answer(200, { id: SUPERNODE })))
    const endpoint = `http://127.0.0.1:${wire.port}`
    const parts = {
      key_pair_name: "KeyPair-42c4",
      root_volume: { size: 200, type: "ESSD" },
      data_volume: { size: 1000, type: "GPSSD", count: 2 },
    }
    const order = orderTo({ endpoint, userdata, body: { ...parts, userdata: digestOf(raw) } })
    const temporary = { ...KEYS, securityToken: "tok/en+==" }
    expect((await buy(order, { ...DEPS, credentials: () => Promise.resolve(temporary) })).kind).toBe(
      "accepted",
    )

    const body = JSON.stringify({ flavor: FLAVOR, image_id: POLICY.order.image_id, ...parts, userdata })
    const path = `/v1/${PROJECT}/dev-servers/hyperinstance/${SUPERNODE}/live-scale-up`
    const host = `127.0.0.1:${wire.port}`
    const named = {
      "content-type": "application/json",
      host,
      "x-project-id": PROJECT,
      "x-sdk-date": "20260101T000000Z",
      "x-security-token": temporary.securityToken,
    }
    const canonical = canonicalRequest({
      method: "POST",
      url: new URL(endpoint + path),
      headers: named,
      body,
    })
    const signature = createHmac("sha256", KEYS.sk)
      .update(`SDK-HMAC-SHA256\n20260101T000000Z\n${await sha256(canonical)}`)
      .digest("hex")
    expect(wire.received()).toBe(
      [
        `POST ${path} HTTP/1.1`,
        `host: ${host}`,
        "connection: close",
        "content-type: application/json",
        `x-project-id: ${PROJECT}`,
        "x-sdk-date: 20260101T000000Z",
        `x-security-token: ${temporary.securityToken}`,
        `authorization: SDK-HMAC-SHA256 Access=${KEYS.ak}, SignedHeaders=${Object.keys(named).join(";")}, Signature=${signature}`,
        "accept-encoding: identity",
        `content-length: ${Buffer.byteLength(body)}`,
        "",
        body,
      ].join("\r\n"),
    )
  })

  it("the purchase request has no unplanned userdata, and keeps the path prefix of its endpoint", async () => {
    const wire = await wireOf(says(answer(200, { id: SUPERNODE })))
    const order = orderTo({ endpoint: `http://127.0.0.1:${wire.port}/gateway` })
    expect((await buy(order, DEPS)).kind).toBe("accepted")
    const [head = "", body] = wire.received().split("\r\n\r\n")
    expect(head).toMatch(/^POST \/gateway\/v1\//)
    expect(JSON.parse(body ?? "")).toEqual({ flavor: FLAVOR, image_id: POLICY.order.image_id })
  })

  it("each purchase fetches credentials anew, and signs with the time when its connection opens", async () => {
    const wire = await wireOf(says(answer(200, { id: SUPERNODE })))
    let asked = 0
    const credentials = () => Promise.resolve({ ...KEYS, ak: `ACCESSKEY${++asked}` })
    let connected = false
    const clock = { now: () => (connected ? NOW + 7_000 : NOW), monotonic: () => 1_000 }
    const order = orderTo({ endpoint: `http://localhost:${wire.port}` })
    const lookup = (
      _host: string,
      _options: object,
      callback: (error: null, address: { address: string; family: number }[]) => void,
    ) => {
      connected = true
      callback(null, [{ address: "127.0.0.1", family: 4 }])
    }
    await buy(order, { credentials, clock, lookup })
    await buy(order, { credentials, clock, lookup })
    expect(wire.received().match(/Access=\w+/g)).toEqual(["Access=ACCESSKEY1", "Access=ACCESSKEY2"])
    expect(wire.received()).toContain("x-sdk-date: 20260101T000007Z")
    expect([wire.requestLines(), wire.connections()]).toEqual([2, 2])
  })

  it("ten purchases at once are ten requests over ten connections, and each gets its own response", async () => {
    const wire = await wireOf({
      onRequest: (socket, request) =>
        socket.write(answer(200, { id: SUPERNODE, order_id: /"image_id":"([^"]+)"/.exec(request)?.[1] })),
    })
    const images = Array.from({ length: 10 }, (_, i) => `0000000${i}-0000-4000-8000-000000000000`)
    const outcomes = await Promise.all(
      images.map((image_id) =>
        buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}`, body: { image_id } }), DEPS),
      ),
    )
    expect(outcomes.map((outcome) => outcome.kind === "accepted" && outcome.orderId)).toEqual(images)
    expect([wire.requestLines(), wire.connections()]).toEqual([10, 10])
  })
})

describe("the raw response in an outcome", () => {
  const buyWithBody = async (body: string, status = 400) => {
    const wire = await wireOf(says(answer(status, body, { "x-request-id": `r ${KEYS.ak}` })))
    const raw = "export PASSWORD=hunter2-hunter2"
    const order = orderTo({
      endpoint: `http://127.0.0.1:${wire.port}`,
      userdata: Buffer.from(raw).toString("base64"),
      body: { userdata: digestOf(raw) },
    })
    return await buy(order, {
      ...DEPS,
      credentials: () => Promise.resolve({ ...KEYS, securityToken: TOKEN }),
    })
  }
  const rawOf = async (body: string) => {
    const outcome = await buyWithBody(body)
    return outcome.kind === "not-sent" ? null : outcome.raw
  }

  it("a purchase's raw response is kept whole up to 1 MB", async () => {
    const body = "x".repeat(1_048_576)
    expect(await rawOf(body)).toEqual({ body, bytes: 1_048_576, truncated: false })
  })

  it("a purchase's raw response is never truncated within a character", async () => {
    const raw = await rawOf(`x${"€".repeat(400_000)}`)
    expect(raw).toMatchObject({ truncated: true })
    expect(raw?.body).toMatch(/^x€+$/)
  })

  it("a purchase's response of more than 1 MB is not read to its end, and its content is ignored", async () => {
    const outcome = await buyWithBody(`{"id":"${SUPERNODE}","x":"${"x".repeat(1_100_000)}"}`, 200)
    expect(outcome).toMatchObject({
      kind: "unknown",
      reason: "answer-too-large",
      says: expect.stringContaining("the response is larger than 1048576 bytes"),
      status: 200,
      raw: { truncated: true },
    })
  })

  it.each([
    [1_048_576, "accepted"],
    [1_048_577, "unknown"],
  ])("a purchase response of %i bytes that names the supernode makes the outcome %s", async (bytes, kind) => {
    const body = JSON.stringify({ id: SUPERNODE }).padEnd(bytes)
    expect((await buyWithBody(body, 200)).kind).toBe(kind)
  })

  it("the response of an accepted order is read and kept whole if it is larger than 64 KB", async () => {
    const outcome = await buyWithBody(
      `{"x":"${"x".repeat(200_000)}","id":"${SUPERNODE}","order_id":"CS1"}`,
      200,
    )
    expect(outcome).toMatchObject({
      kind: "accepted",
      orderId: "CS1",
      raw: { bytes: 200_069, truncated: false },
    })
  })

  it("a purchase's outcome keeps at most 256 server ids of the response, so that its entry is not too big", async () => {
    const servers = Array.from({ length: 10_000 }, (_, i) => ({ id: `server-${i}` }))
    const outcome = await buyWithBody(JSON.stringify({ id: SUPERNODE, servers }), 200)
    expect(outcome.kind === "accepted" && outcome.servers.length).toBe(256)
  })

  it("a purchase's outcome has no key, token or userdata that the response echoes plain, escaped or truncated", async () => {
    const raw = "export PASSWORD=hunter2-hunter2"
    const base64 = Buffer.from(raw).toString("base64")
    const echo = {
      error_code: `ModelArts.${KEYS.ak}`,
      error_msg: `AK ${KEYS.ak} and SK ${KEYS.sk} with ${TOKEN} for ${base64}`,
      escaped: encodeURIComponent(TOKEN),
      raw,
    }
    const body = `${JSON.stringify(echo).replaceAll("/", "\\/")}${KEYS.sk.slice(0, 20)}`
    for (const text of [body, JSON.stringify(echo)]) {
      const told = JSON.stringify(await buyWithBody(text))
      for (const secret of [KEYS.ak, KEYS.sk, KEYS.sk.slice(0, 20), "MIIToken", base64, "hunter2"])
        expect(told).not.toContain(secret)
      expect(told).toContain("[redacted]")
    }
  })

  it("a purchase's outcome contains no signature that the response echoes, alone or within the request", async () => {
    let signature = ""
    const wire = await wireOf({
      onRequest: (socket, request) => {
        signature = /Signature=([0-9a-f]{64})/.exec(request)?.[1] ?? ""
        socket.write(answer(500, { canonical: request, seen: signature }))
      },
    })
    const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}` }), DEPS)
    expect(outcome).toMatchObject({
      kind: "unknown",
      reason: "server-error",
      raw: { body: expect.stringContaining('"seen":') },
    })
    expect(JSON.stringify(outcome)).not.toMatch(/Signature=[0-9a-f]/)
    expect(signature).toHaveLength(64)
    expect(JSON.stringify(outcome)).not.toContain(signature)
  })
})

async function sha256(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text))
  return Buffer.from(digest).toString("hex")
}
