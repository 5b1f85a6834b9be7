import { gzipSync } from "node:zlib"
import { afterEach, describe, expect, it, onTestFinished } from "vitest"
import type { CloudReader, HttpOptions } from "../../lib/huawei/http.ts"
import type { Question } from "../../lib/huawei/http-answer.ts"
import { sign } from "../../lib/huawei/signature.ts"
import { type Answering, readerOf, send, startCloud, type TestCloud } from "./cloud.ts"
import { KEYS, NOW, PROJECT, STILL } from "./fixture.ts"
import { startWire } from "./wire.ts"

const open: (TestCloud | CloudReader)[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()))
})

async function ask(
  answering: Answering,
  { question, ...options }: Partial<HttpOptions> & { question?: Partial<Question> } = {},
) {
  const cloud = await startCloud(answering)
  const reader = readerOf(options)
  open.push(cloud, reader)
  const asked: Question = {
    operation: "getThing",
    method: "GET",
    url: `${cloud.url}/v1/thing?b=2&a=1`,
    projectId: PROJECT,
    ...question,
  }
  const read = await reader.read(asked, (json) => ({ ok: true, value: json }))
  return { read, cloud, host: new URL(cloud.url).host }
}

const fine: Answering = (response) => send(response, 200, { fine: true })
const firstThen =
  (first: Answering, then: Answering = fine): Answering =>
  (response, asked, count) =>
    (count === 1 ? first : then)(response, asked, count)

describe("an answer that is compressed, though identity was asked for,", () => {
  const packed =
    (body: Buffer, encoding: string): Answering =>
    (response) => {
      response.writeHead(200, { "content-encoding": encoding })
      response.end(body)
    }

  it("is read", async () => {
    const { read, cloud } = await ask(packed(gzipSync('{"fine":true}'), "gzip"))
    expect(read).toMatchObject({ ok: true, value: { fine: true } })
    const headers = cloud.asked[0]?.headers
    expect(headers?.["accept-encoding"]).toBe("identity")
    expect(headers?.authorization).not.toContain("accept-encoding")
  })

  it("is unreadable where it grows beyond 8 MB, and counts as no silence", async () => {
    const { read } = await ask(packed(gzipSync(Buffer.alloc(9 * 1024 * 1024)), "gzip"))
    expect(read).toMatchObject({
      ok: false,
      refused: true,
      why: expect.stringContaining("when decompressed"),
    })
  })
})

describe("a signed question", () => {
  it.each(["GET", "POST"] as const)("%s carries headers that the signature covers", async (method) => {
    const body = method === "POST" ? { from: 1 } : undefined
    const { cloud } = await ask(fine, { question: { method, body } })
    const [asked] = cloud.asked
    const text = body ? JSON.stringify(body) : ""
    const expected = sign({
      method,
      url: new URL(`${cloud.url}/v1/thing?a=1&b=2`),
      headers: { "content-type": "application/json", "x-project-id": PROJECT },
      body: text,
      credentials: KEYS,
      now: NOW,
    })
    expect(asked).toMatchObject({ method, url: "/v1/thing?b=2&a=1", body: text, headers: expected })
  })

  it("asks for credentials anew for every question and every try, and sends the token of temporary keys", async () => {
    let calls = 0
    const credentials = () => Promise.resolve({ ...KEYS, ak: `ACCESSKEY${++calls}`, securityToken: "token" })
    const { cloud } = await ask(
      firstThen((response) => send(response, 503, "")),
      { credentials },
    )
    expect(
      cloud.asked.map(({ headers }) => [headers.authorization?.slice(23, 33), headers["x-security-token"]]),
    ).toEqual([
      ["ACCESSKEY1", "token"],
      ["ACCESSKEY2", "token"],
    ])
  })

  it.each<[string, HttpOptions["credentials"]]>([
    ["fails", () => Promise.reject(new Error("no agency"))],
    [
      "throws",
      () => {
        throw new Error("no agency")
      },
    ],
    ["gives an empty key", () => Promise.resolve({ ...KEYS, sk: "" })],
  ])(
    "is not sent if the credentials' provider %s, and the failure is one of credentials",
    async (_title, credentials) => {
      const { read, cloud } = await ask(fine, { credentials })
      expect(read).toEqual({ ok: false, why: expect.stringContaining("no credentials"), credentials: true })
      expect(cloud.asked).toEqual([])
    },
  )

  it("does not wait for credentials for ever", async () => {
    const { read } = await ask(fine, {
      credentials: () => new Promise(() => undefined),
      timeouts: { tryMs: 50 },
    })
    expect(read).toMatchObject({ ok: false, credentials: true })
  })
})

