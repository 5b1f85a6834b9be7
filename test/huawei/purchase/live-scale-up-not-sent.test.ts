import { EventEmitter, once } from "node:events"
import { type LookupFunction, Server as TcpServer } from "node:net"
import type { TlsOptions } from "node:tls"
import { beforeAll, describe, expect, it, vi } from "vitest"
import { type BuyDeps, buy } from "../../../lib/huawei/purchase/live-scale-up.ts"
import type { Clock } from "../../../lib/ports.ts"
import { closeServer, listenOnLoopback } from "../../world/loopback.ts"
import { certificateFor, type TestCertificate } from "../certificates.ts"
import { KEYS, NOW, STILL, SUPERNODE } from "../fixture.ts"
import { answer, type Script, says, startWire, wireOf } from "../wire.ts"
import { DEPS, digestOf, lookupOf, orderTo, type Wanted } from "./order.ts"

/** Long enough to end no connection attempt, even on a busy machine. */
const PATIENT_MS = 60_000
const ACCEPTS = says(answer(200, { id: SUPERNODE }))
const HOST = "modelarts.test"

let certificate: TestCertificate
let foreign: TestCertificate
let expired: TestCertificate

beforeAll(async () => {
  certificate = await certificateFor(HOST)
  foreign = await certificateFor("elsewhere.test")
  expired = await certificateFor(HOST, { from: -2, to: -1 })
})

