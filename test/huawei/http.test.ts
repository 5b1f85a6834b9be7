import { gzipSync } from "node:zlib"
import { afterEach, describe, expect, it, onTestFinished } from "vitest"
import type { CloudRequest } from "../../lib/huawei/cloud-response.ts"
import type { CloudReader, HttpOptions } from "../../lib/huawei/http.ts"
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
  { question, ...options }: Partial<HttpOptions> & { question?: Partial<CloudRequest> } = {},
) {
  const cloud = await startCloud(answering)
  const reader = readerOf(options)
  open.push(cloud, reader)
  const asked: CloudRequest = {
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

describe("a compressed response, although the request accepts only identity", () => {
  const packed =
    (body: Buffer, encoding: string): Answering =>
    (response) => {
      response.writeHead(200, { "content-encoding": encoding })
      response.end(body)
    }

  it("a gzip response of the cloud is read, although the request accepts only identity", async () => {
    const { read, cloud } = await ask(packed(gzipSync('{"fine":true}'), "gzip"))
    expect(read).toMatchObject({ ok: true, value: { fine: true } })
    const headers = cloud.asked[0]?.headers
    expect(headers?.["accept-encoding"]).toBe("identity")
    expect(headers?.authorization).not.toContain("accept-encoding")
  })

  it("a cloud response larger than 8 MB when inflated counts as unreadable, not as a source without a response", async () => {
    const { read } = await ask(packed(gzipSync(Buffer.alloc(9 * 1024 * 1024)), "gzip"))
    expect(read).toMatchObject({
      ok: false,
      refused: true,
      why: expect.stringContaining("when decompressed"),
    })
  })
})

describe("a signed request", () => {
  it.each(["GET", "POST"] as const)(
    "a %s request to the cloud carries headers that the signature covers",
    async (method) => {
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
    },
  )

  it("each try of a cloud request fetches credentials anew and sends the token of temporary keys", async () => {
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
    ["rejects", () => Promise.reject(new Error("no agency"))],
    [
      "throws",
      () => {
        throw new Error("no agency")
      },
    ],
    ["returns an empty key", () => Promise.resolve({ ...KEYS, sk: "" })],
  ])(
    "a cloud request is not sent if the credentials provider %s, and fails for lack of credentials",
    async (_title, credentials) => {
      const { read, cloud } = await ask(fine, { credentials })
      expect(read).toEqual({ ok: false, why: expect.stringContaining("no credentials"), credentials: true })
      expect(cloud.asked).toEqual([])
    },
  )

  it("a cloud request waits for credentials no longer than a try may take", async () => {
    const { read } = await ask(fine, {
      credentials: () => new Promise(() => undefined),
      timeouts: { tryMs: 50 },
    })
    expect(read).toMatchObject({ ok: false, credentials: true })
  })
})

describe("retries of reads", () => {
  it.each([429, 500, 502, 503, 504])("a cloud read is tried again after a status %i", async (status) => {
    const { read, cloud } = await ask(firstThen((response) => send(response, status, {})))
    expect(read).toMatchObject({ ok: true, value: { fine: true } })
    expect(cloud.asked.length).toBe(2)
  })

  it.each<[string, Answering]>([
    ["a reset", (response) => response.socket?.resetAndDestroy()],
    ["a hang-up", (response) => response.socket?.destroy()],
    [
      "a truncated response",
      (response) => {
        response.writeHead(200, { "content-length": "99" })
        response.write("{}", () => response.socket?.destroy())
      },
    ],
  ])("a cloud read is tried again after %s, even if it is a POST", async (_title, first) => {
    for (const method of ["GET", "POST"] as const) {
      const { read, cloud } = await ask(firstThen(first), {
        question: { method, body: method === "POST" ? {} : undefined },
      })
      expect(read).toMatchObject({ ok: true, value: { fine: true } })
      expect(cloud.asked.map((asked) => asked.headers.range)).toEqual([undefined, undefined])
    }
  })

  it("a cloud read is tried again after a try that takes too long", async () => {
    const { read, cloud } = await ask(
      firstThen(() => undefined),
      { timeouts: { tryMs: 300 } },
    )
    expect(read).toMatchObject({ ok: true })
    // On a busy machine the second try may take too long as well.
    expect(cloud.asked.length).toBeGreaterThanOrEqual(2)
  })

  it("a cloud read is tried four times and then reports the last response", async () => {
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

  it.each([400, 401, 403, 404, 409, 418, 501])(
    "a cloud read is not tried again after a status %i",
    async (status) => {
      const { read, cloud } = await ask((response) => send(response, status, {}))
      expect(read).toMatchObject({ ok: false, credentials: status === 401 || status === 403 })
      expect(cloud.asked.length).toBe(1)
    },
  )

  it("a cloud read does not follow a redirect", async () => {
    const { read, cloud } = await ask((response, asked) =>
      send(response, 302, "", { location: `http://${asked.headers.host}/x` }),
    )
    expect(read).toMatchObject({
      ok: false,
      why: expect.stringContaining("answered 302, a redirect, which is not followed"),
    })
    expect(cloud.asked.length).toBe(1)
  })

  it("a cloud read reports after four tries that nothing listens", async () => {
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

describe("time limits and waits of reads", () => {
  it("a cloud read is not tried again if its Retry-After exceeds the total time", async () => {
    const { read, cloud } = await ask((response) =>
      send(response, 429, { error_code: "APIG.0308" }, { "retry-after": "3600" }),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("429 APIG.0308") })
    expect(cloud.asked.length).toBe(1)
  })

  it.each([
    ["up to twice as long each time without a Retry-After", {}, [50, 100, 200]],
    ["a Retry-After in seconds plus jitter", { "retry-after": "3" }, [3_050, 3_100, 3_200]],
    [
      "a Retry-After that is a date plus jitter",
      { "retry-after": new Date(NOW + 4_000).toUTCString() },
      [4_050, 4_100, 4_200],
    ],
  ])("the waits between tries of a cloud read are %s", async (_title, headers, expected) => {
    const waits: number[] = []
    await ask((response) => send(response, 429, {}, headers), {
      random: () => 0.5,
      wait: (ms) => Promise.resolve(waits.push(ms)),
      timeouts: { backoffMs: 100 },
    })
    expect(waits).toEqual(expected)
  })

  it("a cloud read does not start to wait for another try if its total time would end before the wait does", async () => {
    const waits: number[] = []
    const clock = { ...STILL, monotonic: () => 1_000 + waits.reduce((sum, ms) => sum + ms, 0) }
    const { cloud } = await ask((response) => send(response, 503, {}, { "retry-after": "9" }), {
      clock,
      wait: (ms) => Promise.resolve(waits.push(ms)),
    })
    expect(waits).toEqual([9_000, 9_000])
    expect(cloud.asked.length).toBe(3)
  })

  it("a cloud read ends when its total time is over, even if its current try has time left", async () => {
    const { read, cloud } = await ask(() => undefined, { timeouts: { tryMs: 60_000, totalMs: 100 } })
    expect(read).toMatchObject({
      ok: false,
      why: expect.stringContaining("it took too long"),
      credentials: false,
    })
    // There is no request if the machine was too busy to send even the first one.
    expect(cloud.asked.length).toBeLessThanOrEqual(1)
  })

  it("a cloud request's own time limit ends its tries, even while the connection is being opened", async () => {
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
    ["within the second of the Date header", NOW + 500, 0],
    ["at the first millisecond of the Date header's second", NOW, 0],
    ["at the last millisecond of the Date header's second", NOW + 999, 0],
    ["one millisecond before the Date header's second", NOW - 1, 1],
    ["one millisecond after the Date header's second", NOW + 1_000, -1],
    ["a minute behind the cloud", NOW - 60_000, 60_000],
    ["a minute ahead of the cloud", NOW + 60_999, -60_000],
  ])(
    "a cloud read reports the smallest clock skew that explains the Date header if our clock is %s",
    async (_title, now, skewMs) => {
      const date = new Date(NOW).toUTCString()
      const { read } = await ask((response) => send(response, 200, {}, { date }), {
        clock: { ...STILL, now: () => now },
      })
      expect(read).toMatchObject({ ok: true, value: {}, skewMs, date: expect.any(Number) })
    },
  )

  it.each([[{}], [{ date: "yesterday" }]])(
    "a cloud read reports no clock skew if the Date header is missing or unreadable: %j",
    async (headers) => {
      const { read } = await ask((response) => send(response, 200, {}, headers))
      expect(read).toMatchObject({ ok: true, skewMs: null })
    },
  )
})

describe("the reason of a failed read", () => {
  it.each<[string, number, unknown, string]>([
    [
      "ModelArts' error code and message",
      400,
      { error_code: "ModelArts.6404", error_msg: "no such thing" },
      "answered 400 ModelArts.6404: no such thing",
    ],
    [
      "the gateway's error code, message and request id",
      403,
      { error_code: "APIG.0302", error_msg: "no", request_id: "r-9" },
      "answered 403 APIG.0302: no (request id r-9)",
    ],
    ["an error in camel case", 400, { errorCode: "A.1", errorMsg: "m" }, "answered 400 A.1: m"],
    ["an error with plain `code` and `message`", 400, { code: "A.1", message: "m" }, "answered 400 A.1: m"],
    ["an error one level deeper", 400, { error: { code: "A.1", message: "m" } }, "answered 400 A.1: m"],
    [
      "Cloud Eye's form of an error",
      403,
      { http_code: "403", message: { details: "Policy doesn't allow", code: "403" } },
      "answered 403 403: Policy doesn't allow",
    ],
    ["a 404 that is HTML", 404, "<html>", "answered 404, not JSON"],
    ["a 404 without a body", 404, "", "answered 404"],
    ["a 2xx response that is not JSON", 200, "<html>", "answered 200 with something that is not JSON"],
    [
      "a message of several lines in one line",
      400,
      { error_code: "A.1", error_msg: "one\r\ntwo\u0007" },
      "answered 400 A.1: one two",
    ],
  ])("a failed cloud read reports %s", async (_title, status, body, says) => {
    const { read, host } = await ask((response) => send(response, status, body))
    expect(read).toEqual({
      ok: false,
      why: `getThing at ${host} ${says}`,
      credentials: status === 403,
      ...([200, 400, 404].includes(status) ? { refused: true } : {}),
    })
  })

  it("a failed cloud read never reports keys, even if the response echoes them", async () => {
    const { read } = await ask((response) =>
      send(response, 401, { error_code: "APIG.0301", error_msg: `ak ${KEYS.ak} not exist, ${KEYS.sk}` }),
    )
    expect(read).toMatchObject({
      why: expect.stringContaining("ak [redacted] not exist, [redacted]"),
      credentials: true,
    })
  })

  it("a failed cloud read truncates a very long message", async () => {
    const { read } = await ask((response) =>
      send(response, 400, { error_code: "A.1", error_msg: "x".repeat(10_000) }),
    )
    expect(read.ok ? 0 : read.why.length).toBeLessThan(400)
  })

  it("a cloud response larger than 8 MB is not read", async () => {
    const { read, cloud } = await ask((response) =>
      send(response, 200, JSON.stringify("x".repeat(8 * 1024 * 1024))),
    )
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("larger than 8 MB") })
    expect(cloud.asked.length).toBe(1)
  })

  it("a failed cloud read reports an invalid URL", async () => {
    const { read } = await ask(fine, { question: { url: "not a url" } })
    expect(read).toMatchObject({ ok: false, why: expect.stringContaining("getThing at an invalid URL") })
  })
})
