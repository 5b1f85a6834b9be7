import { describe, expect, it } from "vitest"
import { type ArrivedRequest, refusalOf, signatureOf } from "../../../lib/sandbox/api/signature.ts"
import {
  type Call,
  call,
  dateText,
  HYPERINSTANCE,
  LARGEST,
  ORDER,
  PROJECT,
  START,
  SUPERNODE,
  sandboxAt,
  send,
} from "../client.ts"

const KEY = { ak: "AccessKey", sk: "SecretKey" }

function arrived(
  given: Partial<Omit<ArrivedRequest, "body">> & { body?: string; headers: Record<string, string> },
): ArrivedRequest {
  const { headers, body = "", ...rest } = given
  return {
    method: "GET",
    path: "/",
    query: "",
    ...rest,
    rawHeaders: Object.entries(headers).flat(),
    body: Buffer.from(body),
  }
}

describe("the published test vectors", () => {
  const host = { Host: "service.endpoint.myhuaweicloud.com", "X-Sdk-Date": "20200608T023900Z" }
  const go = { "X-Sdk-Date": "20060102T150405Z" }
  it.each([
    {
      vector: "Python GET",
      request: { path: "/resources", query: "size=1", headers: host },
      signedHeaders: ["host", "x-sdk-date"],
      signature: "cfb4171acec81de07d50e53d57eb77edd537414d66ddb1d7d780f128e12cd842",
    },
    {
      vector: "Python POST",
      request: {
        method: "POST",
        path: "/resources",
        query: "size=1",
        headers: host,
        body: '{"name":"test","id":1}',
      },
      signedHeaders: ["host", "x-sdk-date"],
      signature: "436b1ac0a1ae03705934bb70ef2f2e09f7bfed2117d731a38235053199323a1f",
    },
    {
      vector: "Go GET",
      request: { path: "/path", query: "limit=1", headers: go },
      signedHeaders: ["x-sdk-date"],
      signature: "5a2ce64c865e0e6046321c6f3d5a77ba8413eeaf355c3166c03d58d02ac79624",
    },
    {
      vector: "Go POST",
      request: {
        method: "POST",
        path: "/path",
        query: "key=value",
        headers: go,
        body: '{"Name":"test","Id":1}\n',
      },
      signedHeaders: ["x-sdk-date"],
      signature: "cecc2af119b18ab70b4d094c0750f3b42c02f254903179a0fc2cc72fc9db4f59",
    },
  ])(
    "the sandbox computes the published signature of the test vector $vector",
    ({ request, signedHeaders, signature }) => {
      expect(signatureOf(arrived(request), { signedHeaders, sk: KEY.sk })).toBe(signature)
    },
  )

  it("the sandbox accepts a published live-scale-up request if key, token and clock match, and places the order", async () => {
    const sandbox = await sandboxAt({ accessKeys: [{ ...KEY, securityToken: "tok" }] })
    const answer = await send(`${sandbox.url}${HYPERINSTANCE}/${SUPERNODE}/live-scale-up`, {
      method: "POST",
      headers: {
        Host: "modelarts.cn-southwest-2.myhuaweicloud.com",
        "content-type": "application/json",
        "X-Project-Id": PROJECT,
        "X-Security-Token": "tok",
        "X-Sdk-Date": "20260101T000000Z",
        Authorization:
          "SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=content-type;host;x-project-id;x-sdk-date;x-security-token, " +
          "Signature=1b0b5542489881c50d606af1fa0cc65cf18055593039e139dcda4b0e8f7d67bd",
      },
      body: JSON.stringify(ORDER),
    })
    expect(answer.status).toBe(200)
    expect(sandbox.orders).toMatchObject([{ flavor: LARGEST, from: 2, to: 4 }])
  })
})

