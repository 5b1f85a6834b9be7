import { subscribe, unsubscribe } from "node:diagnostics_channel"
import type { Socket } from "node:net"
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest"
import { buy } from "../../../lib/huawei/purchase/live-scale-up.ts"
import { certificateFor, type TestCertificate } from "../certificates.ts"
import { readerOf } from "../cloud.ts"
import { PROJECT, SUPERNODE } from "../fixture.ts"
import { answer, type Script, says, type Wire, wireOf } from "../wire.ts"
import { DEPS, digestOf, lookupOf, orderTo } from "./order.ts"

// Exchanges that end without a complete response. Whatever the server does, at most one request line arrives,
// over one connection, and no such ending proves that there is no order.

const HOST = "modelarts.test"
const ACCEPTED = JSON.stringify({ id: SUPERNODE })
let certificate: TestCertificate

beforeAll(async () => {
  certificate = await certificateFor(HOST)
})

function unknown(reason: string, status: number | null, body: string | null) {
  const raw = body === null ? null : { body, bytes: Buffer.byteLength(body), truncated: false }
  return { kind: "unknown", reason, says: expect.any(String), status, code: null, requestId: null, raw }
}

const reset: Script["onRequest"] = (socket) => socket.resetAndDestroy()
const hangUpAfter = (text: string): Script => ({ onRequest: (socket) => socket.end(text) })
const resetAfter = (text: string): Script => ({
  onRequest: (socket) => socket.write(text, () => setImmediate(() => socket.resetAndDestroy())),
})
const chunked = (...chunks: string[]) =>
  `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${chunks.join("")}`
const HEX = ACCEPTED.length.toString(16)

describe("a connection that an earlier read left open", () => {
  const LIST = answer(200, { items: [] })

  /** Reads, which leaves a connection in the pool, and then buys from the same host. */
  async function readThenBuy(wire: Wire) {
    const endpoint = `http://127.0.0.1:${wire.port}`
    const reader = readerOf()
    const asked = {
      method: "GET" as const,
      url: `${endpoint}/v1/list`,
      operation: "list",
      projectId: PROJECT,
    }
    const read = await reader.read(asked, (value) => ({ ok: true, value }))
    const outcome = await buy(orderTo({ endpoint }), DEPS)
    await reader.close()
    return { read, outcome }
  }

  it("a purchase uses and closes its own connection instead of a connection that a read left open", async () => {
    const wire = await wireOf({
      onRequest: (socket, request) => socket.write(request.startsWith("GET") ? LIST : answer(200, ACCEPTED)),
    })
    const { read, outcome } = await readThenBuy(wire)
    expect(read.ok).toBe(true)
    expect(outcome.kind).toBe("accepted")
    expect(wire.connections()).toBe(2)
    expect(wire.received().match(/^POST /gm)).toHaveLength(1)
    expect(wire.received()).toMatch(/^POST [\s\S]*connection: close/m)
  })

  it("a purchase succeeds although the server closes the connection that a read left open", async () => {
    const kept: Socket[] = []
    const wire = await wireOf({
      onConnect: () => {
        for (const stale of kept.splice(0)) stale.resetAndDestroy()
      },
      onRequest: (socket, request) => {
        if (request.startsWith("GET")) kept.push(socket)
        socket.write(request.startsWith("GET") ? LIST : answer(200, ACCEPTED))
      },
    })
    const { read, outcome } = await readThenBuy(wire)
    expect(read.ok).toBe(true)
    expect(outcome.kind).toBe("accepted")
    expect(wire.received().match(/^POST /gm)).toHaveLength(1)
  })
})

