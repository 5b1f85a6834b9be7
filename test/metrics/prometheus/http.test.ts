import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import type { ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { afterEach, describe, expect, it } from "vitest"
import { parsePrometheusAuth } from "../../../lib/metrics/prometheus/auth.ts"
import {
  type PrometheusClient,
  type PrometheusOptions,
  type PrometheusQuery,
  prometheusClient,
  queryRangeUrl,
} from "../../../lib/metrics/prometheus/http.ts"
import { certificateFor } from "../../huawei/certificates.ts"
import { json, PrometheusServer } from "./server.ts"

const AT = Date.parse("2024-01-12T17:00:00Z")
const TOKEN = "hush-hush-token"
const open: { close(): Promise<unknown> }[] = []

afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one.close()
})

async function serverOf(tls?: { key: string; cert: string }): Promise<PrometheusServer> {
  const server = await PrometheusServer.start(tls)
  open.push(server)
  return server
}

function clientOf(
  over: Partial<PrometheusOptions> & { login?: Record<string, unknown> } = {},
): PrometheusClient {
  const { login, ...options } = over
  const client = prometheusClient({
    auth: async () => parsePrometheusAuth(JSON.stringify(login ?? {})).logins,
    // No test reaches these limits, however busy the machine is.
    timeouts: { tryMs: 60_000, totalMs: 60_000 },
    wait: async () => {},
    ...options,
  })
  open.push(client)
  return client
}

function asking(url: string, over: Partial<PrometheusQuery> = {}): PrometheusQuery {
  return { url, query: "sum(queue)", start: AT - 120_000, end: AT, periodMs: 60_000, ...over }
}

/** Queries a server that responds by `instead`, and returns the result and the server. */
async function readInstead(instead: (response: ServerResponse) => unknown, client = clientOf()) {
  const server = await serverOf()
  server.instead = (_, response) => {
    instead(response)
    return true
  }
  const read = await client.queryRange(asking(server.url))
  return { read, server }
}

describe("a range query", () => {
  it("a Prometheus query is one GET with the first and last instant, and returns numbers by time", async () => {
    const server = await serverOf()
    server.evaluate = () => [{ labels: { a: "b" }, at: (instant) => (AT - instant) / 1_000 + 0.5 }]
    expect(await clientOf().queryRange(asking(server.url))).toEqual({
      ok: true,
      value: [
        {
          labels: { a: "b" },
          points: [
            { at: AT - 120_000, value: 120.5 },
            { at: AT - 60_000, value: 60.5 },
            { at: AT, value: 0.5 },
          ],
        },
      ],
      skewMs: null,
    })
    expect(server.asked).toMatchObject([
      {
        method: "GET",
        path: "/api/v1/query_range",
        query: "sum(queue)",
        start: String(AT / 1_000 - 120),
        end: String(AT / 1_000),
        step: "60",
      },
    ])
    expect(server.asked[0]?.headers.authorization).toBeUndefined()
  })

  it("a long Prometheus query is sent as a form, with every character unchanged", async () => {
    const server = await serverOf()
    const query = `sum(x{a="ä & b=c + 100%"}) + ${"1 + ".repeat(900)}1`
    await clientOf().queryRange(asking(server.url, { query }))
    expect(server.asked).toMatchObject([{ method: "POST", query, step: "60" }])
    expect(server.asked[0]?.headers["content-type"]).toBe("application/x-www-form-urlencoded")
  })

  it.each([
    ["https://p.example.com", "https://p.example.com/api/v1/query_range"],
    ["https://p.example.com/", "https://p.example.com/api/v1/query_range"],
    ["https://p.example.com/api/v1", "https://p.example.com/api/v1/query_range"],
    ["https://p.example.com/api/v1/", "https://p.example.com/api/v1/query_range"],
    ["https://p.example.com/api/v1/query_range", "https://p.example.com/api/v1/query_range"],
    ["https://aom.example.com/v1/0123/aom/api/v1", "https://aom.example.com/v1/0123/aom/api/v1/query_range"],
    ["https://aom.example.com/v1/0123", "https://aom.example.com/v1/0123/api/v1/query_range"],
    [
      "https://vm.example.com/select/0/prometheus//",
      "https://vm.example.com/select/0/prometheus/api/v1/query_range",
    ],
  ])("a Prometheus query with the base URL %s goes to %s", (base, url) => {
    expect(queryRangeUrl(base).href).toBe(url)
  })
})

