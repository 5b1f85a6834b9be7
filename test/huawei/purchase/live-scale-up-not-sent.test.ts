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

/** It ends no connecting, however busy the machine is. */
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

/** Buys from a server that would accept, and returns what it saw. */
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

describe("without keys nothing is sent, and no connection is opened", () => {
  const never = new Promise<never>(() => undefined)
  it.each<[string, BuyDeps["credentials"], Partial<Wanted>]>([
    ["the provider fails", () => Promise.reject(new Error("no agency")), {}],
    [
      "the provider throws",
      () => {
        throw new Error("no agency")
      },
      {},
    ],
    ["the access key is empty", () => Promise.resolve({ ...KEYS, ak: "" }), {}],
    ["the secret key is empty", () => Promise.resolve({ ...KEYS, sk: "" }), {}],
    ["the provider does not answer before the last moment to send", () => never, { sendBefore: NOW + 50 }],
  ])("%s", async (_title, credentials, wanted) => {
    const { outcome, wire } = await buyFrom(wanted, { credentials })
    expect(outcome).toEqual(notSent("no-credentials"))
    expect(wire.connections()).toBe(0)
  })

  it("names keys that did not come in time", async () => {
    const { outcome } = await buyFrom({ sendBefore: NOW + 20 }, { credentials: () => never })
    expect(outcome).toMatchObject({
      says: "no credentials: they did not arrive in time; nothing was sent",
    })
  })
})

it("nothing keeps the process waiting once keys are refused, however long they might have taken", async () => {
  const timers = () => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
  const before = timers()
  const order = orderTo({ endpoint: "http://127.0.0.1:1" })
  const outcome = await buy(order, { ...DEPS, credentials: () => Promise.reject(new Error("no agency")) })
  expect(outcome.kind).toBe("not-sent")
  expect(timers()).toBeLessThanOrEqual(before)
})

