import { afterEach, describe, expect, it, vi } from "vitest"
import { readSignals } from "../../lib/signals/read.ts"
import { Corridor, eventOf, POLICY, resultsOf } from "./corridor.ts"

// Messages from the field through the doors' own handlers, to the cloud and the ledger. The load at the
// meters is 5 percent, so that only an alarm's own points could cause a purchase.

const NOW = Date.parse("2026-11-27T23:10:00Z")
const SERVER = "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d"
const EYE = "al1704475580412heldout00"
const ARN = "arn:aws:cloudwatch:eu-central-1:210987654321:alarm:held-busy"
const TOKEN = "Bearer THE-WEBHOOK-TOKEN"

let corridor: Corridor | undefined
afterEach(async () => {
  vi.restoreAllMocks()
  await corridor?.close()
})

interface Written {
  alarms: string
  alarm?: string
  threshold?: string
}

/** The corridor's policy with these alarms and one rule on their own points. */
function policyWith({ alarms, alarm = "true", threshold = "above: 85" }: Written): string {
  const [head = "", rest = ""] = POLICY.split("    alarms:\n")
  const [, ladder = ""] = rest.split("    ladder:\n")
  return `${head}    alarms: ${alarms}\n    rules: [ { name: rings, metric: { alarm: ${alarm} }, ${threshold} } ]\n    ladder:\n${ladder}`
}

async function open(written: Written): Promise<Corridor> {
  for (const stream of [process.stdout, process.stderr]) vi.spyOn(stream, "write").mockReturnValue(true)
  corridor = await Corridor.open({ at: NOW, policy: policyWith(written) })
  corridor.sandbox.setLoad(5)
  return corridor
}

/** Cloud Eye's message about one of our servers, its times moved to now. */
function cloudEye(change: Record<string, unknown> = {}): unknown {
  const event = eventOf("cloud-eye-other-metric-of-the-rule") as { record: { smn: { message: string } }[] }
  const message = JSON.parse(event.record[0]?.smn.message ?? "") as Record<string, unknown>
  const alarmValue = [NOW - 600_000, NOW - 300_000].map((time) => ({ time, value: 96 }))
  const moved = { ...message, dimension: `instance_id:${SERVER}`, time: NOW, alarmValue, ...change }
  return { ...event, record: [{ smn: { message: JSON.stringify(moved) } }] }
}

function contributor(name: "1-ok" | "2-alarm"): unknown {
  const event = JSON.stringify(eventOf(`cloudwatch-contributor-${name}`))
  return JSON.parse(event.replaceAll("2026-11-27T22:34:42.615", "2026-11-27T23:09:42.615"))
}

function posted(body: unknown, rawPath = "/alertmanager"): unknown {
  return {
    ...eventOf("function-url-alertmanager"),
    rawPath,
    headers: { authorization: TOKEN },
    body: typeof body === "string" ? body : JSON.stringify(body),
    isBase64Encoded: false,
  }
}

const heldBy = (results: { decision: { heldBy: string | null } }[]) =>
  results.map(({ decision }) => decision.heldBy)
const NPU = `[ { cloud-eye: ${EYE}, metric: npu_util_rate_ai_core, namespace: AGT.ECS } ]`
const HELD = "[ { alertmanager: { cluster: held } } ]"

