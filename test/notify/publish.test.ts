import type { IncomingMessage, ServerResponse } from "node:http"
import { describe, expect, it } from "vitest"
import { canonicalRequest, sign, signatureOf } from "../../lib/huawei/signature.ts"
import { messageOf } from "../../lib/notify/message.ts"
import { publishToSmn } from "../../lib/notify/smn.ts"
import { publishToSns } from "../../lib/notify/sns.ts"
import { httpForTest } from "../world/loopback-for-test.ts"
import { noticeOf } from "./notice.ts"

// Publishes to topics over the wire; a raw server stands in for SMN and SNS.

const PROJECT = "0123456789abcdef0123456789abcdef"
const URN = `urn:smn:cn-southwest-2:${PROJECT}:ops`
const ARN = "arn:aws:sns:eu-central-1:123456789012:ops"
const NOW = Date.parse("2024-01-12T17:00:00Z")
const credentials = { ak: "AK", sk: "SK-SECRET", securityToken: "TOKEN" }
const message = messageOf(noticeOf())

type Answer = (response: ServerResponse, request: IncomingMessage) => void

async function topicThat(answer: Answer) {
  const received: { url: string; headers: IncomingMessage["headers"]; body: string }[] = []
  const serve = async (request: IncomingMessage, response: ServerResponse) => {
    let body = ""
    for await (const chunk of request) body += String(chunk)
    received.push({ url: request.url ?? "", headers: request.headers, body })
    answer(response, request)
  }
  return { received, endpoint: await httpForTest((request, response) => void serve(request, response)) }
}

const says =
  (status: number, body: string | object = "", headers: Record<string, string> = {}): Answer =>
  (response) =>
    response.writeHead(status, headers).end(typeof body === "string" ? body : JSON.stringify(body))

const resets: Answer = (_, request) => request.socket.destroy()
const hangs: Answer = () => undefined

const toSmn = (endpoint: string, timeoutMs = 5_000) =>
  publishToSmn(URN, message, {
    sign: async (request) => sign({ ...request, credentials, now: NOW }),
    endpoint,
    timeoutMs,
    network: {},
  })

const toSns = (endpoint: string, timeoutMs = 5_000) =>
  publishToSns(ARN, message, {
    endpoint: `${endpoint}/`,
    credentials: { accessKeyId: "AKIA", secretAccessKey: "SECRET" },
    timeoutMs,
    network: {},
  })

describe("an SMN topic", () => {
  it("publishing to SMN is one signed request, and has succeeded if the response has a message_id", async () => {
    const { received, endpoint } = await topicThat(says(200, { message_id: "m1", request_id: "r1" }))
    expect(await toSmn(endpoint)).toEqual({ ok: true })
    expect(received).toHaveLength(1)
    const [{ url, headers, body } = { url: "", headers: {}, body: "" }] = received
    expect(url).toBe(`/v2/${PROJECT}/notifications/topics/${URN}/publish`)
    expect(JSON.parse(body)).toEqual({
      subject: "train-a: the outcome of a purchase is unknown",
      message: expect.stringContaining("supernode-autoscaler settle train-a"),
    })
    const [, names = "", signature = ""] =
      /SignedHeaders=([^,]+), Signature=(\w+)/.exec(headers["authorization"] ?? "") ?? []
    const seen = Object.fromEntries(names.split(";").map((name) => [name, String(headers[name])]))
    const canonical = canonicalRequest({ method: "POST", url: new URL(url, endpoint), headers: seen, body })
    expect(signature).toBe(
      signatureOf({ canonical, date: String(headers["x-sdk-date"]), sk: credentials.sk }),
    )
    expect(headers["x-security-token"]).toBe("TOKEN")
  })

  it.each<[string, Answer, string]>([
    [
      "200 with an error code",
      says(200, { error_code: "SMN.0031", error_message: "Topic not found" }),
      "answered 200 with code SMN.0031: Topic not found",
    ],
    ["200 with an HTML page", says(200, "<html>"), "answered 200 with a body without message_id"],
    [
      "403",
      says(403, { error_code: "SMN.0003", error_message: `no right on ${URN}` }),
      "answered 403 with code SMN.0003: no right on [redacted]",
    ],
    [
      "a redirect",
      says(302, "", { location: "http://127.0.0.1:1/" }),
      "answered 302, and redirects are not followed with a body without message_id",
    ],
    ["a reset", resets, "returned no readable response (UND_ERR_SOCKET)"],
  ])("publishing to SMN fails if the response is %s", async (_, answer, why) => {
    const { received, endpoint } = await topicThat(answer)
    expect(await toSmn(endpoint)).toEqual({ ok: false, why: `the SMN topic ${why}` })
    expect(received).toHaveLength(1)
  })

  it("publishing to SMN fails after the time limit if SMN hangs", async () => {
    const { endpoint } = await topicThat(hangs)
    expect(await toSmn(endpoint, 60)).toEqual({
      ok: false,
      why: "the SMN topic did not respond within 60 ms",
    })
  })

  it("nothing is sent to SMN without keys, and the reason reveals no secret", async () => {
    const { received, endpoint } = await topicThat(says(200))
    const sign = () => Promise.reject(new Error("SECRET"))
    expect(await publishToSmn(URN, message, { sign, endpoint, timeoutMs: 5_000, network: {} })).toEqual({
      ok: false,
      why: "the SMN topic was not called: no signing keys",
    })
    expect(received).toEqual([])
  })
})

describe("an SNS topic", () => {
  const taken = "<PublishResponse><PublishResult><MessageId>m1</MessageId></PublishResult></PublishResponse>"

  it("publishing to SNS is one signed request, and has succeeded if the response has a MessageId", async () => {
    const { received, endpoint } = await topicThat(says(200, taken))
    expect(await toSns(endpoint)).toEqual({ ok: true })
    expect(received).toHaveLength(1)
    expect(Object.fromEntries(new URLSearchParams(received[0]?.body))).toEqual({
      Action: "Publish",
      Version: "2010-03-31",
      TopicArn: ARN,
      Subject: "train-a: the outcome of a purchase is unknown",
      Message: expect.stringContaining("supernode-autoscaler settle train-a"),
    })
    expect(received[0]?.headers["authorization"]).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIA\/\d{8}\/eu-central-1\/sns\/aws4_request, SignedHeaders=content-type;host;/,
    )
  })

  it.each<[string, Answer, string]>([
    [
      "200 without a MessageId",
      says(200, "<PublishResponse/>"),
      "answered 200 with a body without MessageId",
    ],
    [
      "403",
      says(
        403,
        `<ErrorResponse><Error><Code>AuthorizationError</Code><Message>not allowed on ${ARN}</Message></Error></ErrorResponse>`,
      ),
      "answered 403 with code AuthorizationError: not allowed on [redacted]",
    ],
    ["a reset", resets, "returned no readable response (UND_ERR_SOCKET)"],
  ])("publishing to SNS fails if the response is %s", async (_, answer, why) => {
    const { received, endpoint } = await topicThat(answer)
    expect(await toSns(endpoint)).toEqual({ ok: false, why: `the SNS topic ${why}` })
    expect(received).toHaveLength(1)
  })
})