describe("what is tried again, and what is not", () => {
  it.each([429, 500, 502, 503, 504])("%i, until there is an answer", async (status) => {
    const { read, cloud } = await ask(firstThen((response) => send(response, status, {})))
    expect(read).toMatchObject({ ok: true, value: { fine: true } })
    expect(cloud.asked.length).toBe(2)
  })

  it.each<[string, Answering]>([
    ["a reset", (response) => response.socket?.resetAndDestroy()],
    ["a hang-up", (response) => response.socket?.destroy()],
    [
      "an answer that breaks off",
      (response) => {
        response.writeHead(200, { "content-length": "99" })
        response.write("{}", () => response.socket?.destroy())
      },
    ],
  ])("%s, also for a POST, since every POST here is a read", async (_title, first) => {
    for (const method of ["GET", "POST"] as const) {
      const { read, cloud } = await ask(firstThen(first), {
        question: { method, body: method === "POST" ? {} : undefined },
      })
      expect(read).toMatchObject({ ok: true, value: { fine: true } })
      expect(cloud.asked.map((asked) => asked.headers.range)).toEqual([undefined, undefined])
    }
  })

  it("a try that takes too long", async () => {
    const { read, cloud } = await ask(
      firstThen(() => undefined),
      { timeouts: { tryMs: 300 } },
    )
    expect(read).toMatchObject({ ok: true })
    // On a busy machine the second try may take too long as well.
    expect(cloud.asked.length).toBeGreaterThanOrEqual(2)
  })

  it("tries four times and then reports the last answer", async () => {
    const { read, cloud, host } = await ask((response) =>
      send(response, 503, { error_code: "ModelArts.4302", error_msg: "busy" }, { "x-request-id": "r-1" }),
    )
    expect(read).toEqual({
      ok: false,
      why: `getThing at ${host} answered 503 ModelArts.4302: busy (request id r-1)`,
      credentials: false,
    })
    expect(cloud.asked.length).toBe(4)
  })

  it.each([400, 401, 403, 404, 409, 418, 501])("%i is final", async (status) => {
    const { read, cloud } = await ask((response) => send(response, status, {}))
    expect(read).toMatchObject({ ok: false, credentials: status === 401 || status === 403 })
    expect(cloud.asked.length).toBe(1)
  })

  it("a redirect is not followed", async () => {
    const { read, cloud } = await ask((response, asked) =>
      send(response, 302, "", { location: `http://${asked.headers.host}/x` }),
    )
    expect(read).toMatchObject({
      ok: false,
      why: expect.stringContaining("answered 302, a redirect, which is not followed"),
    })
    expect(cloud.asked.length).toBe(1)
  })

  it("reports a missing listener after four tries", async () => {
    const cloud = await startCloud(fine)
    await cloud.close()
    const reader = readerOf()
    open.push(reader)
    const read = await reader.read(
      { operation: "getThing", method: "GET", url: cloud.url, projectId: PROJECT },
      (json) => ({ ok: true, value: json }),
    )
    expect(read).toEqual({
      ok: false,
      why: expect.stringMatching(
        /^getThing at 127\.0\.0\.1:\d+ got no response: .*ECONNREFUSED.* \(4 tries\)$/,
      ),
      credentials: false,
    })
  })
})