describe("too late is not sent, by whichever clock", () => {
  const at = (now: number, monotonic: number): Clock => ({
    ...STILL,
    now: () => now,
    monotonic: () => monotonic,
  })

  it.each<[string, Partial<Wanted>]>([
    ["by the wall clock", { sendBefore: NOW - 1 }],
    ["by the monotonic clock", { sendBeforeMonotonic: STILL.monotonic() - 1 }],
    ["with a last moment that is no number", { sendBefore: Number.NaN }],
  ])("%s: the cloud is not even called, nor are keys asked for", async (_title, wanted) => {
    let asked = 0
    const credentials = () => {
      asked++
      return Promise.resolve(KEYS)
    }
    const { outcome, wire } = await buyFrom(wanted, { credentials })
    expect(outcome).toEqual(notSent("too-late"))
    expect([asked, wire.connections()]).toEqual([0, 0])
  })

  it("says by how much", async () => {
    const { outcome } = await buyFrom({ sendBefore: NOW - 1_500 }, {})
    expect(outcome).toMatchObject({
      says: "the time limit to send expired 1500 ms ago; nothing was sent",
    })
  })

  it("by the time that the keys take: the cloud is not even called", async () => {
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
  ])("%s, after the connection is open: not a byte leaves over it", async (_title, later) => {
    let connected = false
    const clock: Clock = {
      ...STILL,
      now: () => (connected ? later : STILL).now(),
      monotonic: () => (connected ? later : STILL).monotonic(),
    }
    const wire = await wireOf(ACCEPTS)
    // Name resolution is a part of connecting, so its time passes before the connection is open.
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

  it("the last millisecond is in time to ask for keys and to call the cloud", async () => {
    let asked = 0
    const lookup: LookupFunction = () => asked++
    const order = orderTo({ endpoint: `http://${HOST}:1`, sendBefore: NOW })
    expect(await buy(order, { ...DEPS, lookup })).toEqual(notSent("connect-timeout"))
    expect(asked).toBe(1)
  })

  it("sends an order whose time left has a fraction of a millisecond, as the system's monotonic clock has", async () => {
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

  it("the last millisecond is in time after the connection is open", async () => {
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

describe("what is not as planned is not sent", () => {
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
    ["userdata that is missing", { userdata: null, body: { userdata: digestOf(raw) } }],
    ["userdata that was not planned", { userdata: base64 }],
    [
      "userdata that only a forgiving decoder takes for base64",
      { userdata: `${base64}\n`, body: { userdata: digestOf(raw) } },
    ],
  ])("%s", async (_title, wanted) => {
    const { outcome, wire } = await buyFrom(wanted, {})
    expect(outcome).toEqual(notSent("userdata-changed"))
    expect(wire.connections()).toBe(0)
  })

  it.each([
    ["no URL", () => "live-scale-up"],
    ["another supernode's", (url: string) => url.replace(SUPERNODE, "00000000-0000-4000-8000-000000000000")],
    ["another operation's", (url: string) => url.replace("live-scale-up", "live-scale-down")],
    ["one with a query", (url: string) => `${url}?x=1`],
    ["one of another scheme", (url: string) => url.replace("http:", "ftp:")],
    ["one of a scheme that only ends so", (url: string) => url.replace("http:", "x-http:")],
    ["one that goes on", (url: string) => `${url}/again`],
  ])("an address that is not this supernode's: %s", async (_title, change) => {
    const wire = await wireOf(ACCEPTS)
    const order = orderTo({ endpoint: `http://127.0.0.1:${wire.port}` })
    const { request } = order.plan
    const changed = { ...order, plan: { ...order.plan, request: { ...request, url: change(request.url) } } }
    expect(await buy(changed, DEPS)).toEqual(notSent("url-changed"))
    expect(wire.connections()).toBe(0)
  })
})

describe("no connection, no request", () => {
  const failing =
    (code: string, syscall = "getaddrinfo"): LookupFunction =>
    (_host, _options, callback) =>
      callback(Object.assign(new Error(`${syscall} ${code} ${HOST}`), { code, syscall }), "")

  it.each([
    ["dns-failure", "the name is not known", failing("ENOTFOUND")],
    ["dns-failure", "the name server does not answer", failing("EAI_AGAIN")],
    ["dns-failure", "the call that failed tells, whatever its code", failing("ESERVFAIL")],
    [
      "connect-failure",
      "a code that only contains that of an unknown name",
      failing("X_ENOTFOUND", "connect"),
    ],
    ["connect-timeout", "the system gave up on connecting", failing("ETIMEDOUT", "connect")],
    ["refused", "the only address has no listener", lookupOf("127.0.0.1")],
    ["refused", "neither of two addresses has a listener", lookupOf("127.0.0.2", "127.0.0.3")],
    ["connect-failure", "the address is invalid", lookupOf("not an address")],
  ] satisfies [string, string, LookupFunction][])("%s: %s", async (reason, _title, lookup) => {
    const wire = await startWire({})
    await wire.close()
    const order = orderTo({ endpoint: `http://${HOST}:${wire.port}` })
    expect(await buy(order, { ...DEPS, lookup, connectTimeoutMs: PATIENT_MS })).toEqual(notSent(reason))
  })

  it("says how long it waited for a connection, and for whom", async () => {
    const order = orderTo({ endpoint: `http://${HOST}:1` })
    const outcome = await buy(order, { ...DEPS, lookup: () => undefined, connectTimeoutMs: 20 })
    expect(outcome).toMatchObject({ says: `${HOST}:1: no connection within 20 ms; nothing was sent` })
  })

  it("an address in brackets is one, and no name to be resolved", async () => {
    const asked: string[] = []
    const lookup: LookupFunction = (host, options, callback) => {
      asked.push(host)
      lookupOf("127.0.0.1")(host, options, callback)
    }
    const outcome = await buy(orderTo({ endpoint: "http://[::1]:1" }), { ...DEPS, lookup })
    expect(outcome).toMatchObject({ kind: "not-sent" })
    expect(asked).toEqual([])
  })

  it("connecting ends with the last moment to send, however long it may take otherwise", async () => {
    const order = orderTo({ endpoint: `http://${HOST}:1`, sendBeforeMonotonic: STILL.monotonic() + 50 })
    expect(await buy(order, { ...DEPS, lookup: () => undefined })).toEqual(notSent("connect-timeout"))
  })
})

describe("no TLS, no request", () => {
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

  it("a trusted server of the right name gets the request", async () => {
    const { outcome, wire } = await secure(ACCEPTS, {})
    expect(outcome.kind).toBe("accepted")
    expect([wire.connections(), wire.requestLines()]).toEqual([1, 1])
  })

  it("no listener: refused, as without TLS", async () => {
    const wire = await startWire({})
    await wire.close()
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    expect(await buy(order, { ...DEPS, lookup: lookupOf("127.0.0.1") })).toEqual(notSent("refused"))
  })

  it("a server of many names learns which one is meant", async () => {
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

  it("an untrusted certificate", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { tls: undefined })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a certificate of another name", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { server: foreign })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a certificate that has expired", async () => {
    const { outcome, wire } = await secure(ACCEPTS, { server: expired })
    expect(outcome).toEqual(notSent("tls-failure"))
    expect(wire.received()).toBe("")
  })

  it("a server that speaks HTTP/2 only", async () => {
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
    ["tls-failure", "a server that hangs up in the handshake", { onBytes: (socket) => socket.end() }],
    [
      "tls-failure",
      "a server that resets in the handshake",
      { onBytes: (socket) => socket.resetAndDestroy() },
    ],
  ])("%s: %s", async (reason, _title, script) => {
    const wire = await wireOf(script)
    const order = orderTo({ endpoint: `https://${HOST}:${wire.port}` })
    const deps = { ...DEPS, lookup: lookupOf("127.0.0.1"), connectTimeoutMs: PATIENT_MS }
    expect(await buy(order, deps)).toEqual(notSent(reason))
    expect([wire.connections(), wire.requestLines()]).toEqual([1, 0])
  })

  it("connect-timeout: a server that never answers the handshake", async () => {
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

it("an invocation whose key cannot stand in a header sends nothing", async () => {
  const { outcome, wire } = await buyFrom(
    {},
    { credentials: () => Promise.resolve({ ...KEYS, ak: "broken\nkey" }) },
  )
  expect(outcome).toEqual(notSent("invalid-request"))
  expect(JSON.stringify(outcome)).not.toContain("broken")
  expect(wire.received()).toBe("")
})

describe("a clock that throws ends no run", () => {
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
  it.each([0, 1, 2, 3])("before the request is written, after %i reads: nothing is sent", async (reads) => {
    const { outcome, wire } = await buyFrom({}, { clock: throwing(reads) })
    expect(outcome).toEqual({ kind: "not-sent", reason: "unexpected", says: "unexpected: no clock" })
    expect(wire.received()).toBe("")
  })

  it("between connecting and writing: the connection is closed behind it", async () => {
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

  it("after it: it is unknown whether there is an order", async () => {
    const { outcome, wire } = await buyFrom({}, { clock: throwing(4) })
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unexpected", status: null })
    expect(wire.requestLines()).toBe(1)
  })
})
