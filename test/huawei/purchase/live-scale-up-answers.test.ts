import { gzipSync } from "node:zlib"
import { afterEach, describe, expect, it } from "vitest"
import type { RejectionClass } from "../../../lib/decision/state/outcome.ts"
import { buy } from "../../../lib/huawei/purchase/live-scale-up.ts"
import { NOW, SUPERNODE } from "../fixture.ts"
import { answer, type Script, says, saysBytes, startWire, type Wire } from "../wire.ts"
import { DEPS, orderTo } from "./order.ts"

// Complete responses: their content decides. Exactly one request line arrives in each case.

const OTHER = "00000000-0000-4000-8000-000000000000"
const NEW_SERVER = "278d70a9-2049-450a-bf6d-db02fe9f6634"
/** The API page's example, without the fields that do not matter here. */
const EXAMPLE = {
  create_at: 1731055875839,
  id: SUPERNODE,
  order_id: "CS2411081650G9B6Z",
  servers: [{ id: NEW_SERVER, order_id: "CS2411081650G9B6Z", create_at: 1731055875840, status: "RUNNING" }],
  status: "ACTIVE",
}
const open: Wire[] = []
afterEach(async () => {
  await Promise.all(open.splice(0).map((wire) => wire.close()))
})

async function buyFrom(script: Script) {
  const wire = await startWire(script)
  open.push(wire)
  const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}` }), DEPS)
  expect([wire.requestLines(), wire.connections()]).toEqual([1, 1])
  return outcome
}

function rawOf(body: unknown) {
  const text = typeof body === "string" ? body : JSON.stringify(body)
  return { body: text, bytes: Buffer.byteLength(text), truncated: false }
}

describe("a 2xx response that names the supernode or its servers is accepted, however incomplete", () => {
  const server = (id: string, order_id: unknown, create_at: unknown) => ({ id, order_id, create_at })
  it.each<[string, number, unknown, string | null, string[]]>([
    ["the documented example", 200, EXAMPLE, "CS2411081650G9B6Z", [NEW_SERVER]],
    ["nothing but the supernode's id", 200, { id: SUPERNODE }, null, []],
    ["the id in capitals", 200, { id: SUPERNODE.toUpperCase() }, null, []],
    ["status 201", 201, EXAMPLE, "CS2411081650G9B6Z", [NEW_SERVER]],
    ["status 202", 202, { id: SUPERNODE, order_id: "CS1" }, "CS1", []],
    [
      "unknown values and other types",
      200,
      {
        ...EXAMPLE,
        status: "SCALING",
        name: 7,
        servers: [{ id: NEW_SERVER, status: {}, create_at: "soon" }],
      },
      "CS2411081650G9B6Z",
      [NEW_SERVER],
    ],
    ["servers but no supernode id", 200, { servers: [{ id: NEW_SERVER }] }, null, [NEW_SERVER]],
    [
      "servers, some without an id",
      200,
      { id: SUPERNODE, servers: [{}, null, 7, { id: 8 }, { id: NEW_SERVER }] },
      null,
      [NEW_SERVER],
    ],
    ["servers that are not a list", 200, { id: SUPERNODE, servers: "none" }, null, []],
    [
      "another supernode's id but servers",
      200,
      { id: OTHER, servers: [{ id: NEW_SERVER }] },
      null,
      [NEW_SERVER],
    ],
    ["an error code beside the id", 200, { id: SUPERNODE, error_code: "ModelArts.6716" }, null, []],
    [
      "order ids of servers only, of which the newest server's counts",
      200,
      {
        servers: [
          server("a", "CS1", NOW - 3),
          server("b", "CS3", NOW - 1),
          server("c", "CS2", NOW - 2),
          server("d", null, NOW),
        ],
      },
      "CS3",
      ["a", "b", "c", "d"],
    ],
    [
      "a creation time in seconds, which makes the newest order id unknown",
      200,
      { servers: [server("a", "CS1", NOW / 1_000), server("b", "CS3", NOW - 1)] },
      null,
      ["a", "b"],
    ],
    [
      "unreadable creation times but one order id",
      200,
      { servers: [server("a", "CS1", "soon"), server("b", "CS1", null)] },
      "CS1",
      ["a", "b"],
    ],
    [
      "an order id that contains a space and is dropped",
      200,
      { id: SUPERNODE, order_id: "CS1 CS2" },
      null,
      [],
    ],
    [
      "an order id that is not a string and is dropped",
      200,
      { id: SUPERNODE, order_id: { no: 1 } },
      null,
      [],
    ],
  ])("a purchase is accepted by a 2xx response with %s", async (_title, status, body, orderId, servers) => {
    const outcome = await buyFrom(says(answer(status, body, { "x-request-id": "r-1" })))
    expect(outcome).toEqual({
      kind: "accepted",
      status,
      orderId,
      requestId: "r-1",
      servers,
      raw: rawOf(body),
    })
  })

  it.each<[string, string]>([
    ["a byte order mark before its JSON", answer(200, `\uFEFF${JSON.stringify(EXAMPLE)}`)],
    ["HTML as its content type", answer(200, EXAMPLE, { "content-type": "text/html" })],
    ["HTTP/1.0, ended by closing the connection", `HTTP/1.0 200 OK\r\n\r\n${JSON.stringify(EXAMPLE)}`],
    [
      "a chunked body",
      `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n${JSON.stringify(EXAMPLE).length.toString(16)}\r\n${JSON.stringify(EXAMPLE)}\r\n0\r\n\r\n`,
    ],
    ["103 Early Hints before it", `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${answer(200, EXAMPLE)}`],
    ["more bytes than its content-length", `${answer(200, EXAMPLE)}garbage`],
    ["a second response after it", `${answer(200, EXAMPLE)}${answer(400, { error_code: "ModelArts.6716" })}`],
  ])("a purchase is accepted by a 2xx response with %s", async (_title, text) => {
    const hangsUp = text.startsWith("HTTP/1.0")
    const outcome = await buyFrom({
      onRequest: (socket) => (hangsUp ? socket.end(text) : socket.write(text)),
    })
    expect(outcome).toMatchObject({ kind: "accepted", orderId: "CS2411081650G9B6Z", servers: [NEW_SERVER] })
  })

  it("a purchase is accepted by a response sent before the server has read the whole request", async () => {
    expect(await buyFrom({ onBytes: (socket) => socket.end(answer(200, EXAMPLE)) })).toMatchObject({
      kind: "accepted",
    })
  })

  it("a purchase sends at most one request over one connection if the server responds before any request", async () => {
    const wire = await startWire({ onConnect: (socket) => socket.write(answer(200, EXAMPLE)) })
    open.push(wire)
    const outcome = await buy(orderTo({ endpoint: `http://127.0.0.1:${wire.port}` }), DEPS)
    expect(outcome.kind === "not-sent" ? wire.received() : outcome.kind).toBe(
      outcome.kind === "not-sent" ? "" : "accepted",
    )
    expect(wire.requestLines()).toBeLessThanOrEqual(1)
    expect(wire.connections()).toBe(1)
  })
})

