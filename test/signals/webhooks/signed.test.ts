import { describe, expect, test } from "vitest"
import { httpRequestOf, type WebhookResponse } from "../../../lib/signals/webhooks/webhooks.ts"
import { alarmIn, replaced, sample } from "../sample.ts"
import {
  answerOf,
  confirmation,
  FakeWorld,
  HOUR,
  type Json,
  keysOf,
  NOW,
  notification,
  post,
  receive,
  type Signing,
  SMN_TOPIC,
  sign,
  smnBody,
} from "./webhook-world.ts"

const expiredKeys = await keysOf("2023-01-01", "2024-01-01")
const strangersKeys = await keysOf("2024-01-01", "2025-01-01")

describe("SMN over HTTP", () => {
  test("SMN over HTTP turns a signed alarm into the same signal as the SMN trigger", async () => {
    const world = new FakeWorld()
    const headers = { "x-smn-message-type": "Notification" }
    expect(await receive(post("/smn", notification(), headers), {}, world)).toEqual({
      kind: "signals",
      signals: [alarmIn(sample("functiongraph-smn-cloud-eye-alarm"))],
      problems: [],
    })
    expect(world.fetched).toEqual([
      "https://smn.cn-southwest-2.myhuaweicloud.com/smn/SMN_cn-southwest-2_0123456789abcdef0123456789abcdef.pem",
    ])
  })

  test.each([[""], [null], [undefined]])(
    "the signature of an SMN message leaves out a subject that is %j",
    async (subject) => {
      expect(await receive(post("/smn", notification({ over: { subject } })))).toMatchObject({
        kind: "signals",
      })
    },
  )

  test("the signature of an SMN message covers letters beyond ASCII as UTF-8", async () => {
    expect(await receive(post("/smn", notification({ over: { subject: "[严重告警] NPU" } })))).toMatchObject({
      kind: "signals",
    })
  })

  test.each<[string, unknown]>([
    ["message", "{}"],
    ["message_id", "4c1f2b3a5d6e7f8091a2b3c4d5e6f709"],
    ["subject", "another subject"],
    ["subject", ""],
    ["timestamp", "2024-01-12T16:51:17Z"],
    ["signature", Buffer.alloc(256).toString("base64")],
  ])("refuses a signed SMN message with another %s (case %#)", async (key, value) => {
    expect(await receive(post("/smn", { ...notification(), [key]: value }))).toEqual(
      answerOf(401, "the signature does not match the message"),
    )
  })

  test("refuses a signed SMN notification that is resent as an unsubscription", async () => {
    const body = { ...notification(), type: "UnsubscribeConfirmation" }
    expect(await receive(post("/smn", body))).toEqual(
      answerOf(401, "the signature does not match the message"),
    )
  })

  test("refuses an SMN field whose line breaks would move signed text into other fields", async () => {
    const body = notification({ over: { message_id: "abc\nsubject\nforged" } })
    expect(await receive(post("/smn", body))).toMatchObject({
      status: 400,
      body: { problems: ["message_id: must be a message id"] },
    })
    const subject = notification({ over: { subject: "a\ntimestamp\n2024-01-12T16:51:16Z" } })
    expect(await receive(post("/smn", subject))).toMatchObject({
      status: 400,
      body: { problems: ["subject: must be one line"] },
    })
  })

  test("refuses an SMN message that another key signed", async () => {
    const body = notification({ key: strangersKeys.private })
    expect(await receive(post("/smn", body))).toEqual(
      answerOf(401, "the signature does not match the message"),
    )
  })

  test("reports a signed SMN alarm that is not JSON as malformed, and names the template to choose", async () => {
    const answer = await receive(post("/smn", notification({ over: { message: "NPU usage is high" } })))
    expect(answer).toMatchObject({
      status: 400,
      body: { problems: [expect.stringContaining("choose the JSON template")] },
    })
  })

  test.each([
    "signature",
    "topic_urn",
    "message_id",
    "type",
    "message",
    "signing_cert_url",
    "timestamp",
    "signature_version",
  ])("reports an SMN message without %s as malformed", async (key) => {
    const { [key]: _, ...body } = notification()
    expect(await receive(post("/smn", body))).toMatchObject({
      status: 400,
      body: { problems: [expect.stringMatching(`^${key}: `)] },
    })
  })

  test("reports an SMN message with another signature version as malformed", async () => {
    expect(await receive(post("/smn", notification({ over: { signature_version: "v2" } })))).toMatchObject({
      status: 400,
    })
  })
})

