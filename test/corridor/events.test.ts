import { afterEach, describe, expect, it, vi } from "vitest"
import type { SmnRequests } from "../../lib/huawei/smn.ts"
import { confirmation, keys, notification } from "../signals/webhooks/webhook-world.ts"
import {
  Corridor,
  type CorridorOptions,
  EXPECTED_BODY,
  eventOf,
  PROJECT_ID,
  resultsOf,
  SUPERNODE_ID,
} from "./corridor.ts"

const ALARM_AT = Date.parse("2024-01-12T16:51:30Z")
const TICK_AT = Date.parse("2024-01-12T16:50:10Z")

let corridor: Corridor
const open = async (options: CorridorOptions) => {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true)
  corridor = await Corridor.open(options)
  return corridor
}

afterEach(async () => {
  vi.restoreAllMocks()
  await corridor.close()
})

async function expectOnePurchase(): Promise<void> {
  const { scaleUps } = corridor.sandbox
  expect(scaleUps).toHaveLength(1)
  expect(scaleUps[0]).toMatchObject({
    method: "POST",
    path: `/v1/${PROJECT_ID}/dev-servers/hyperinstance/${SUPERNODE_ID}/live-scale-up`,
    answer: { status: 200, code: null },
    isComplete: true,
  })
  expect(scaleUps[0]?.body).toBe(EXPECTED_BODY)
  const entries = await corridor.entries()
  const [opened, settled] = entries.slice(-2)
  expect(opened).toMatchObject({
    kind: "opened",
    decision: { kind: "scale-up", heldBy: null },
    attempt: { id: expect.any(String) },
  })
  expect(opened?.decision?.findings.every((finding) => finding.passed)).toBe(true)
  expect(opened?.decision?.findings).toHaveLength(20)
  const { latching: _rules, ...attempt } = opened?.attempt ?? {}
  expect(settled).toMatchObject({
    kind: "settled",
    attempt,
    outcome: {
      kind: "accepted",
      status: 200,
      orderId: expect.stringMatching(/^CS/),
      raw: { truncated: false },
    },
  })
  expect(await corridor.ledger.verify(`supernode:${SUPERNODE_ID}`)).toMatchObject({
    ok: true,
    entries: entries.length,
  })
}

describe("every event shape becomes exactly one signed live-scale-up with exactly the expected body", () => {
  it.each([
    ["sns-cloudwatch-alarm", "lambda", "alarm", ALARM_AT],
    ["sns-cloudwatch-composite-alarm", "lambda", "alarm", ALARM_AT],
    ["eventbridge-cloudwatch-alarm", "lambda", "alarm", ALARM_AT],
    ["eventbridge-cloudwatch-composite-alarm", "lambda", "alarm", ALARM_AT],
    ["lambda-cloudwatch-alarm-action", "lambda", "alarm", ALARM_AT],
    ["function-url-alertmanager", "lambda", "alarm", ALARM_AT],
    ["function-url-grafana", "lambda", "alarm", ALARM_AT],
    ["eventbridge-schedule", "lambda", "schedule", TICK_AT],
    ["eventbridge-scheduler", "lambda", "schedule", TICK_AT],
    ["functiongraph-smn-cloud-eye-alarm", "functionGraph", "alarm", ALARM_AT],
    ["functiongraph-apig-alertmanager", "functionGraph", "alarm", ALARM_AT],
    ["functiongraph-timer", "functionGraph", "schedule", Date.parse("2024-01-12T16:50:10+08:00")],
  ] as const)(
    "an event leads to one signed order with the expected body: %s through %s",
    async (name, platform, door, at) => {
      await open({ at })
      const answer = await corridor[platform](door, eventOf(name))
      expect(resultsOf(answer)).toMatchObject([
        {
          supernode: "train-a",
          mode: "live",
          decision: { kind: "scale-up" },
          plan: { from: 2, to: 4 },
          outcome: { kind: "accepted" },
        },
      ])
      await expectOnePurchase()
    },
  )

  it("a manual dry run shows the plan, and the live request with the plan's hash buys exactly that plan", async () => {
    await open({ at: ALARM_AT })
    const request = eventOf("manual-request")
    const [shown] = resultsOf(await corridor.lambda("manual", request))
    expect(shown).toMatchObject({
      mode: "dry-run",
      decision: { kind: "scale-up" },
      plan: { hash: expect.stringMatching(/^sha256:/) },
    })
    expect(corridor.sandbox.scaleUps).toEqual([])
    expect(await corridor.entries()).toEqual([])
    await corridor.lambda("manual", { ...request, mode: "live", planHash: shown?.plan?.hash })
    await expectOnePurchase()
  })
})