describe("an alarm's own points", () => {
  it("a rule on an alarm's own points buys on the listed metric, not on another metric of the same Cloud Eye rule", async () => {
    const { lambda, sandbox } = bound(await open({ alarms: NPU }))
    const npu = { metric_name: "npu_util_rate_ai_core" }
    expect(heldBy(resultsOf(await lambda(cloudEye())))).toEqual(["missing-data"])
    expect(heldBy(resultsOf(await lambda(cloudEye({ alarm_status: "ok" }))))).toEqual(["not-alarm"])
    expect(sandbox.scaleUps).toEqual([])
    expect(heldBy(resultsOf(await lambda(cloudEye(npu))))).toEqual([null])
    expect(sandbox.scaleUps).toHaveLength(1)
  })

  it("a rule on an alarm's own points buys only if the message names a server of this supernode", async () => {
    const { lambda, sandbox } = bound(await open({ alarms: NPU }))
    const about = (server: string) =>
      cloudEye({ metric_name: "npu_util_rate_ai_core", dimension: `instance_id:${server}` })
    expect(heldBy(resultsOf(await lambda(about("ffffffff-0000-4000-8000-ffffffffffff"))))).toEqual([
      "missing-data",
    ])
    expect(sandbox.scaleUps).toEqual([])
    expect(heldBy(resultsOf(await lambda(about(SERVER.toUpperCase()))))).toEqual([null])
    expect(sandbox.scaleUps).toHaveLength(1)
  })

  it.each([
    [
      "does not buy on a value with a unit that the rule does not state",
      "alertmanager-humanized-ratio",
      "true",
      "above: 0.9",
      [],
    ],
    ["does not buy on a condition's 0 or 1", "condition", "true", "below: 5", []],
    [
      "does not buy on several values if the rule names none of them",
      "grafana-query-reduce-threshold",
      "true",
      "above: 90",
      [],
    ],
    ["does not buy if the alarm's value is a text of 40 KB", "spaces", "true", "above: 0.5", []],
    [
      "buys on the value that the rule names, if the alarm has several",
      "grafana-query-reduce-threshold",
      "{ value: B }",
      "above: 90",
      [4],
    ],
    [
      "buys on a value in the unit that the rule states",
      "alertmanager-humanized-ratio",
      '{ unit: "%" }',
      "above: 50",
      [4],
    ],
  ])("a rule on an alarm's own points %s", async (_, name, alarm, threshold, bought) => {
    const { lambda, sandbox } = bound(await open({ alarms: HELD, alarm, threshold }))
    const body = eventOf(name === "condition" || name === "spaces" ? "grafana-query-reduce-threshold" : name)
    const [alert] = body["alerts"] as Record<string, unknown>[]
    if (alert && name === "condition") alert["values"] = { C: 1 }
    if (alert && name === "spaces")
      Object.assign(alert, { values: {}, annotations: { value: `1${" ".repeat(40_000)}x` } })
    const results = resultsOf(await lambda(posted(body)))
    expect(results.flatMap(({ plan, outcome }) => (outcome?.kind === "accepted" ? [plan?.to] : []))).toEqual(
      bought,
    )
    expect(sandbox.scaleUps).toHaveLength(bought.length)
  })
})

