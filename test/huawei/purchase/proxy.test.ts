import type { Socket } from "node:net"
import { beforeAll, describe, expect, it } from "vitest"
import { type BuyDeps, buy } from "../../../lib/huawei/purchase/live-scale-up.ts"
import type { Clock } from "../../../lib/ports.ts"
import { relay, TUNNEL_STANDS, tunnelTo } from "../../http/tunnel-script.ts"
import { certificateFor, type TestCertificate } from "../certificates.ts"
import { readerOf } from "../cloud.ts"
import { KEYS, NOW, PROJECT, STILL, SUPERNODE } from "../fixture.ts"
import { answer, type Script, says, startWire, wireOf } from "../wire.ts"
import { DEPS, lookupOf, orderTo, type Wanted } from "./order.ts"

const HOST = "modelarts.test"
const LOGIN = "Basic b3BzOnMzY3JldC1wYXNz"
const ACCEPTS = says(answer(200, { id: SUPERNODE }))

let certificate: TestCertificate
let foreign: TestCertificate

beforeAll(async () => {
  certificate = await certificateFor(HOST)
  foreign = await certificateFor("elsewhere.test")
})

/**
 * Script of the proxy. `endpoint` is the real endpoint's port, `other` that of a server with another
 * certificate.
 */
type Behaviour = (ports: { endpoint: number; other: number }) => Script

interface Buying {
  behaviour: Behaviour
  deps?: Partial<BuyDeps>
  wanted?: Partial<Wanted>
  answers?: Script
}

async function buyThrough({ behaviour, deps = {}, wanted = {}, answers = ACCEPTS }: Buying) {
  const endpoint = await wireOf(answers, { tls: certificate })
  const other = await wireOf(ACCEPTS, { tls: foreign })
  const proxy = await wireOf(behaviour({ endpoint: endpoint.port, other: other.port }))
  const order = orderTo({ endpoint: `https://${HOST}:${endpoint.port}`, ...wanted })
  const outcome = await buy(order, {
    ...DEPS,
    lookup: lookupOf("127.0.0.1"),
    tls: { ca: certificate.cert },
    proxy: { address: `http://ops:s3cret-pass@proxy.test:${proxy.port}`, noProxy: "" },
    connectTimeoutMs: 2_000,
    ...deps,
  })
  return { outcome, endpoint, other, proxy }
}

const tunnels: Behaviour = ({ endpoint }) => tunnelTo(endpoint)
const answers =
  (text: string, ending: (socket: Socket) => void = () => undefined): Behaviour =>
  () => ({
    onRequest: (socket) => {
      socket.write(text)
      ending(socket)
    },
  })