describe("Cloud Eye's alarm by SMN over HTTP", () => {
  const asked: string[] = []
  const smn: SmnRequests = {
    fetchPem: async (url) => {
      asked.push(url)
      return { ok: true, value: keys.cert }
    },
    confirmSubscription: async (url) => {
      asked.push(url)
      return { ok: true, value: "" }
    },
    close: async () => {},
  }
  const functionUrl = (body: unknown) => ({
    ...eventOf("function-url-alertmanager"),
    rawPath: "/smn",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  })

  it("an SMN message over HTTP is verified and leads to one purchase, and its certificate is fetched once", async () => {
    asked.length = 0
    await open({ at: ALARM_AT, smn })
    expect(await corridor.lambda("alarm", functionUrl(notification()))).toMatchObject({
      statusCode: 200,
      headers: { "content-type": "application/json" },
    })
    await expectOnePurchase()
    const again = await corridor.lambda("alarm", functionUrl(notification()))
    expect(resultsOf(again)).toMatchObject([{ decision: { heldBy: "duplicate" } }])
    expect(asked).toEqual([
      "https://smn.cn-southwest-2.myhuaweicloud.com/smn/SMN_cn-southwest-2_0123456789abcdef0123456789abcdef.pem",
    ])
  })

  it("an SMN message over HTTP is the same signal as through FunctionGraph's SMN trigger", async () => {
    await open({ at: ALARM_AT, smn })
    await corridor.lambda("alarm", functionUrl(notification()))
    expect(
      resultsOf(await corridor.functionGraph("alarm", eventOf("functiongraph-smn-cloud-eye-alarm"))),
    ).toMatchObject([{ decision: { heldBy: "duplicate" } }])
  })

  it("an SMN message with one character changed is refused with 401, and reaches neither cloud nor ledger", async () => {
    await open({ at: ALARM_AT, smn })
    const forged = { ...notification(), message: String(notification()["message"]).replace("97.08", "97.09") }
    expect(await corridor.lambda("alarm", functionUrl(forged))).toMatchObject({ statusCode: 401 })
    expect(corridor.sandbox.requests).toEqual([])
    expect(await corridor.entries()).toEqual([])
  })

  it("an SMN subscription is confirmed for a topic of the policy, and for no other", async () => {
    asked.length = 0
    await open({ at: Date.parse("2024-01-12T16:40:30Z"), smn })
    expect(await corridor.lambda("alarm", functionUrl(confirmation()))).toMatchObject({ statusCode: 200 })
    expect(asked).toContain(
      "https://cn-southwest-2-console.huaweicloud.com/smn/subscription/confirm?token=abc",
    )
    asked.length = 0
    const stranger = confirmation({
      topic_urn: "urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:another",
    })
    expect(await corridor.lambda("alarm", functionUrl(stranger))).toMatchObject({ statusCode: 401 })
    expect(asked).toEqual([])
  })
})