describe("time", () => {
  it("a Retry-After beyond the total time ends the trying at once", async () => {
    const { read, cloud } = await ask((response) =>
      send(response, 429, { error_code: "APIG.0308" }, { "retry-after": "3600" }),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("429 APIG.0308") })
    expect(cloud.asked.length).toBe(1)
  })

  it.each([
    ["without a Retry-After: up to twice as long each time", {}, [50, 100, 200]],
    [
      "with one: at least as long as it says, the jitter on top",
      { "retry-after": "3" },
      [3_050, 3_100, 3_200],
    ],
    [
      "with one that is a date",
      { "retry-after": new Date(NOW + 4_000).toUTCString() },
      [4_050, 4_100, 4_200],
    ],
  ])("the waits between tries, %s", async (_title, headers, expected) => {
    const waits: number[] = []
    await ask((response) => send(response, 429, {}, headers), {
      random: () => 0.5,
      wait: (ms) => Promise.resolve(waits.push(ms)),
      timeouts: { backoffMs: 100 },
    })
    expect(waits).toEqual(expected)
  })

  it("a wait that would end after the total time is not begun", async () => {
    const waits: number[] = []
    const clock = { ...STILL, monotonic: () => 1_000 + waits.reduce((sum, ms) => sum + ms, 0) }
    const { cloud } = await ask((response) => send(response, 503, {}, { "retry-after": "9" }), {
      clock,
      wait: (ms) => Promise.resolve(waits.push(ms)),
    })
    expect(waits).toEqual([9_000, 9_000])
    expect(cloud.asked.length).toBe(3)
  })

  it("the total time ends even a try that has time left", async () => {
    const { read, cloud } = await ask(() => undefined, { timeouts: { tryMs: 60_000, totalMs: 100 } })
    expect(read).toMatchObject({
      ok: false,
      why: expect.stringContaining("it took too long"),
      credentials: false,
    })
    // None where the machine was too busy to send even the first.
    expect(cloud.asked.length).toBeLessThanOrEqual(1)
  })

  it("a question's own limit ends its tries, also while the connection is being opened", async () => {
    const silent = await startWire({})
    onTestFinished(() => silent.close())
    const url = `https://localhost:${silent.port}/v1`
    const reader = readerOf({ timeouts: { tryMs: 60_000, totalMs: 60_000 } })
    onTestFinished(() => reader.close())
    const read = await reader.read(
      { operation: "getThing", method: "GET", url, projectId: null, totalMs: 100 },
      () => ({ ok: true, value: 1 }),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("it took too long") })
  })

  it.each([
    ["within the second that Date names", NOW + 500, 0],
    ["at its first millisecond", NOW, 0],
    ["at its last", NOW + 999, 0],
    ["one millisecond before it", NOW - 1, 1],
    ["one millisecond after it", NOW + 1_000, -1],
    ["a minute behind the cloud", NOW - 60_000, 60_000],
    ["a minute ahead of the cloud", NOW + 60_999, -60_000],
  ])("our clock %s: the least skew that fits", async (_title, now, skewMs) => {
    const date = new Date(NOW).toUTCString()
    const { read } = await ask((response) => send(response, 200, {}, { date }), {
      clock: { ...STILL, now: () => now },
    })
    expect(read).toMatchObject({ ok: true, value: {}, skewMs, date: expect.any(Number) })
  })

  it.each([[{}], [{ date: "yesterday" }]])(
    "reports no skew without a Date that shows one: %j",
    async (headers) => {
      const { read } = await ask((response) => send(response, 200, {}, headers))
      expect(read).toMatchObject({ ok: true, skewMs: null })
    },
  )
})

describe("an answer that is of no use says why", () => {
  it.each<[string, number, unknown, string]>([
    [
      "ModelArts' error",
      400,
      { error_code: "ModelArts.6404", error_msg: "no such thing" },
      "answered 400 ModelArts.6404: no such thing",
    ],
    [
      "the gateway's",
      403,
      { error_code: "APIG.0302", error_msg: "no", request_id: "r-9" },
      "answered 403 APIG.0302: no (request id r-9)",
    ],
    ["camel case", 400, { errorCode: "A.1", errorMsg: "m" }, "answered 400 A.1: m"],
    ["plain code and message", 400, { code: "A.1", message: "m" }, "answered 400 A.1: m"],
    ["one level deeper", 400, { error: { code: "A.1", message: "m" } }, "answered 400 A.1: m"],
    [
      "Cloud Eye's",
      403,
      { http_code: "403", message: { details: "Policy doesn't allow", code: "403" } },
      "answered 403 403: Policy doesn't allow",
    ],
    ["HTML", 404, "<html>", "answered 404, not JSON"],
    ["nothing at all", 404, "", "answered 404"],
    ["2xx that is no JSON", 200, "<html>", "answered 200 with something that is not JSON"],
    [
      "a message of several lines",
      400,
      { error_code: "A.1", error_msg: "one\r\ntwo\u0007" },
      "answered 400 A.1: one two",
    ],
  ])("%s", async (_title, status, body, says) => {
    const { read, host } = await ask((response) => send(response, status, body))
    expect(read).toEqual({
      ok: false,
      why: `getThing at ${host} ${says}`,
      credentials: status === 403,
      ...([200, 400, 404].includes(status) ? { refused: true } : {}),
    })
  })

  it("never with keys in it, though the answer echoes them", async () => {
    const { read } = await ask((response) =>
      send(response, 401, { error_code: "APIG.0301", error_msg: `ak ${KEYS.ak} not exist, ${KEYS.sk}` }),
    )
    expect(read).toMatchObject({
      why: expect.stringContaining("ak [redacted] not exist, [redacted]"),
      credentials: true,
    })
  })

  it("a very long message is cut", async () => {
    const { read } = await ask((response) =>
      send(response, 400, { error_code: "A.1", error_msg: "x".repeat(10_000) }),
    )
    expect(read.ok ? 0 : read.why.length).toBeLessThan(400)
  })

  it("more than 8 MB is not read", async () => {
    const { read, cloud } = await ask((response) =>
      send(response, 200, JSON.stringify("x".repeat(8 * 1024 * 1024))),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("larger than 8 MB") })
    expect(cloud.asked.length).toBe(1)
  })

  it("an invalid address", async () => {
    const { read } = await ask(fine, { question: { url: "not a url" } })
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("getThing at an invalid URL") })
  })
})