describe("any other 2xx response is unknown", () => {
  it.each<[string, string, number, unknown, string | null]>([
    ["an empty body", "not-json", 200, "", null],
    ["status 204 and no content", "not-json", 204, "", null],
    ["HTML", "not-json", 200, "<html><body>Welcome</body></html>", null],
    ["truncated JSON", "not-json", 200, '{"id":"b4beacb6-4380', null],
    [
      "an error code",
      "error-code-in-2xx",
      200,
      { error_code: "ModelArts.6716", error_msg: "sold out" },
      "ModelArts.6716",
    ],
    [
      "a nested error code",
      "error-code-in-2xx",
      200,
      { error: { code: "ModelArts.6716" } },
      "ModelArts.6716",
    ],
    ["another supernode's id", "other-supernode", 200, { id: OTHER, servers: [] }, null],
    [
      "another supernode's id and an error code",
      "other-supernode",
      200,
      { id: OTHER, error_code: "ModelArts.6716" },
      "ModelArts.6716",
    ],
    ["an empty object", "no-id", 200, {}, null],
    ["a list", "no-id", 200, [EXAMPLE], null],
    ["null", "no-id", 200, "null", null],
    ["a string", "no-id", 200, '"accepted"', null],
    ["an order id alone", "no-id", 200, { order_id: "CS1" }, null],
    ["servers without ids", "no-id", 200, { servers: [{ status: "CREATING" }] }, null],
  ])(
    "a purchase's outcome is unknown after a 2xx response with %s (%s)",
    async (_title, reason, status, body, code) => {
      const outcome = await buyFrom(says(answer(status, body, { "x-request-id": "r-1" })))
      expect(outcome).toEqual({
        kind: "unknown",
        reason,
        says: expect.any(String),
        status,
        code,
        requestId: "r-1",
        raw: rawOf(body),
      })
    },
  )

  it("a purchase's outcome is unknown after a 2xx response whose content-length truncates its JSON", async () => {
    const outcome = await buyFrom(says(answer(200, EXAMPLE, { "content-length": "10" })))
    expect(outcome).toMatchObject({ kind: "unknown", reason: "not-json", status: 200 })
  })

  it.each<[string, Buffer, string]>([
    ["that is not gzip, although its header says so", Buffer.from("\u001f\u0008garbage"), "gzip"],
    ["whose gzip is truncated", gzipSync(JSON.stringify(EXAMPLE)).subarray(0, 40), "gzip"],
    ["that is larger than 1 MB when inflated", gzipSync(Buffer.alloc(2 * 1024 * 1024)), "gzip"],
    ["in an unsupported compression", Buffer.from(JSON.stringify(EXAMPLE)), "zstd"],
  ])("a purchase's outcome is unknown after a 2xx response %s", async (_title, body, encoding) => {
    const outcome = await buyFrom(saysBytes(200, body, encoding))
    expect(outcome).toMatchObject({ kind: "unknown", reason: "unreadable-encoding", status: 200 })
    expect(outcome).toHaveProperty("says", expect.stringMatching(/^answered 200 with ./))
  })
})