describe("checks before a certificate is fetched", () => {
  const HEX = "0123456789abcdef0123456789abcdef"
  const REGION = "cn-southwest-2"
  const url = (text: string): Signing => ({ over: { signing_cert_url: text } })

  test.each<[string, string]>([
    ["plain http", `http://smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`],
    ["another host", `https://evil.example.com/smn/SMN_${REGION}_${HEX}.pem`],
    [
      "a host that merely ends like SMN's",
      `https://smn.${REGION}.evilmyhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`,
    ],
    [
      "a host that merely begins like SMN's",
      `https://smn.${REGION}.myhuaweicloud.com.evil.com/smn/SMN_${REGION}_${HEX}.pem`,
    ],
    ["a subdomain of SMN's host", `https://a.smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`],
    ["another service", `https://obs.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`],
    ["a port", `https://smn.${REGION}.myhuaweicloud.com:8443/smn/SMN_${REGION}_${HEX}.pem`],
    ["a user", `https://a@smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`],
    ["a query", `https://smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem?a=b`],
    ["a fragment", `https://smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem#a`],
    ["another path", `https://smn.${REGION}.myhuaweicloud.com/other/SMN_${REGION}_${HEX}.pem`],
    ["a path with ..", `https://smn.${REGION}.myhuaweicloud.com/smn/../SMN_${REGION}_${HEX}.pem`],
    ["another file", `https://smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.txt`],
    ["another region", `https://smn.eu-west-0.myhuaweicloud.com/smn/SMN_eu-west-0_${HEX}.pem`],
    [
      "another region in the file only",
      `https://smn.${REGION}.myhuaweicloud.com/smn/SMN_eu-west-0_${HEX}.pem`,
    ],
    [
      "another region in the host only",
      `https://smn.eu-west-0.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`,
    ],
    ["backslashes", `https:\\\\smn.${REGION}.myhuaweicloud.com\\smn\\SMN_${REGION}_${HEX}.pem`],
    ["a leading space", ` https://smn.${REGION}.myhuaweicloud.com/smn/SMN_${REGION}_${HEX}.pem`],
  ])("refuses an SMN certificate URL with %s, and fetches nothing", async (_, text) => {
    const world = new FakeWorld()
    expect(await receive(post("/smn", notification(url(text))), {}, world)).toEqual(
      answerOf(401, /^signing_cert_url: must be/),
    )
    expect(world.fetched).toEqual([])
  })

  test.each(["com", "cn", "eu"])("accepts an SMN certificate at myhuaweicloud.%s", async (tld) => {
    const world = new FakeWorld()
    const text = `https://smn.${REGION}.myhuaweicloud.${tld}/smn/SMN_${REGION}_${HEX}.pem`
    expect(await receive(post("/smn", notification(url(text))), {}, world)).toMatchObject({ kind: "signals" })
    expect(world.fetched).toEqual([text])
  })

  test.each<[string, readonly string[]]>([
    ["another topic is listed", [`${SMN_TOPIC}-other`]],
    ["no topic is listed", []],
  ])(
    "refuses an SMN message to a topic that is not allowed, and fetches nothing: %s",
    async (_, smnTopics) => {
      const world = new FakeWorld()
      expect(await receive(post("/smn", notification()), { smnTopics }, world)).toEqual(
        answerOf(401, /topic is not allowed.*smn_topics/),
      )
      expect(world.fetched).toEqual([])
    },
  )

  test.each<[string, number, RegExp]>([
    ["more than an hour old", NOW + HOUR, /^timestamp: is more than 1 h old/],
    ["more than five minutes ahead", NOW - 302_000, /^timestamp: is more than 5 min in the future/],
  ])("refuses an SMN message %s, and fetches nothing", async (_, now, error) => {
    const world = new FakeWorld()
    expect(await receive(post("/smn", notification()), { now }, world)).toEqual(answerOf(401, error))
    expect(world.fetched).toEqual([])
  })

  test("accepts an SMN message that was retried for most of an hour", async () => {
    expect(await receive(post("/smn", notification()), { now: NOW + HOUR - 2_000 })).toMatchObject({
      kind: "signals",
    })
  })

  test("refuses an SMN message whose header disagrees with its body, and fetches nothing", async () => {
    const world = new FakeWorld()
    const request = post("/smn", notification(), { "x-smn-message-type": "SubscriptionConfirmation" })
    expect(await receive(request, {}, world)).toEqual(
      answerOf(401, /^header x-smn-message-type: differs from the type/),
    )
    expect(world.fetched).toEqual([])
  })
})