describe("the login at Prometheus", () => {
  it("a Prometheus query carries the login of its URL", async () => {
    const server = await serverOf()
    await clientOf({ login: { [server.url]: { bearer: TOKEN } } }).queryRange(asking(server.url))
    await clientOf({ login: { [`${server.url}/x`]: { user: "u", password: "p" } } }).queryRange(
      asking(`${server.url}/x`),
    )
    expect(server.asked.map(({ headers }) => headers.authorization)).toEqual([
      `Bearer ${TOKEN}`,
      `Basic ${Buffer.from("u:p").toString("base64")}`,
    ])
  })

  it("the login at Prometheus goes to no other server, since redirects are not followed", async () => {
    const elsewhere = await serverOf()
    const server = await serverOf()
    server.instead = (_, response) => {
      response.writeHead(307, { location: `${elsewhere.url}/api/v1/query_range` }).end()
      return true
    }
    const read = await clientOf({ login: { [server.url]: { bearer: TOKEN } } }).queryRange(asking(server.url))
    expect(read).toMatchObject({
      ok: false,
      refused: true,
      why: expect.stringMatching(/307, a redirect, which is not followed/),
    })
    expect(elsewhere.asked).toEqual([])
    expect(server.asked).toHaveLength(1)
  })

  it.each([401, 403])(
    "a Prometheus that refuses the login (%i) counts as a failure of the keys, and the reason says what to do",
    async (status) => {
      const server = await serverOf()
      server.instead = (asked, response) =>
        json(response, status, { status: "error", error: `no ${asked.headers.authorization}` })
      const login = { [server.url]: { bearer: TOKEN } }
      const shown = await clientOf({ login }).queryRange(asking(server.url))
      expect(shown).toMatchObject({ ok: false, credentials: true })
      expect(shown).toMatchObject({
        why: expect.stringMatching(/rejected the credentials that SUPERNODE_PROMETHEUS_AUTH has for http:/),
      })
      expect(JSON.stringify(shown)).not.toContain("hush")
      const nobody = await clientOf().queryRange(asking(server.url))
      expect(nobody).toMatchObject({
        credentials: true,
        why: expect.stringMatching(
          /SUPERNODE_PROMETHEUS_AUTH has no bearer, or user and password, for this url/,
        ),
      })
      expect(server.asked).toHaveLength(2)
    },
  )

  it("no request is sent to Prometheus if the logins cannot be read", async () => {
    const server = await serverOf()
    const client = clientOf({ auth: () => Promise.reject(new Error("the secret could not be read")) })
    expect(await client.queryRange(asking(server.url))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/the secret could not be read/),
    })
    expect(server.asked).toEqual([])
  })
})

describe("TLS", () => {
  it("the certificates of a Prometheus login, as text or as a file, are the only ones trusted over TLS", async () => {
    const tls = await certificateFor("localhost")
    const other = await certificateFor("localhost")
    const server = await serverOf(tls)
    const folder = mkdtempSync(join(tmpdir(), "ca-"))
    open.push({ close: async () => rmSync(folder, { recursive: true }) })
    const file = join(folder, "ca.pem")
    writeFileSync(file, tls.cert)
    const readWith = (ca?: string) =>
      clientOf({ login: { [server.url]: { bearer: TOKEN, ...(ca ? { ca } : {}) } } }).queryRange(
        asking(server.url),
      )
    expect(await readWith(tls.cert)).toMatchObject({ ok: true })
    expect(await readWith(file)).toMatchObject({ ok: true })
    expect(server.asked).toHaveLength(2)
    expect(await readWith()).toMatchObject({ ok: false, why: expect.stringMatching(/self-signed/) })
    expect(await readWith(other.cert)).toMatchObject({ ok: false })
    expect(await readWith(join(folder, "none.pem"))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/ca .*cannot be read/),
    })
    expect(server.asked).toHaveLength(2)
  })
})