describe("a purchase through HTTPS_PROXY", () => {
  it("a purchase through a proxy requests a tunnel by host name and sends its one request inside it", async () => {
    const { outcome, endpoint, proxy } = await buyThrough({ behaviour: tunnels })
    expect(outcome.kind).toBe("accepted")
    expect([endpoint.connections(), endpoint.requestLines(), proxy.connections()]).toEqual([1, 1, 1])
    expect(proxy.received().split("\r\n").slice(0, 3)).toEqual([
      `CONNECT ${HOST}:${endpoint.port} HTTP/1.1`,
      `Host: ${HOST}:${endpoint.port}`,
      `Proxy-Authorization: ${LOGIN}`,
    ])
    for (const secret of [KEYS.ak, "live-scale-up"]) expect(proxy.received()).not.toContain(secret)
    expect(endpoint.received()).not.toContain("roxy-")
  })

  it("a purchase through an https proxy speaks TLS with the proxy and, inside it, with the endpoint", async () => {
    const endpoint = await wireOf(ACCEPTS, { tls: certificate })
    const proxyCertificate = await certificateFor("proxy.test")
    const proxy = await wireOf(tunnels({ endpoint: endpoint.port, other: 0 }), { tls: proxyCertificate })
    const outcome = await buy(orderTo({ endpoint: `https://${HOST}:${endpoint.port}` }), {
      ...DEPS,
      lookup: lookupOf("127.0.0.1"),
      tls: { ca: `${certificate.cert}\n${proxyCertificate.cert}` },
      proxy: { address: `https://proxy.test:${proxy.port}`, noProxy: "" },
    })
    expect(outcome.kind).toBe("accepted")
    expect([endpoint.requestLines(), proxy.requestLines()]).toEqual([1, 1])
  })

  it("a purchase does not use the proxy if NO_PROXY names the endpoint", async () => {
    const { outcome, proxy } = await buyThrough({
      behaviour: tunnels,
      deps: { proxy: { address: "http://proxy.test:1", noProxy: ".test" } },
    })
    expect([outcome.kind, proxy.connections()]).toEqual(["accepted", 0])
  })

  it.each<[string, Behaviour, string]>([
    ["407", answers("HTTP/1.1 407 No\r\nx: s3cret-pass\r\n\r\n"), "proxy-refused"],
    ["403 and a page", answers(answer(403, "<html>s3cret-pass</html>")), "proxy-refused"],
    ["503", answers(answer(503)), "proxy-refused"],
    ["a redirect", answers(answer(302, "", { location: "https://elsewhere.test" })), "proxy-refused"],
    ["100 Continue", answers("HTTP/1.1 100 Continue\r\n\r\n"), "proxy-refused"],
    ["something that is not HTTP", answers("SSH-2.0-x\r\n\r\n"), "proxy-refused"],
    ["headers without an end", answers(`HTTP/1.1 200 OK\r\nx: ${"y".repeat(20_000)}`), "proxy-refused"],
    ["200, and bytes of its own in the same packet", answers(`${TUNNEL_STANDS}hello`), "proxy-refused"],
    ["nothing, and closes", answers("", (socket) => socket.end()), "proxy-failure"],
    ["nothing, and resets", answers("", (socket) => socket.resetAndDestroy()), "proxy-failure"],
    ["nothing, and hangs", answers(""), "connect-timeout"],
    ["half of the headers, and hangs", answers("HTTP/1.1 200 OK\r\n"), "connect-timeout"],
    ["200, and then hangs", answers(TUNNEL_STANDS), "connect-timeout"],
    ["200, and then closes", answers(TUNNEL_STANDS, (socket) => socket.end()), "tls-failure"],
    [
      "200, and then speaks plain text",
      () => ({
        onRequest: (socket) => {
          socket.write(TUNNEL_STANDS)
          socket.once("data", () => socket.write(answer(200, { id: SUPERNODE })))
        },
      }),
      "tls-failure",
    ],
    [
      "200, and then another server with another certificate",
      ({ other }) => ({
        onRequest: (socket) => {
          relay(socket, other)
          socket.write(TUNNEL_STANDS)
        },
      }),
      "tls-failure",
    ],
  ])("a purchase is not sent if the proxy responds to CONNECT with %s", async (_title, behaviour, reason) => {
    const { outcome, endpoint, other, proxy } = await buyThrough({
      behaviour,
      deps: { connectTimeoutMs: reason === "connect-timeout" ? 150 : 2_000 },
    })
    expect(outcome).toEqual({ kind: "not-sent", reason, says: expect.stringContaining("nothing was sent") })
    expect(JSON.stringify(outcome)).not.toMatch(/s3cret|b3BzOnMz|openssl/)
    expect([endpoint.requestLines(), other.requestLines(), proxy.connections()]).toEqual([0, 0, 1])
  })

  it("the message of a proxy's 407 says how to write a login if HTTPS_PROXY has none", async () => {
    const proxy = await wireOf({ onRequest: (socket) => socket.end("HTTP/1.1 407 No\r\n\r\n") })
    const outcome = await buy(orderTo({ endpoint: `https://${HOST}:1` }), {
      ...DEPS,
      lookup: lookupOf("127.0.0.1"),
      proxy: { address: `http://proxy.test:${proxy.port}`, noProxy: "" },
    })
    expect(outcome).toMatchObject({
      reason: "proxy-refused",
      says: expect.stringContaining("HTTPS_PROXY has none: write it as http://USER:PASSWORD@HOST:PORT"),
    })
  })

  it("a purchase is not sent if no proxy listens, and the message names the proxy", async () => {
    const gone = await startWire({})
    await gone.close()
    const { outcome, endpoint } = await buyThrough({
      behaviour: tunnels,
      deps: { proxy: { address: `http://ops:s3cret-pass@proxy.test:${gone.port}`, noProxy: "" } },
    })
    expect(outcome).toMatchObject({ kind: "not-sent", reason: "refused" })
    expect(outcome).toMatchObject({
      says: expect.stringContaining(`through the proxy proxy.test:${gone.port}`),
    })
    expect(JSON.stringify(outcome)).not.toContain("s3cret")
    expect(endpoint.connections()).toBe(0)
  })

  it("a purchase is not sent if its tunnel opens after the last moment to send, by wall or monotonic clock", async () => {
    for (const late of [
      { now: NOW + 1_001, monotonic: 1_000 },
      { now: NOW, monotonic: 2_001 },
    ]) {
      let stands = false
      const clock: Clock = {
        ...STILL,
        now: () => (stands ? late.now : NOW),
        monotonic: () => (stands ? late.monotonic : 1_000),
      }
      const behaviour: Behaviour = (ports) => ({
        onRequest: (socket, request) => {
          stands = true
          tunnels(ports).onRequest?.(socket, request)
        },
      })
      const wanted = { sendBefore: NOW + 1_000, sendBeforeMonotonic: 2_000 }
      const { outcome, endpoint } = await buyThrough({ behaviour, wanted, deps: { clock } })
      expect(outcome).toMatchObject({ kind: "not-sent", reason: "too-late" })
      expect(endpoint.requestLines()).toBe(0)
    }
  })

  it.each<[string, Script]>([
    ["the endpoint hangs", {}],
    ["the endpoint resets after the request", { onRequest: (socket) => socket.destroy() }],
    [
      "the endpoint closes in the middle of its response",
      { onRequest: (socket) => socket.end("HTTP/1.1 2") },
    ],
  ])(
    "a purchase through a tunnel is sent once, and its outcome is unknown, if %s",
    async (_title, script) => {
      const { outcome, endpoint, proxy } = await buyThrough({
        behaviour: tunnels,
        answers: script,
        wanted: { timeoutMs: 300 },
      })
      expect(outcome.kind).toBe("unknown")
      expect([endpoint.requestLines(), proxy.connections()]).toEqual([1, 1])
    },
  )
})