describe("a gzip response is read, although it was not requested", () => {
  it("a gzip response of an accepted order is read, although gzip was not requested", async () => {
    const outcome = await buyFrom(saysBytes(200, gzipSync(JSON.stringify(EXAMPLE)), "gzip"))
    expect(outcome).toMatchObject({ kind: "accepted", orderId: EXAMPLE.order_id })
    expect(outcome).toMatchObject({ raw: { body: JSON.stringify(EXAMPLE) } })
  })

  it("a gzip response of a refusal is read, although gzip was not requested", async () => {
    const body = gzipSync(JSON.stringify({ error_code: "ModelArts.6716", error_msg: "sold out" }))
    const outcome = await buyFrom(saysBytes(400, body, "gzip"))
    expect(outcome).toMatchObject({ kind: "rejected", class: "capacity", message: "sold out" })
  })
})

describe("a redirect is never followed", () => {
  it.each([301, 302, 303, 307, 308])(
    "a purchase does not follow a redirect %i to another host",
    async (status) => {
      const elsewhere = await startWire(says(answer(200, EXAMPLE)))
      open.push(elsewhere)
      const location = `http://127.0.0.1:${elsewhere.port}/v1`
      const outcome = await buyFrom(says(answer(status, "", { location })))
      expect(outcome).toMatchObject({ kind: "unknown", reason: "redirect", status })
      expect(elsewhere.connections()).toBe(0)
    },
  )

  it.each([300, 302, 304, 307])(
    "a purchase does not follow a redirect %i to the same host",
    async (status) => {
      const outcome = await buyFrom(says(answer(status, "", { location: "/v1/again" })))
      expect(outcome).toMatchObject({ kind: "unknown", reason: "redirect", status })
    },
  )
})