describe("the canonical query", () => {
  const QUERY =
    "enable=true&limit=1&multi=1&multi=2&multi=3&path=%2Ftmp%2F123&test=%E4%B8%80%20%28%26%3D%3F%21%23%25.%2A%29"
  const sign = (query: string) =>
    signatureOf(arrived({ path: "/p", query, headers: { "X-Sdk-Date": "20060102T150405Z" } }), {
      signedHeaders: ["x-sdk-date"],
      sk: KEY.sk,
    })

  it("the sandbox computes the same signature for any order and escaping of the same query parameters", () => {
    const other =
      "test=%e4%b8%80%20(%26%3D%3F!%23%25.*)&multi=3&path=/tmp/123&multi=1&limit=1&multi=2&enable=true"
    expect(sign(other)).toBe(sign(QUERY))
  })

  it("the sandbox computes another signature if the value of one query parameter differs", () => {
    expect(sign(QUERY.replace("limit=1", "limit=2"))).not.toBe(sign(QUERY))
  })
})

describe("requests of the vendor's own signer", () => {
  const WHERE = { path: `${HYPERINSTANCE}/${SUPERNODE}` }
  const DISCOVERY = {
    path: `/V1.0/${PROJECT}/metrics`,
    query: { order: "asc", namespace: "AGT.ECS", limit: "5" },
  }

  it.each<{ what: string; request: Call }>([
    { what: "a plain read", request: WHERE },
    { what: "a read with a query", request: DISCOVERY },
    { what: "a body", request: { path: `${WHERE.path}/live-scale-up`, json: ORDER } },
    { what: "a project header", request: { ...WHERE, headers: { "X-Project-Id": PROJECT } } },
    { what: "a clock 15 minutes behind", request: { ...WHERE, date: dateText(START - 900_000) } },
    { what: "a clock 15 minutes ahead", request: { ...WHERE, date: dateText(START + 900_000) } },
  ])("the sandbox accepts a request signed by the vendor's own signer: $what", async ({ request }) => {
    const sandbox = await sandboxAt()
    expect((await call(sandbox, request)).status).toBe(200)
  })

  it.each<{ what: string; says: RegExp; request: Call }>([
    {
      what: "no Authorization",
      says: /exactly one Authorization/,
      request: { ...WHERE, tamper: ({ headers }) => delete headers["Authorization"] },
    },
    {
      what: "another scheme",
      says: /is not `SDK-HMAC/,
      request: { ...WHERE, tamper: ({ headers }) => Object.assign(headers, { Authorization: "Bearer abc" }) },
    },
    {
      what: "an unknown key",
      says: /ak nobody not exist/,
      request: { ...WHERE, key: { ak: "nobody", sk: "sandbox-secret-key" } },
    },
    {
      what: "a wrong secret",
      says: /verify aksk signature fail/,
      request: { ...WHERE, key: { ak: "SANDBOX-ACCESS-KEY", sk: "wrong" } },
    },
    {
      what: "a date more than 15 minutes old",
      says: /X-Sdk-Date is -901 s off/,
      request: { ...WHERE, date: dateText(START - 901_000) },
    },
    {
      what: "a date more than 15 minutes ahead",
      says: /X-Sdk-Date is 901 s off/,
      request: { ...WHERE, date: dateText(START + 901_000) },
    },
    {
      what: "a date in another format",
      says: /YYYYMMDDTHHMMSSZ/,
      request: {
        ...WHERE,
        tamper: ({ headers }) => Object.assign(headers, { "X-Sdk-Date": "2026-01-01T00:00:00Z" }),
      },
    },
    {
      what: "another path",
      says: /verify aksk/,
      request: { ...WHERE, tamper: (sent) => Object.assign(sent, { path: `${WHERE.path}/servers` }) },
    },
    {
      what: "another query",
      says: /verify aksk/,
      request: {
        ...DISCOVERY,
        tamper: (sent) => Object.assign(sent, { path: sent.path.replace("limit=5", "limit=6") }),
      },
    },
    {
      what: "one more blank in the body",
      says: /verify aksk/,
      request: {
        path: `${WHERE.path}/live-scale-up`,
        json: ORDER,
        tamper: (sent) => Object.assign(sent, { body: `${sent.body} ` }),
      },
    },
    {
      what: "the hash of another body",
      says: /X-Sdk-Content-Sha256/,
      request: {
        path: `${WHERE.path}/live-scale-up`,
        raw: "{}",
        tamper: (sent) => Object.assign(sent, { body: "[]" }),
      },
    },
    {
      what: "a signed header that changed",
      says: /verify aksk/,
      request: {
        ...WHERE,
        headers: { "x-note": "a" },
        tamper: ({ headers }) => Object.assign(headers, { "x-note": "b" }),
      },
    },
    {
      what: "a signed header that was not sent",
      says: /x-note is signed but was not sent/,
      request: { ...WHERE, headers: { "x-note": "a" }, tamper: ({ headers }) => delete headers["x-note"] },
    },
    {
      what: "a project header that was not signed",
      says: /x-project-id must be signed/,
      request: { ...WHERE, tamper: ({ headers }) => Object.assign(headers, { "X-Project-Id": PROJECT }) },
    },
    {
      what: "a token that the key does not have",
      says: /X-Security-Token/,
      request: { ...WHERE, headers: { "X-Security-Token": "tok" } },
    },
  ])("the sandbox responds 401 APIG.0301 to a request with $what", async ({ request, says }) => {
    const sandbox = await sandboxAt()
    const { status, json, headers } = await call(sandbox, request)
    expect(status).toBe(401)
    expect(json).toEqual({
      error_msg: expect.stringMatching(says),
      error_code: "APIG.0301",
      request_id: headers["x-request-id"],
    })
    expect(sandbox.orders).toEqual([])
  })

  it.each([
    { token: undefined, status: 401 },
    { token: "old", status: 401 },
    { token: "tok", status: 200 },
  ])(
    "the sandbox responds $status to a temporary key's request with token $token",
    async ({ token, status }) => {
      const sandbox = await sandboxAt({
        accessKeys: [{ ak: "temporary", sk: "secret", securityToken: "tok" }],
      })
      const headers: Record<string, string> = token === undefined ? {} : { "X-Security-Token": token }
      expect(
        (await call(sandbox, { ...WHERE, headers, key: { ak: "temporary", sk: "secret" } })).status,
      ).toBe(status)
    },
  )
})

describe("signed headers", () => {
  const headers = { Host: "h", "X-Sdk-Date": "20260101T000000Z" }
  const refusal = (signedHeaders: string[], sent: Record<string, string> = headers, twice: string[] = []) => {
    const bare = arrived({ headers: sent })
    const signature = signatureOf(bare, { signedHeaders, sk: KEY.sk })
    const authorization = `SDK-HMAC-SHA256 Access=AccessKey, SignedHeaders=${signedHeaders.join(";")}, Signature=${signature}`
    const request = { ...bare, rawHeaders: [...bare.rawHeaders, ...twice, "Authorization", authorization] }
    return refusalOf(request, { keys: [KEY], now: START })
  }

  it.each([
    { signedHeaders: ["host", "x-sdk-date"], says: null },
    { signedHeaders: ["x-sdk-date"], says: "host must be signed" },
    { signedHeaders: ["host"], says: "x-sdk-date must be signed" },
    { signedHeaders: ["x-sdk-date", "host"], says: "SignedHeaders must be lower-case, sorted, each once" },
    { signedHeaders: ["Host", "x-sdk-date"], says: "SignedHeaders must be lower-case, sorted, each once" },
    {
      signedHeaders: ["host", "host", "x-sdk-date"],
      says: "SignedHeaders must be lower-case, sorted, each once",
    },
  ])(
    "the sandbox's refusal of a valid signature over $signedHeaders is: $says",
    ({ signedHeaders, says }) => {
      expect(refusal(signedHeaders)).toBe(says)
    },
  )

  it("the sandbox refuses a signed header that is sent twice, since it is unclear which value counts", () => {
    expect(refusal(["host", "x-note", "x-sdk-date"], { ...headers, "X-Note": "a" }, ["X-Note", "b"])).toMatch(
      /x-note/,
    )
  })
})