describe("after the first byte every failure is unknown", () => {
  it.each<[string, Script, ReturnType<typeof unknown>]>([
    ["the server closes without a response", hangUpAfter(""), unknown("reset", null, null)],
    ["the server resets without a response", { onRequest: reset }, unknown("reset", null, null)],
    [
      "the server resets at the request's first bytes",
      { onBytes: (socket) => socket.resetAndDestroy() },
      unknown("reset", null, null),
    ],
    ["the server closes within the status line", hangUpAfter("HTTP/1.1 20"), unknown("reset", null, null)],
    [
      "the server closes within the headers",
      hangUpAfter("HTTP/1.1 200 OK\r\ncontent-le"),
      unknown("reset", null, null),
    ],
    [
      "the server closes after 103 Early Hints",
      hangUpAfter("HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n"),
      unknown("reset", null, null),
    ],
    [
      "the server closes after the headers",
      hangUpAfter("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"),
      unknown("reset", 200, ""),
    ],
    [
      "the server closes within the body",
      hangUpAfter(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n${ACCEPTED}`),
      unknown("reset", 200, ACCEPTED),
    ],
    [
      "the server closes within the body of a refusal",
      hangUpAfter('HTTP/1.1 400 No\r\ncontent-length: 99\r\n\r\n{"error_code":"ModelArts.6716"}'),
      unknown("reset", 400, '{"error_code":"ModelArts.6716"}'),
    ],
    [
      "the server announces to close, and closes within the body",
      hangUpAfter(`HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 99\r\n\r\n${ACCEPTED}`),
      unknown("malformed-answer", 200, ACCEPTED),
    ],
    [
      "the server resets within the body",
      resetAfter(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n${ACCEPTED}`),
      unknown("reset", 200, ACCEPTED),
    ],
    [
      "the server closes within its chunks",
      hangUpAfter(chunked(`${HEX}\r\n${ACCEPTED}\r\n`)),
      unknown("reset", 200, ACCEPTED),
    ],
    [
      "the server announces to close, and closes within its chunks",
      hangUpAfter(
        `HTTP/1.1 200 OK\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n${HEX}\r\n${ACCEPTED}`,
      ),
      unknown("malformed-answer", 200, ACCEPTED),
    ],
    ["a chunk has no size", says(chunked("zz\r\n{}\r\n0\r\n\r\n")), unknown("malformed-answer", 200, "")],
    [
      "a chunk is longer than its size",
      says(chunked(`2\r\n${ACCEPTED}\r\n0\r\n\r\n`)),
      unknown("malformed-answer", 200, ACCEPTED.slice(0, 2)),
    ],
    [
      "the response has two different content-lengths",
      says("HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\n{}"),
      unknown("malformed-answer", null, null),
    ],
    [
      "the content-length is not a number",
      says("HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n{}"),
      unknown("malformed-answer", null, null),
    ],
    [
      "the response is not HTTP",
      says("220 smtp.example.com ESMTP\r\n"),
      unknown("malformed-answer", null, null),
    ],
    [
      "the response's headers are too large",
      says(answer(200, ACCEPTED, { "x-large": "x".repeat(70_000) })),
      unknown("malformed-answer", null, null),
    ],
    [
      "the server sends 100 Continue unrequested",
      says(`HTTP/1.1 100 Continue\r\n\r\n${answer(200, ACCEPTED)}`),
      unknown("malformed-answer", null, null),
    ],
    [
      "the server switches to an unrequested protocol",
      says("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"),
      unknown("malformed-answer", null, null),
    ],
  ])("a purchase is sent once, and its outcome is unknown, if %s", async (_title, script, expected) => {
    const wire = await wireOf(script)
    const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}` }), DEPS)
    expect(outcome).toEqual(expected)
    expect(wire.requestLines()).toBe(1)
    expect(wire.connections()).toBe(1)
  })

  it("a purchase whose connection is reset at once is not sent if the reset is noticed in time, else unknown", async () => {
    const wire = await wireOf({ onConnect: (socket) => socket.resetAndDestroy() })
    const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}` }), DEPS)
    const seenInTime = { kind: "not-sent", reason: "connect-failure", says: expect.any(String) }
    expect(outcome).toEqual(outcome.kind === "not-sent" ? seenInTime : unknown("reset", null, null))
    expect(outcome.kind === "not-sent" ? wire.received() : "").toBe("")
    expect(wire.requestLines()).toBeLessThanOrEqual(1)
    expect(wire.connections()).toBe(1)
  })

  it("the outcome of a purchase is unknown if the server resets the connection while the request is being sent", async () => {
    const raw = "x".repeat(32_768)
    const wire = await wireOf({ onBytes: (socket) => socket.resetAndDestroy() })
    const userdata = Buffer.from(raw).toString("base64")
    const order = orderTo({
      endpoint: `http://127.0.0.1:${wire.port}`,
      userdata,
      body: { userdata: digestOf(raw) },
    })
    expect(await buy(order, DEPS)).toEqual(unknown("reset", null, null))
    expect([wire.requestLines(), wire.connections()]).toEqual([1, 1])
  })

  it("the outcome of a purchase is unknown if the server closes a TLS connection after the request", async () => {
    const wire = await wireOf({ onRequest: (socket) => socket.destroy() }, { tls: certificate })
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    const outcome = await buy(order, {
      ...DEPS,
      lookup: lookupOf("127.0.0.1"),
      tls: { ca: certificate.cert },
    })
    expect(outcome).toEqual(unknown("reset", null, null))
    expect([wire.requestLines(), wire.connections()]).toEqual([1, 1])
  })
})