describe("a listed pair of status and error code is rejected", () => {
  it.each<[number, string, RejectionClass]>([
    [400, "ModelArts.6716", "capacity"],
    [400, "ModelArts.6302", "quota"],
    [400, "ModelArts.6326", "balance"],
    [400, "ModelArts.6789", "invalid"],
    [400, "ModelArts.6357", "state-conflict"],
    [400, "ModelArts.6404", "not-found"],
    [401, "APIG.0301", "auth"],
    [403, "ModelArts.0108", "auth"],
    [404, "ModelArts.6650", "not-found"],
    [409, "ModelArts.5044", "state-conflict"],
    [429, "APIG.0308", "throttle"],
  ])("a purchase response %i with %s is rejected as %s", async (status, code, rejection) => {
    const body = { error_code: code, error_msg: "no", request_id: "in-the-body" }
    expect(await buyFrom(says(answer(status, body)))).toEqual({
      kind: "rejected",
      status,
      class: rejection,
      code,
      message: "no",
      retryAfterMs: null,
      requestId: "in-the-body",
      raw: rawOf(body),
    })
  })

  it.each<[string, unknown]>([
    ["errorCode and errorMsg", { errorCode: "ModelArts.6716", errorMsg: "sold out" }],
    ["code and message", { code: "ModelArts.6716", message: "sold out" }],
    ["an error one level deeper", { error: { code: "ModelArts.6716", message: "sold out" } }],
  ])("a purchase is also rejected by an error in another documented form: %s", async (_title, body) => {
    expect(await buyFrom(says(answer(400, body)))).toMatchObject({
      kind: "rejected",
      class: "capacity",
      message: "sold out",
    })
  })

  it.each<[string, string, number]>([
    ["seconds of two digits", "30", 30_000],
    ["seconds of one digit", "7", 7_000],
    ["a date that begins with a number", "2026-01-01T00:01:30Z", 90_000],
    ["a date that ends with a number", "Thu, 01 Jan 2026", 0],
    ["a number with a fraction, which is not a date in May", "5.5", Number.NaN],
    ["a date", new Date(NOW + 90_000).toUTCString(), 90_000],
    ["a date that has passed", new Date(NOW - 90_000).toUTCString(), 0],
    ["more than an hour, which counts as an hour", "86400", 3_600_000],
  ])("a throttled purchase reports a Retry-After of %s", async (_title, header, retryAfterMs) => {
    const outcome = await buyFrom(says(answer(429, { error_code: "APIG.0308" }, { "retry-after": header })))
    expect(outcome).toMatchObject({
      kind: "rejected",
      class: "throttle",
      retryAfterMs: Number.isNaN(retryAfterMs) ? null : retryAfterMs,
    })
  })

  it.each(["soon", "", "-1e400x"])(
    "a throttled purchase ignores the unreadable Retry-After %j",
    async (header) => {
      const outcome = await buyFrom(says(answer(429, { error_code: "APIG.0308" }, { "retry-after": header })))
      expect(outcome).toMatchObject({ kind: "rejected", class: "throttle", retryAfterMs: null })
    },
  )
})

describe("every other status is unknown, because there may be an order", () => {
  it.each<[number, unknown, string, string | null]>([
    [400, "", "unlisted-4xx", null],
    [400, "<html>Bad Request</html>", "unlisted-4xx", null],
    [400, { error_code: "ModelArts.9999", error_msg: "?" }, "unlisted-4xx", "ModelArts.9999"],
    [400, { error_code: "ModelArts.6361" }, "unlisted-4xx", "ModelArts.6361"],
    [400, { error_code: 6716 }, "unlisted-4xx", "6716"],
    [400, { error_code: ["ModelArts.6716"] }, "unlisted-4xx", null],
    [
      400,
      { error_code: "ModelArts.9999", error: { code: "ModelArts.6716" } },
      "unlisted-4xx",
      "ModelArts.9999",
    ],
    [401, "", "unlisted-4xx", null],
    [403, { error_code: "ModelArts.6716" }, "unlisted-4xx", "ModelArts.6716"],
    [404, { error_code: "ModelArts.6404" }, "unlisted-4xx", "ModelArts.6404"],
    [409, "{}", "unlisted-4xx", null],
    [418, { error_code: "APIG.0308" }, "unlisted-4xx", "APIG.0308"],
    [429, "", "unlisted-4xx", null],
    [429, { error_code: "APIG.9999" }, "unlisted-4xx", "APIG.9999"],
    [408, { error_code: "ModelArts.6716" }, "request-timeout", "ModelArts.6716"],
    [500, { error_code: "ModelArts.6716" }, "server-error", "ModelArts.6716"],
    [502, { error_code: "APIG.0202" }, "server-error", "APIG.0202"],
    [503, "<html>Busy</html>", "server-error", null],
    [504, { error_code: "APIG.0203" }, "server-error", "APIG.0203"],
    [599, "", "server-error", null],
    [700, "", "server-error", null],
  ])("a purchase response %i with %j makes the outcome unknown (%s)", async (status, body, reason, code) => {
    expect(await buyFrom(says(answer(status, body)))).toEqual({
      kind: "unknown",
      reason,
      says: expect.stringContaining(`answered ${status}`),
      status,
      code,
      requestId: null,
      raw: rawOf(body),
    })
  })
})