describe("signals", () => {
  it("each contributor of a CloudWatch alarm has separate signals, and the OK of one does not close another's episode", async () => {
    const { lambda } = bound(await open({ alarms: `[ { cloudwatch: "${ARN}" } ]` }))
    expect(heldBy(resultsOf(await lambda(contributor("1-ok"))))).toEqual(["not-alarm"])
    expect(heldBy(resultsOf(await lambda(contributor("2-alarm"))))).toEqual(["missing-data"])
    const { alarmData, alarmArn } = contributor("2-alarm") as { alarmData: object; alarmArn: string }
    const bridged = {
      source: "aws.cloudwatch",
      "detail-type": "CloudWatch Alarm Contributor State Change",
      resources: [alarmArn],
      detail: alarmData,
    }
    expect(readSignals(bridged, "alarm", { now: NOW }).signals[0]?.id).toBe(
      readSignals(contributor("2-alarm"), "alarm", { now: NOW }).signals[0]?.id,
    )
  })

  it.each([
    ["SNS dimensions that are an empty text", "sns-dimensions-empty-text", `[ { cloudwatch: "${ARN}" } ]`],
    ["reason data that is an object", "eventbridge-reason-data-object", `[ { cloudwatch: "${ARN}" } ]`],
    ["a Cloud Eye message without period and points", "cloud-eye-without-period", NPU],
  ])("a signal is read despite %s", async (_, name, alarms) => {
    const { lambda } = bound(await open({ alarms }))
    const moved = JSON.stringify(eventOf(name))
      .replaceAll(/2026-11-27T22:39:\d\d/g, "2026-11-27T23:09:00")
      .replace("1795819198225", String(NOW))
    expect(heldBy(resultsOf(await lambda(JSON.parse(moved))))).toEqual(["missing-data"])
  })

  it("an alert without alertname starts a run of a supernode that requires no alertname", async () => {
    const { lambda } = bound(await open({ alarms: "[ { alertmanager: { cluster: held, team: npu } } ]" }))
    const results = resultsOf(await lambda(posted(eventOf("alertmanager-without-alertname"))))
    expect(heldBy(results)).toEqual(["missing-data"])
  })

  it("EventBridge Scheduler's default input is a tick with the schedule's name", async () => {
    const { schedule } = bound(await open({ alarms: HELD }))
    const event = { ...eventOf("eventbridge-scheduler-default-input"), time: "2026-11-27T23:09:58Z" }
    const [result] = resultsOf(await schedule(event))
    expect(result?.decision.findings.map(({ says }) => says)).toContain("tick of held-sweep")
  })

  it("a listed alert is found among 1,101 others in one body, and an invalid one among them harms nothing", async () => {
    const { lambda } = bound(await open({ alarms: HELD }))
    const alert = (cluster: string, i: number) => ({
      status: "firing",
      labels: { alertname: "B", cluster },
      startsAt: "2026-11-27T23:00:00Z",
      fingerprint: `f${i}`,
    })
    const strangers = Array.from({ length: 1_100 }, (_, i) => alert("other", i))
    const broken = { status: "firing", labels: { cluster: "other" } }
    const answer = await lambda(posted({ alerts: [...strangers, broken, alert("held", 2_000)] }))
    expect(answer).toMatchObject({ statusCode: 200 })
    expect(heldBy(resultsOf(answer))).toEqual(["missing-data"])
  })

  it("an APIG request may have the function's name before the path of the webhook", async () => {
    const { functionGraph } = bound(await open({ alarms: HELD }))
    const event = eventOf("apig-path-with-function-name")
    const answer = await functionGraph({ ...event, headers: { Authorization: TOKEN } })
    expect(heldBy(resultsOf(answer))).toEqual(["missing-data"])
    const elsewhere = { ...event, path: "/supernode-autoscaler/alerts", headers: { Authorization: TOKEN } }
    expect(await functionGraph(elsewhere)).toMatchObject({
      statusCode: 404,
      body: expect.stringContaining('"path":"/supernode-autoscaler/alerts"'),
    })
  })
})

describe("foreign text", () => {
  const NASTY = "a\u001b[8mb\nc\u202ed\u009be\u200bf\ufe0fg\u3164h\u2028i"
  const isClean = (text: string) =>
    !/[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028]|\\u001b|\\n/u.test(text)

  it("foreign text of labels, annotations, requesters and reasons is one visible line in response, ledger and log", async () => {
    const said: string[] = []
    corridor = await Corridor.open({ at: NOW, policy: policyWith({ alarms: HELD }) })
    vi.spyOn(process.stdout, "write").mockImplementation((chunk) => said.push(String(chunk)) > 0)
    const labels = { alertname: NASTY, cluster: "held", [NASTY]: NASTY }
    const alert = {
      status: "firing",
      labels,
      annotations: { note: NASTY },
      startsAt: "2026-11-27T23:00:00Z",
      fingerprint: NASTY,
    }
    const request = { supernode: "train-a", servers: 4, requestedBy: NASTY, why: NASTY, id: NASTY }
    const answers = [
      await corridor.lambda(
        "alarm",
        posted({ alerts: [alert, { ...alert, labels: { alertname: NASTY } }, { [NASTY]: 1 }] }),
      ),
      await corridor.lambda("manual", request),
      await corridor
        .lambda("manual", { ...request, supernode: NASTY })
        .catch((error: unknown) => String(error)),
      await corridor.lambda("manual", { ...request, [NASTY]: 1 }).catch((error: unknown) => String(error)),
    ]
    const entries = await corridor.entries()
    expect(entries.length).toBeGreaterThan(0)
    for (const text of [
      JSON.stringify(answers),
      JSON.stringify(entries),
      ...said.map((line) => line.trimEnd()),
    ]) {
      expect(isClean(text.replaceAll('\\"', ""))).toBe(true)
    }
  })
})

/** The doors of one corridor. */
function bound(of: Corridor) {
  return {
    sandbox: of.sandbox,
    lambda: (event: unknown) => of.lambda("alarm", event),
    schedule: (event: unknown) => of.lambda("schedule", event),
    functionGraph: (event: unknown) => of.functionGraph("alarm", event),
  }
}