/** Buys from a server that would accept. Returns the outcome and the server. */
async function buyFrom(wanted: Omit<Wanted, "endpoint">, deps: Partial<BuyDeps>) {
  const wire = await wireOf(ACCEPTS)
  const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}`, ...wanted }), {
    ...DEPS,
    ...deps,
  })
  return { outcome, wire }
}

function notSent(reason: string) {
  return { kind: "not-sent", reason, says: expect.stringContaining("nothing was sent") }
}

describe("without credentials nothing is sent and no connection is opened", () => {
  const never = new Promise<never>(() => undefined)
  it.each<[string, BuyDeps["credentials"], Partial<Wanted>]>([
    ["the credentials provider rejects", () => Promise.reject(new Error("no agency")), {}],
    [
      "the credentials provider throws",
      () => {
        throw new Error("no agency")
      },
      {},
    ],
    ["the access key is empty", () => Promise.resolve({ ...KEYS, ak: "" }), {}],
    ["the secret key is empty", () => Promise.resolve({ ...KEYS, sk: "" }), {}],
    ["the credentials do not arrive before the last moment to send", () => never, { sendBefore: NOW + 50 }],
  ])("a purchase opens no connection if %s", async (_title, credentials, wanted) => {
    const { outcome, wire } = await buyFrom(wanted, { credentials })
    expect(outcome).toEqual(notSent("no-credentials"))
    expect(wire.connections()).toBe(0)
  })

  it("the message of a purchase that was not sent says that the credentials did not arrive in time", async () => {
    const { outcome } = await buyFrom({ sendBefore: NOW + 20 }, { credentials: () => never })
    expect(outcome).toMatchObject({
      says: "the credentials could not be fetched: the time limit to send passed first; nothing was sent",
    })
  })
})

it("no timer keeps the process alive after the credentials provider has rejected", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
  const before = timers()
  const order = orderTo({ endpoint: "http://127.0.0.1:1" })
  const outcome = await buy(order, { ...DEPS, credentials: () => Promise.reject(new Error("no agency")) })
  expect(outcome.kind).toBe("not-sent")
  expect(timers()).toBeLessThanOrEqual(before)
})

describe("a late purchase is not sent, whichever clock shows it", () => {
  const at = (now: number, monotonic: number): Clock => ({
    ...STILL,
    now: () => now,
    monotonic: () => monotonic,
  })

  it.each<[string, Partial<Wanted>]>([
    ["by the wall clock", { sendBefore: NOW - 1 }],
    ["by the monotonic clock", { sendBeforeMonotonic: STILL.monotonic() - 1 }],
    ["because its last moment is not a number", { sendBefore: Number.NaN }],
  ])("a purchase that is too late %s neither connects nor fetches credentials", async (_title, wanted) => {
    let asked = 0
    const credentials = () => {
      asked++
      return Promise.resolve(KEYS)
    }
    const { outcome, wire } = await buyFrom(wanted, { credentials })
    expect(outcome).toEqual(notSent("too-late"))
    expect([asked, wire.connections()]).toEqual([0, 0])
  })

  it("the message of a late purchase says by how much it is late", async () => {
    const { outcome } = await buyFrom({ sendBefore: NOW - 1_500 }, {})
    expect(outcome).toMatchObject({
      says: "the time limit to send expired 1500 ms ago; nothing was sent",
    })
  })

  it("a purchase opens no connection if fetching credentials has made it too late", async () => {
    let fetched = false
    const clock: Clock = { ...STILL, now: () => (fetched ? NOW + 1_001 : NOW) }
    const credentials = () => {
      fetched = true
      return Promise.resolve(KEYS)
    }
    const { outcome, wire } = await buyFrom({ sendBefore: NOW + 1_000 }, { clock, credentials })
    expect(outcome).toEqual(notSent("too-late"))
    expect(wire.connections()).toBe(0)
  })

  it.each<[string, Clock]>([
    ["by the wall clock", at(NOW + 1_001, 1_000)],
    ["by the monotonic clock", at(NOW, 2_001)],
  ])("a purchase that is too late %s after connecting sends no byte", async (_title, later) => {
    let connected = false
    const clock: Clock = {
      ...STILL,
      now: () => (connected ? later : STILL).now(),
      monotonic: () => (connected ? later : STILL).monotonic(),
    }
    const wire = await wireOf(ACCEPTS)
    // Name resolution is part of connecting, so its time passes before the connection is open.
    const lookup: LookupFunction = (host, options, callback) => {
      connected = true
      lookupOf("127.0.0.1")(host, options, callback)
    }
    const order = orderTo({
      endpoint: `http://${HOST}:${wire.port}`,
      sendBefore: NOW + 1_000,
      sendBeforeMonotonic: 2_000,
    })
    expect(await buy(order, { ...DEPS, clock, lookup })).toEqual(notSent("too-late"))
    expect(wire.received()).toBe("")
  })

  it("a purchase may still fetch credentials and connect in its last millisecond", async () => {
    let asked = 0
    const lookup: LookupFunction = () => asked++
    const order = orderTo({ endpoint: `http://${HOST}:1`, sendBefore: NOW })
    expect(await buy(order, { ...DEPS, lookup })).toEqual(notSent("connect-timeout"))
    expect(asked).toBe(1)
  })

  it("a purchase is sent if its remaining time has a fraction of a millisecond, as monotonic clocks have", async () => {
    const wire = await wireOf(ACCEPTS)
    const endpoint = `http://127.0.0.1:${wire.port}`
    const order = orderTo({
      endpoint,
      sendBefore: NOW + 5_000,
      sendBeforeMonotonic: STILL.monotonic() + 4_000.25,
    })
    expect((await buy(order, DEPS)).kind).toBe("accepted")
    expect(wire.requestLines()).toBe(1)
  })

  it("a purchase may still be sent in its last millisecond after connecting", async () => {
    let connected = false
    const clock: Clock = {
      ...STILL,
      now: () => (connected ? NOW + 1_000 : NOW),
      monotonic: () => (connected ? 2_000 : 1_000),
    }
    const wire = await wireOf(ACCEPTS)
    const lookup: LookupFunction = (host, options, callback) => {
      connected = true
      lookupOf("127.0.0.1")(host, options, callback)
    }
    const order = orderTo({
      endpoint: `http://${HOST}:${wire.port}`,
      sendBefore: NOW + 1_000,
      sendBeforeMonotonic: 2_000,
    })
    expect((await buy(order, { ...DEPS, clock, lookup })).kind).toBe("accepted")
    expect(wire.requestLines()).toBe(1)
  })
})

describe("a purchase that differs from its plan is not sent", () => {
  const raw = "#!/bin/sh\necho hello\n"
  const base64 = Buffer.from(raw).toString("base64")
  it.each<[string, Omit<Wanted, "endpoint">]>([
    [
      "userdata of another content",
      { userdata: Buffer.from("echo other\n").toString("base64"), body: { userdata: digestOf(raw) } },
    ],
    ["userdata of another size", { userdata: base64, body: { userdata: { ...digestOf(raw), bytes: 1 } } }],
    [
      "userdata of another hash",
      { userdata: base64, body: { userdata: { ...digestOf("x"), bytes: raw.length } } },
    ],
    ["missing userdata", { userdata: null, body: { userdata: digestOf(raw) } }],
    ["unplanned userdata", { userdata: base64 }],
    [
      "userdata that only a lenient decoder accepts as base64",
      { userdata: `${base64}\n`, body: { userdata: digestOf(raw) } },
    ],
  ])("a purchase is not sent with %s", async (_title, wanted) => {
    const { outcome, wire } = await buyFrom(wanted, {})
    expect(outcome).toEqual(notSent("userdata-changed"))
    expect(wire.connections()).toBe(0)
  })

  it.each([
    ["an invalid URL", () => "live-scale-up"],
    [
      "another supernode's URL",
      (url: string) => url.replace(SUPERNODE, "00000000-0000-4000-8000-000000000000"),
    ],
    ["another operation's URL", (url: string) => url.replace("live-scale-up", "live-scale-down")],
    ["a URL with a query", (url: string) => `${url}?x=1`],
    ["a URL of another scheme", (url: string) => url.replace("http:", "ftp:")],
    ["a URL whose scheme only ends in http", (url: string) => url.replace("http:", "x-http:")],
    ["a URL with a longer path", (url: string) => `${url}/again`],
  ])("a purchase is not sent to %s", async (_title, change) => {
    const wire = await wireOf(ACCEPTS)
    const order = orderTo({ endpoint: `http://127.0.0.1:${wire.port}` })
    const { request } = order.plan
    const changed = { ...order, plan: { ...order.plan, request: { ...request, url: change(request.url) } } }
    expect(await buy(changed, DEPS)).toEqual(notSent("url-changed"))
    expect(wire.connections()).toBe(0)
  })
})