describe("a read through HTTPS_PROXY", () => {
  const question = { operation: "getThing", method: "GET", projectId: PROJECT } as const
  const parse = (json: unknown) => ({ ok: true, value: json }) as const

  it("a cloud read through a proxy measures clock skew by the Date header that arrives inside the tunnel", async () => {
    const date = new Date(NOW + 5_000).toUTCString()
    const endpoint = await wireOf(says(answer(401, {}, { date })), { tls: certificate })
    const proxy = await wireOf(tunnels({ endpoint: endpoint.port, other: 0 }))
    const address = `http://ops:s3cret-pass@127.0.0.1:${proxy.port}`
    const reader = readerOf({ tls: { ca: certificate.cert }, proxy: { address, noProxy: "" } })
    const read = await reader.read({ ...question, url: `https://${HOST}:${endpoint.port}/v1` }, parse)
    await reader.close()
    expect(read).toMatchObject({ ok: false, credentials: true, skewMs: 5_000 })
    expect([endpoint.requestLines(), proxy.received().startsWith(`CONNECT ${HOST}:`)]).toEqual([1, true])
    expect(proxy.received()).toContain(LOGIN)
  })

  it("a cloud read that the proxy refuses names the proxy but not its login, and ignores the proxy's Date", async () => {
    const text = answer(407, "s3cret-pass", { date: "Thu, 01 Jan 2026 09:00:00 GMT" })
    const proxy = await wireOf(says(text))
    const address = `http://ops:s3cret-pass@127.0.0.1:${proxy.port}`
    const reader = readerOf({ proxy: { address, noProxy: "" } })
    const read = await reader.read({ ...question, url: `https://${HOST}/v1` }, parse)
    await reader.close()
    expect(read).toEqual({
      ok: false,
      why: expect.stringContaining(`the proxy 127.0.0.1:${proxy.port}`),
      credentials: false,
    })
    expect(JSON.stringify(read)).not.toMatch(/s3cret|b3BzOnMz/)
  })

  it("a cloud read ends in time if the proxy never responds to CONNECT, and the next read gets its own tunnel", async () => {
    const endpoint = await wireOf(says(answer(200, { a: 1 })), { tls: certificate })
    let asked = 0
    const proxy = await wireOf({
      onRequest: (socket, request) => {
        asked += 1
        if (asked > 1) tunnelTo(endpoint.port).onRequest?.(socket, request)
      },
    })
    const reader = readerOf({
      tls: { ca: certificate.cert },
      proxy: { address: `http://127.0.0.1:${proxy.port}`, noProxy: "" },
      timeouts: { tryMs: 200, totalMs: 200, backoffMs: 0 },
    })
    const url = `https://${HOST}:${endpoint.port}/v1`
    const first = await reader.read({ ...question, url }, parse)
    expect(first).toMatchObject({ ok: false, why: expect.stringContaining("through the proxy 127.0.0.1") })
    // A busy machine may need more than 200 ms for a tunnel and TLS inside it. Then the read is repeated.
    let next = await reader.read({ ...question, url }, parse)
    while (!next.ok) next = await reader.read({ ...question, url }, parse)
    expect(next).toMatchObject({ value: { a: 1 } })
    await reader.close()
  })
})