describe("one time limit covers the whole exchange", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }))
  afterEach(() => void vi.useRealTimers())

  const trickle: Script = {
    onRequest: (socket) => {
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n")
      const timer = setInterval(() => socket.write(" "), 5)
      socket.on("close", () => clearInterval(timer))
    },
  }
  /** Resolves when undici publishes on this channel: the client has then read that part of the response. */
  const readBy = (channel: string): Promise<void> =>
    new Promise((resolve) => {
      const heard = (): void => {
        unsubscribe(channel, heard)
        resolve()
      }
      subscribe(channel, heard)
    })

  it.each<[string, Script, number | null]>([
    ["no response at all", {}, null],
    ["headers that never end", says("HTTP/1.1 200 OK\r\nx-slow: "), null],
    ["a body that never begins", says("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n"), 200],
    ["a body that never ends", says(`HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n${ACCEPTED}`), 200],
    ["chunks that never end", says(chunked(`${HEX}\r\n${ACCEPTED}\r\n`)), 200],
    [
      "a refusal that never ends",
      says('HTTP/1.1 400 No\r\ncontent-length: 99\r\n\r\n{"error_code":"ModelArts.6716"}'),
      400,
    ],
    ["a server error that never ends", says("HTTP/1.1 503 Busy\r\ncontent-length: 99\r\n\r\n"), 503],
    ["a body that trickles without a pause", trickle, 200],
  ])("a purchase times out with an unknown outcome on %s", async (_title, script, status) => {
    let arrive = (): void => undefined
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const onRequest: Script["onRequest"] = (...request) => {
      script.onRequest?.(...request)
      arrive()
    }
    const wire = await wireOf({ ...script, onRequest })
    const headers = readBy("undici:request:headers")
    let hasEnded = false
    const order = orderTo({ endpoint: `http://127.0.0.1:${wire.port}`, timeoutMs: 120 })
    const bought = buy(order, DEPS).finally(() => {
      hasEnded = true
    })
    await (status === null ? arrived : headers)
    vi.advanceTimersByTime(119)
    // Bytes that arrive meanwhile do not extend the limit.
    await (script === trickle ? readBy("undici:request:bodyChunkReceived") : new Promise(setImmediate))
    expect(hasEnded).toBe(false)
    vi.advanceTimersByTime(1)
    const late = expect.stringContaining("the response was not complete 120 ms after the request began")
    expect(await bought).toMatchObject({ kind: "unknown", reason: "timeout", says: late, status, code: null })
    expect([wire.requestLines(), wire.connections()]).toEqual([1, 1])
  })
})

describe("several addresses of one host", () => {
  it("a purchase is sent once, to a host's second address, if the first refuses the connection", async () => {
    const wire = await wireOf(says(answer(200, ACCEPTED)))
    const order = orderTo({ endpoint: `http://${HOST}:${wire.port}` })
    const outcome = await buy(order, { ...DEPS, lookup: lookupOf("127.0.0.2", "127.0.0.1") })
    expect(outcome.kind).toBe("accepted")
    expect([wire.requestLines(), wire.connections()]).toEqual([1, 1])
  })

  it("a purchase never tries a host's second address after a reset", async () => {
    const one = await wireOf({ onRequest: reset })
    const two = await wireOf(says(answer(200, ACCEPTED)), { port: one.port, host: "127.0.0.2" })
    const order = orderTo({ endpoint: `http://${HOST}:${one.port}` })
    const outcome = await buy(order, { ...DEPS, lookup: lookupOf("127.0.0.1", "127.0.0.2") })
    expect(outcome).toEqual(unknown("reset", null, null))
    expect([one.requestLines(), two.requestLines(), two.connections()]).toEqual([1, 0, 0])
  })
})