describe("a purchase without a connection is not sent", () => {
  const failing =
    (code: string, syscall = "getaddrinfo"): LookupFunction =>
    (_host, _options, callback) =>
      callback(Object.assign(new Error(`${syscall} ${code} ${HOST}`), { code, syscall }), "")

  it.each([
    ["dns-failure", "the host name is unknown", failing("ENOTFOUND")],
    ["dns-failure", "the name server does not respond", failing("EAI_AGAIN")],
    ["dns-failure", "name resolution fails with any other code", failing("ESERVFAIL")],
    [
      "connect-failure",
      "connecting fails with a code that only contains ENOTFOUND",
      failing("X_ENOTFOUND", "connect"),
    ],
    ["connect-timeout", "connecting times out in the system", failing("ETIMEDOUT", "connect")],
    ["refused", "the only address has no listener", lookupOf("127.0.0.1")],
    ["refused", "neither of two addresses has a listener", lookupOf("127.0.0.2", "127.0.0.3")],
    ["connect-failure", "the address is invalid", lookupOf("not an address")],
  ] satisfies [string, string, LookupFunction][])(
    "a purchase is not sent (%s) if %s",
    async (reason, _title, lookup) => {
      const wire = await startWire({})
      await wire.close()
      const order = orderTo({ endpoint: `http://${HOST}:${wire.port}` })
      expect(await buy(order, { ...DEPS, lookup, connectTimeoutMs: PATIENT_MS })).toEqual(notSent(reason))
    },
  )

  it("the message of a connection timeout names the host and the time waited", async () => {
    const order = orderTo({ endpoint: `http://${HOST}:1` })
    const outcome = await buy(order, { ...DEPS, lookup: () => undefined, connectTimeoutMs: 20 })
    expect(outcome).toMatchObject({ says: `${HOST}:1: no connection within 20 ms; nothing was sent` })
  })

  it("an endpoint with an IPv6 address in brackets is not resolved as a host name", async () => {
    const asked: string[] = []
    const lookup: LookupFunction = (host, options, callback) => {
      asked.push(host)
      lookupOf("127.0.0.1")(host, options, callback)
    }
    const outcome = await buy(orderTo({ endpoint: "http://[::1]:1" }), { ...DEPS, lookup })
    expect(outcome).toMatchObject({ kind: "not-sent" })
    expect(asked).toEqual([])
  })

  it("a purchase stops connecting at the last moment to send, even if the connection timeout is longer", async () => {
    const order = orderTo({ endpoint: `http://${HOST}:1`, sendBeforeMonotonic: STILL.monotonic() + 50 })
    expect(await buy(order, { ...DEPS, lookup: () => undefined })).toEqual(notSent("connect-timeout"))
  })
})