describe("the response of Prometheus", () => {
  it.each<[string, (response: ServerResponse) => unknown, RegExp]>([
    [
      "a query that it cannot parse",
      (r) =>
        json(r, 400, {
          status: "error",
          errorType: "bad_data",
          error: "1:5: parse error: unclosed left parenthesis",
        }),
      /answered 400 bad_data: 1:5: parse error/,
    ],
    [
      "a query that it cannot execute",
      (r) => json(r, 422, { status: "error", errorType: "execution", error: "too many samples" }),
      /422 execution: too many samples/,
    ],
    [
      "a server that is not Prometheus",
      (r) => r.writeHead(404).end("404 page not found"),
      /404 with something that is not JSON; is the url the base/,
    ],
    [
      "a login page",
      (r) => r.writeHead(200, { "content-type": "text/html" }).end("<html>"),
      /200 with something that is not JSON; is the url/,
    ],
    [
      "an error with status 200",
      (r) => json(r, 200, { status: "error", errorType: "internal", error: "x" }),
      /200 internal: x/,
    ],
    [
      "an instant vector",
      (r) => json(r, 200, { status: "success", data: { resultType: "vector", result: [] } }),
      /not a matrix/,
    ],
    ["no data", (r) => json(r, 200, { status: "success" }), /not a matrix/],
    ["JSON of another kind", (r) => json(r, 200, []), /answered 200/],
    [
      "native histograms",
      (r) =>
        json(r, 200, {
          status: "success",
          data: { resultType: "matrix", result: [{ metric: {}, histograms: [] }] },
        }),
      /native histograms/,
    ],
    [
      "warnings, since a part of a sum is not the sum",
      (r) =>
        json(r, 200, {
          status: "success",
          warnings: ["store-2 is\nunavailable"],
          data: { resultType: "matrix", result: [{ metric: {}, values: [[1, "1"]] }] },
        }),
      /warned, so it is not used: store-2 is unavailable/,
    ],
    [
      "VictoriaMetrics' partial response",
      (r) => json(r, 200, { status: "success", isPartial: true, data: { resultType: "matrix", result: [] } }),
      /only a part/,
    ],
    [
      "too many series",
      (r) =>
        json(r, 200, {
          status: "success",
          data: {
            resultType: "matrix",
            result: Array.from({ length: 1_001 }, () => ({ metric: {}, values: [] })),
          },
        }),
      /1001 series, the maximum is 1000: aggregate in the query/,
    ],
    [
      "a body that is too large",
      (r) => r.writeHead(200).end("x".repeat(4 * 1024 * 1024 + 1)),
      /larger than 4 MB/,
    ],
  ])(
    "an unusable response of Prometheus is reported, and the query is not repeated: %s",
    async (_, instead, why) => {
      const { read, server } = await readInstead(instead)
      expect(read).toMatchObject({ ok: false, why: expect.stringMatching(why), credentials: false })
      expect(server.asked).toHaveLength(1)
    },
  )

  it("a response of Prometheus without series may have null instead of an empty list", async () => {
    const { read } = await readInstead((r) =>
      json(r, 200, { status: "success", data: { resultType: "matrix", result: null } }),
    )
    expect(read).toEqual({ ok: true, value: [], skewMs: null })
  })

  it("a response of Prometheus may come in gzip that was not requested", async () => {
    const text = JSON.stringify({ status: "success", data: { resultType: "matrix", result: [] } })
    const { read } = await readInstead((r) =>
      r.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(text)),
    )
    expect(read).toMatchObject({ ok: true, value: [] })
  })

  it("a response of Prometheus counts if its warnings are only style notes, but not if it has a real warning", async () => {
    const note = 'PromQL info: metric might not be a counter, name does not end in _total: "npu_util"'
    const answer = (...warnings: string[]) => ({
      status: "success",
      warnings,
      infos: [note],
      data: { resultType: "matrix", result: [{ metric: { node: "a" }, values: [[1_705_078_200, "97"]] }] },
    })
    const noted = await readInstead((r) => json(r, 200, answer(note)))
    const points = [{ at: 1_705_078_200_000, value: 97 }]
    expect(noted.read).toMatchObject({ ok: true, value: [{ points }] })
    for (const real of [[note, "store-2 is unavailable"], [`${note}\nstore-2 is unavailable`]]) {
      const doubted = await readInstead((r) => json(r, 200, answer(...real)))
      const why = expect.stringMatching(/warned, so it is not used: .*store-2 is unavailable/)
      expect(doubted.read).toMatchObject({ ok: false, why })
    }
  })

  it("a response of Prometheus counts if it has an empty list of histograms beside its samples", async () => {
    const result = [{ metric: {}, values: [[1_705_078_200, "97"]], histograms: [] }]
    const { read } = await readInstead((r) =>
      json(r, 200, { status: "success", data: { resultType: "matrix", result } }),
    )
    expect(read).toMatchObject({ ok: true, value: [{ points: [{ at: 1_705_078_200_000, value: 97 }] }] })
  })

  it("an error of Prometheus is reported as one line of limited length", async () => {
    const { read } = await readInstead((r) =>
      json(r, 400, { status: "error", error: `a\n\u001b[31m${"x".repeat(9_000)}` }),
    )
    expect(read.ok).toBe(false)
    expect(read.ok ? "" : read.why).toMatch(/^[\x20-\x7e]{1,299}…$/)
  })

  it.each<[string, unknown]>([
    ["NaN", "NaN"],
    ["+Inf", "+Inf"],
    ["-Inf", "-Inf"],
    ["an empty string, which is not zero", ""],
    ["hexadecimal", "0x10"],
    ["a number instead of a string", 12],
    ["null", null],
    ["more than a number can represent", "1e999"],
  ])(
    "an unreadable Prometheus sample is left out, and other samples of the series stay: %s",
    async (_, value) => {
      const { read } = await readInstead((r) =>
        json(r, 200, {
          status: "success",
          data: {
            resultType: "matrix",
            result: [{ metric: {}, values: [[1, "-1.5e2"], [2, value], ["3", "3"], 4] }],
          },
        }),
      )
      expect(read).toMatchObject({ ok: true, value: [{ points: [{ at: 1_000, value: -150 }] }] })
    },
  )
})