describe("events that must not buy", () => {
  it.each([
    ["sns-cloudwatch-ok", "lambda", "not-alarm"],
    ["eventbridge-cloudwatch-ok", "lambda", "not-alarm"],
    ["eventbridge-cloudwatch-insufficient-data", "lambda", "not-alarm"],
    ["functiongraph-smn-cloud-eye-ok", "functionGraph", "not-alarm"],
  ] as const)("an event that must not buy is held: %s through %s", async (name, platform, heldBy) => {
    await open({ at: ALARM_AT })
    const results = resultsOf(await corridor[platform]("alarm", eventOf(name)))
    for (const result of results) expect(result).toMatchObject({ decision: { kind: "hold", heldBy } })
    expect(corridor.sandbox.scaleUps).toEqual([])
  })

  it("an alarm that no supernode lists gives no results and causes no cloud call", async () => {
    await open({ at: ALARM_AT })
    const event = eventOf("eventbridge-cloudwatch-alarm")
    const stranger = JSON.parse(JSON.stringify(event).replaceAll("alarm:npu-busy", "alarm:somebody-elses"))
    expect(await corridor.lambda("alarm", stranger)).toEqual({ results: [] })
    expect(corridor.sandbox.requests).toEqual([])
  })

  it.each([
    ["null", null],
    ["a number", 7],
    ["an empty object", {}],
    ["a deeply nested array", JSON.parse(`${"[".repeat(500)}${"]".repeat(500)}`)],
    [
      "a cron tick that is sent to the alarm function",
      { kind: "tick", name: "x", time: "2024-01-12T16:50:00Z" },
    ],
    [
      "a person's request that is sent to the alarm function",
      { supernode: "train-a", requestedBy: "a", why: "b" },
    ],
  ])("an invalid event is a SignalError, and reaches neither cloud nor ledger: %s", async (_, event) => {
    await open({ at: ALARM_AT })
    await expect(corridor.lambda("alarm", event)).rejects.toMatchObject({ name: "SignalError" })
    expect(corridor.sandbox.requests).toEqual([])
    expect(await corridor.entries()).toEqual([])
  })

  // The webhook token admits alarms; its holder must not be able to buy as a person.
  it.each(["/alertmanager", "/grafana", "/manual", "/"])(
    "a person's live request in an HTTP body at %s is refused by the alarm function and the manual function",
    async (rawPath) => {
      await open({ at: ALARM_AT })
      const request = eventOf("manual-request")
      const [shown] = resultsOf(await corridor.lambda("manual", request))
      const asked = corridor.sandbox.requests.length
      const body = JSON.stringify({ ...request, mode: "live", planHash: shown?.plan?.hash })
      const event = { ...eventOf("function-url-alertmanager"), rawPath, body }

      const answer = await corridor.lambda("alarm", event)
      expect([400, 404]).toContain("statusCode" in answer ? answer.statusCode : null)
      await expect(corridor.lambda("manual", event)).rejects.toMatchObject({
        name: "SignalError",
        message: expect.stringContaining("HTTP request"),
      })
      expect(corridor.sandbox.requests).toHaveLength(asked)
      expect(await corridor.entries()).toEqual([])
    },
  )

  it("an empty SUPERNODE_MODE means observe mode: the plan is recorded, and nothing is bought", async () => {
    await open({ at: ALARM_AT, settings: { SUPERNODE_MODE: "" } })
    expect(resultsOf(await corridor.lambda("alarm", eventOf("eventbridge-cloudwatch-alarm")))).toMatchObject([
      { mode: "observe", decision: { kind: "scale-up" } },
    ])
    expect(corridor.sandbox.scaleUps).toEqual([])
    expect(await corridor.entries()).toMatchObject([{ kind: "decided", mode: "observe", plan: { to: 4 } }])
  })

  it("a webhook with a wrong token gets 401 and causes no cloud call", async () => {
    await open({ at: ALARM_AT, settings: { SUPERNODE_WEBHOOK_TOKEN: "another-token-than-that" } })
    expect(await corridor.lambda("alarm", eventOf("function-url-alertmanager"))).toMatchObject({
      statusCode: 401,
    })
    expect(corridor.sandbox.requests).toEqual([])
  })
})

describe("after the first delivery", () => {
  it("an alarm that arrives again by another way from CloudWatch is the same signal, and buys nothing", async () => {
    await open({ at: ALARM_AT })
    await corridor.lambda("alarm", eventOf("sns-cloudwatch-alarm"))
    for (const name of [
      "eventbridge-cloudwatch-alarm",
      "lambda-cloudwatch-alarm-action",
      "sns-cloudwatch-alarm",
    ]) {
      expect(resultsOf(await corridor.lambda("alarm", eventOf(name)))).toMatchObject([
        { decision: { kind: "hold", heldBy: "duplicate" }, outcome: { kind: "accepted" } },
      ])
    }
    await expectOnePurchase()
  })

  it("a tick sees the servers come up, completes the purchase and starts the cooldown", async () => {
    await open({ at: ALARM_AT })
    await corridor.lambda("alarm", eventOf("eventbridge-cloudwatch-alarm"))
    corridor.sandbox.advance(5 * 60_000)
    const tick = (time: number) => ({ kind: "tick", name: "sweep", time: new Date(time).toISOString() })
    expect(resultsOf(await corridor.lambda("schedule", tick(corridor.sandbox.now())))).toMatchObject([
      { decision: { heldBy: "in-flight" } },
    ])
    corridor.sandbox.advance(6 * 60_000)
    expect(resultsOf(await corridor.lambda("schedule", tick(corridor.sandbox.now())))).toMatchObject([
      { decision: { heldBy: "cooldown" } },
    ])
    expect((await corridor.entries()).map((entry) => entry.observation?.kind ?? entry.kind)).toEqual([
      "opened",
      "settled",
      "decided",
      "completed",
      "decided",
    ])
    expect(corridor.sandbox.scaleUps).toHaveLength(1)
  })
})

describe("secrets", () => {
  it("keys, tokens, userdata and Authorization appear in no ledger entry, result or log", async () => {
    const said: string[] = []
    corridor = await Corridor.open({ at: ALARM_AT })
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => said.push(String(chunk)) > 0)
    const answer = await corridor.functionGraph("alarm", eventOf("functiongraph-apig-alertmanager"))
    const everything = [JSON.stringify(answer), JSON.stringify(await corridor.entries()), ...said].join("\n")
    expect(said.join("")).toContain("scale-up")
    for (const secret of [
      "TEMPORARY-AK",
      "TEMPORARY-SK",
      "TEMPORARY-TOKEN",
      "THE-WEBHOOK-TOKEN",
      "user_test",
      EXPECTED_BODY.slice(-40, -4),
      "SDK-HMAC-SHA256",
    ]) {
      expect(everything).not.toContain(secret)
    }
  })
})