describe("a purchase without TLS to a trusted server is not sent", () => {
  const secure = async (
    script: Script,
    deps: Partial<BuyDeps> & { server?: TestCertificate; ALPNProtocols?: string[] },
  ) => {
    const { server = certificate, ALPNProtocols, ...rest } = deps
    const wire = await wireOf(script, { tls: { ...server, ...(ALPNProtocols ? { ALPNProtocols } : {}) } })
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    const outcome = await buy(order, {
      ...DEPS,
      lookup: lookupOf("127.0.0.1"),
      tls: { ca: server.cert },
      ...rest,
    })
    return { outcome, wire }
  }

  it("a purchase is sent to a trusted server of the right name", async () => {
    const { outcome, wire } = await secure(ACCEPTS, {})
    expect(outcome.kind).toBe("accepted")
    expect([wire.connections(), wire.requestLines()]).toEqual([1, 1])
  })

  it("a purchase over TLS is not sent (refused) if nothing listens", async () => {
    const wire = await startWire({})
    await wire.close()
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    expect(await buy(order, { ...DEPS, lookup: lookupOf("127.0.0.1") })).toEqual(notSent("refused"))
  })

  it("a purchase names its host in the TLS handshake", async () => {
    const asked: string[] = []
    const SNICallback: TlsOptions["SNICallback"] = (name, callback) => {
      asked.push(name)
      callback(null)
    }
    const wire = await wireOf(ACCEPTS, { tls: { ...certificate, SNICallback } })
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    await buy(order, { ...DEPS, lookup: lookupOf("127.0.0.1"), tls: { ca: certificate.cert } })
    expect(asked).toEqual([HOST])
  })

  it("a purchase is not sent to a server with an untrusted certificate", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { tls: undefined })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a purchase is not sent to a server with a certificate of another name", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { server: foreign })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a purchase is not sent to a server with an expired certificate", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { server: expired })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a purchase is not sent to a server that speaks only HTTP/2", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { ALPNProtocols: ["h2"] })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it.each<[string, string, Script]>([
    [
      "tls-failure",
      "a server that speaks no TLS",
      { onBytes: (socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n") },
    ],
    ["tls-failure", "a server that closes in the handshake", { onBytes: (socket) => socket.end() }],
    [
      "tls-failure",
      "a server that resets in the handshake",
      { onBytes: (socket) => socket.resetAndDestroy() },
    ],
  ])("a purchase is not sent (%s) to %s", async (reason, _title, script) => {
    const wire = await wireOf(script)
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    const deps = { ...DEPS, lookup: lookupOf("127.0.0.1"), connectTimeoutMs: PATIENT_MS }
    expect(await buy(order, deps)).toEqual(notSent(reason))
    expect([wire.connections(), wire.requestLines()]).toEqual([1, 0])
  })

  it("a purchase is not sent (connect-timeout) to a server that never responds to the handshake", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] })
    try {
      let begin = (): void => undefined
      const begun = new Promise<void>((resolve) => {
        begin = resolve
      })
      const server = new TcpServer((socket) => socket.on("error", () => undefined).once("data", begin))
      const order = orderTo({ endpoint: `https://${HOST}:${await listenOnLoopback(server)}` })
      const bought = buy(order, { ...DEPS, lookup: lookupOf("127.0.0.1"), connectTimeoutMs: 100 })
      await begun
      vi.advanceTimersByTime(100)
      expect(await bought).toEqual(notSent("connect-timeout"))
      await closeServer(server)
    } finally {
      vi.useRealTimers()
    }
  })
})

it("a purchase is not sent if its access key is invalid in a header, and the key is not reported", async () => {
  const { outcome, wire } = await buyFrom(
    {},
    { credentials: () => Promise.resolve({ ...KEYS, ak: "broken\nkey" }) },
  )
  expect(outcome).toEqual(notSent("invalid-request"))
  expect(JSON.stringify(outcome)).not.toContain("broken")
  expect(wire.received()).toBe("")
})

describe("a clock that throws becomes an outcome", () => {
  const throwing = (from: number): Clock => {
    let reads = 0
    return {
      ...STILL,
      now: () => {
        if (++reads > from) throw new Error("no clock")
        return NOW
      },
    }
  }
  it.each([0, 1, 2, 3])(
    "a purchase is not sent if the clock throws before the request is written to the connection, after %i reads",
    async (reads) => {
      const { outcome, wire } = await buyFrom({}, { clock: throwing(reads) })
      expect(outcome).toEqual({ kind: "not-sent", reason: "unexpected", says: "unexpected: no clock" })
      expect(wire.received()).toBe("")
    },
  )

  it("a purchase closes its connection if the clock throws between connecting and writing", async () => {
    const server = new EventEmitter()
    const closed = once(server, "closed")
    const wire = await wireOf({
      onConnect: (socket) => socket.resume().once("close", () => server.emit("closed")),
    })
    const order = orderTo({ endpoint: `http://127.0.0.1:${wire.port}` })
    expect(await buy(order, { ...DEPS, clock: throwing(2) })).toMatchObject({ reason: "unexpected" })
    await closed
    expect([wire.connections(), wire.received()]).toEqual([1, ""])
  })

  it("the outcome of a purchase is unknown if the clock throws after its request was written to the connection", async () => {
    const { outcome, wire } = await buyFrom({}, { clock: throwing(4) })
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unexpected", status: null })
    expect(wire.requestLines()).toBe(1)
  })
})