describe("failures on the way to Prometheus", () => {
  it.each([502, 503, 504])("a Prometheus query is repeated after HTTP %i", async (status) => {
    const server = await serverOf()
    server.instead = (_, response) => server.asked.length < 3 && json(response, status, {})
    expect(await clientOf().queryRange(asking(server.url))).toMatchObject({ ok: true })
    expect(server.asked).toHaveLength(3)
  })

  it("a Prometheus query is sent three times in all if the connection breaks", async () => {
    const { read, server } = await readInstead((response) => response.destroy())
    expect(read).toMatchObject({
      ok: false,
      credentials: false,
      why: expect.stringMatching(/got no response/),
    })
    expect(read).not.toHaveProperty("refused")
    expect(server.asked).toHaveLength(3)
  })

  it.each([429, 500])("a Prometheus query is not repeated after HTTP %i", async (status) => {
    const { read, server } = await readInstead((response) => json(response, status, {}))
    expect(read).toMatchObject({ ok: false, why: expect.stringMatching(String(status)) })
    expect(server.asked).toHaveLength(1)
  })

  it("a query to a silent Prometheus ends after the time limit", async () => {
    const server = await serverOf()
    server.instead = () => true
    const client = clientOf({ timeouts: { tryMs: 40, totalMs: 60 } })
    expect(await client.queryRange(asking(server.url))).toMatchObject({
      ok: false,
      why: expect.stringMatching(/took too long/),
    })
  })
})