describe("the signing certificate", () => {
  async function receiveUnder(pem: string | null, key?: string): Promise<WebhookResponse> {
    const world = new FakeWorld()
    world.pem = pem
    return receive(post("/smn", notification(key === undefined ? {} : { key })), {}, world)
  }

  test("an expired signing certificate is refused, even with a valid signature", async () => {
    expect(await receiveUnder(expiredKeys.cert, expiredKeys.private)).toEqual(
      answerOf(401, "the signing certificate has expired"),
    )
  })

  test("a signing certificate that is not valid yet is refused", async () => {
    const future = await keysOf("2024-06-01", "2025-06-01")
    expect(await receiveUnder(future.cert, future.private)).toEqual(
      answerOf(401, "the signing certificate is not valid yet"),
    )
  })

  test.each(["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])(
    "an unreadable signing certificate is refused: %j",
    async (pem) => {
      expect(await receiveUnder(pem)).toEqual(answerOf(401, "the signing certificate cannot be read"))
    },
  )

  test("/smn responds 503 if the signing certificate cannot be fetched, so that SMN sends the message again", async () => {
    expect(await receiveUnder(null)).toEqual(answerOf(503, /could not be fetched: connection refused/))
  })
})

describe("a subscription", () => {
  test("a signed SMN subscription is confirmed", async () => {
    const world = new FakeWorld()
    expect(await receive(post("/smn", confirmation()), {}, world)).toEqual({
      kind: "answer",
      status: 200,
      body: { status: "confirmed", topic: SMN_TOPIC },
    })
    expect(world.confirmed).toEqual([
      "https://cn-southwest-2-console.huaweicloud.com/smn/subscription/confirm?token=abc",
    ])
  })

  test("the sample of an SMN subscription is confirmed once it is signed", async () => {
    const world = new FakeWorld()
    await receive(post("/smn", smnBody("smn-http-subscription-confirmation")), {}, world)
    expect(world.confirmed).toHaveLength(1)
  })

  test.each<[string, string | null]>([
    ["plain http", "http://console.huaweicloud.com/confirm"],
    ["another host", "https://huaweicloud.com.evil.com/confirm"],
    ["a host that merely ends like Huawei Cloud's", "https://evilhuaweicloud.com/confirm"],
    ["a user", "https://console.huaweicloud.com@evil.com/confirm"],
    ["a port", "https://console.huaweicloud.com:444/confirm"],
    ["an internal address", "https://169.254.169.254/latest"],
    ["no value", null],
  ])(
    "an SMN subscription whose subscribe_url has %s is refused, and nothing is fetched",
    async (_, subscribe_url) => {
      const world = new FakeWorld()
      expect(await receive(post("/smn", confirmation({ subscribe_url })), {}, world)).toEqual(
        answerOf(401, /^subscribe_url: must be an https URL/),
      )
      expect([...world.fetched, ...world.confirmed]).toEqual([])
    },
  )

  test("never calls an SMN subscribe_url other than the signed URL", async () => {
    const world = new FakeWorld()
    const body = { ...confirmation(), subscribe_url: "https://console.huaweicloud.com/other" }
    expect(await receive(post("/smn", body), {}, world)).toMatchObject({ status: 401 })
    expect(world.confirmed).toEqual([])
  })

  test("an SMN subscription to a topic that is not allowed is not confirmed", async () => {
    const world = new FakeWorld()
    expect(await receive(post("/smn", confirmation()), { smnTopics: [] }, world)).toMatchObject({
      status: 401,
    })
    expect(world.confirmed).toEqual([])
  })

  test("/smn responds 503 if an SMN subscription cannot be confirmed, so that SMN sends it again", async () => {
    const world = new FakeWorld()
    world.confirms = false
    expect(await receive(post("/smn", confirmation()), {}, world)).toEqual(
      answerOf(503, /could not be confirmed: status 404/),
    )
  })

  test("an SMN unsubscription is acknowledged and not confirmed", async () => {
    const world = new FakeWorld()
    const body = confirmation({ type: "UnsubscribeConfirmation" })
    expect(await receive(post("/smn", body), {}, world)).toMatchObject({ kind: "answer", status: 200 })
    expect(world.confirmed).toEqual([])
  })
})

describe("SNS over HTTP", () => {
  const SNS_KEYS = {
    Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
    SubscriptionConfirmation: [
      "Message",
      "MessageId",
      "SubscribeURL",
      "Timestamp",
      "Token",
      "TopicArn",
      "Type",
    ],
  }

  function snsBody(name: string, over: Json = {}): Json {
    const body: Json = { ...(sample(name)["body"] as Json), ...over }
    const algorithm = body["SignatureVersion"] === "1" ? "RSA-SHA1" : "RSA-SHA256"
    return { ...body, Signature: sign(body, SNS_KEYS[body["Type"] as keyof typeof SNS_KEYS], { algorithm }) }
  }

  test.each(["1", "2"])(
    "an SNS alarm over HTTP, signed by version %s, becomes the same signal as the alarm through Lambda",
    async (SignatureVersion) => {
      const world = new FakeWorld()
      const headers = { "x-amz-sns-message-type": "Notification" }
      expect(
        await receive(
          post("/sns", snsBody("sns-http-notification", { SignatureVersion }), headers),
          {},
          world,
        ),
      ).toEqual({
        kind: "signals",
        signals: [alarmIn(sample("sns-cloudwatch-alarm"))],
        problems: [],
      })
      expect(world.fetched).toHaveLength(1)
    },
  )

  test.each<[string, unknown]>([
    ["Message", "{}"],
    ["MessageId", "95df01b4-ee98-5cb9-9903-4c221d41eb5f"],
    ["Subject", "another subject"],
    ["Timestamp", "2024-01-12T16:51:17.041Z"],
    ["SignatureVersion", "2"],
  ])("refuses a signed SNS message with another %s", async (key, value) => {
    const body = { ...snsBody("sns-http-notification"), [key]: value }
    expect(await receive(post("/sns", body))).toEqual(
      answerOf(401, "the signature does not match the message"),
    )
  })

  test.each<[string, Json, RegExp]>([
    [
      "a certificate from another host",
      { SigningCertURL: "https://sns.eu-central-1.amazonaws.com.evil.com/SimpleNotificationService-0a.pem" },
      /^SigningCertURL/,
    ],
    [
      "a certificate from another service",
      { SigningCertURL: "https://s3.eu-central-1.amazonaws.com/SimpleNotificationService-0a.pem" },
      /^SigningCertURL/,
    ],
    [
      "a certificate from another region",
      { SigningCertURL: "https://sns.us-east-1.amazonaws.com/SimpleNotificationService-0a.pem" },
      /^SigningCertURL/,
    ],
    [
      "another certificate file",
      { SigningCertURL: "https://sns.eu-central-1.amazonaws.com/evil.pem" },
      /^SigningCertURL/,
    ],
    [
      "another topic",
      { TopicArn: "arn:aws:sns:eu-central-1:123456789012:other" },
      /topic is not allowed.*sns_topics/,
    ],
    ["an old time", { Timestamp: "2024-01-12T15:00:00.000Z" }, /^timestamp/],
  ])("refuses an SNS message with %s, and fetches nothing", async (_, over, error) => {
    const world = new FakeWorld()
    expect(await receive(post("/sns", snsBody("sns-http-notification", over)), {}, world)).toEqual(
      answerOf(401, error),
    )
    expect(world.fetched).toEqual([])
  })

  test("confirms a signed SNS subscription to an allowed topic", async () => {
    const world = new FakeWorld()
    expect(
      await receive(post("/sns", snsBody("sns-http-subscription-confirmation")), {}, world),
    ).toMatchObject({ status: 200 })
    expect(world.confirmed).toEqual([
      "https://sns.eu-central-1.amazonaws.com/?Action=ConfirmSubscription&TopicArn=arn:aws:sns:eu-central-1:123456789012:supernode-alarms&Token=2336412f37fb687f5d51e6e241d09c805a5a57b30d712f794cc5f6a988666d92",
    ])
  })

  test.each([
    "https://evil.example.com/?Action=ConfirmSubscription&Token=a",
    "https://sns.us-east-1.amazonaws.com/?Action=ConfirmSubscription&Token=a",
    "https://sns.eu-central-1.amazonaws.com/?Action=Publish&Message=a",
  ])("never calls the SNS SubscribeURL %s", async (SubscribeURL) => {
    const world = new FakeWorld()
    const body = snsBody("sns-http-subscription-confirmation", { SubscribeURL })
    expect(await receive(post("/sns", body), {}, world)).toEqual(answerOf(401, /^SubscribeURL/))
    expect([...world.fetched, ...world.confirmed]).toEqual([])
  })

  test("refuses raw message delivery of SNS, which has no signature, as malformed", async () => {
    const { body } = sample("sns-http-notification") as { body: { Message: string } }
    expect(await receive(post("/sns", body.Message))).toMatchObject({ status: 400 })
  })
})

test("a signed SMN message keeps its id behind a gateway that encodes bodies as base64 and capitalizes headers", async () => {
  const apig = replaced(sample("functiongraph-apig-alertmanager"), ["path"], "/smn") as Json
  const body = Buffer.from(JSON.stringify(notification())).toString("base64")
  const request = httpRequestOf({ ...apig, body, headers: { "X-SMN-MESSAGE-TYPE": "Notification" } })
  const answer = request && (await receive(request))
  expect(answer?.kind === "signals" && answer.signals.map(({ id }) => id)).toEqual([
    alarmIn(sample("functiongraph-smn-cloud-eye-alarm")).id,
  ])
})
