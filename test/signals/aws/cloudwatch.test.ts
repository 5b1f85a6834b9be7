import { describe, expect, test } from "vitest"
import { alarmIn, problemsOf, sample, sampleWith } from "../sample.ts"

const at = (hhmm: string) => Date.parse(`2024-01-12T${hhmm}:00Z`)
const STATE = ["detail", "state"]

function withReason(reason: unknown) {
  const text = typeof reason === "string" ? reason : JSON.stringify(reason)
  return alarmIn(sampleWith("eventbridge-cloudwatch-alarm", [...STATE, "reasonData"], text))
}

const REASON = {
  startDate: "2024-01-12T16:36:00.000+0000",
  period: 300,
  recentDatapoints: [91.2, 93.5, 97.08],
}

describe("the state of a CloudWatch alarm", () => {
  test.each([
    ["ALARM", "alarm"],
    ["OK", "ok"],
    ["INSUFFICIENT_DATA", "insufficient-data"],
    ["alarm", "unknown"],
    ["SOMETHING_NEW", "unknown"],
    ["toString", "unknown"],
  ])("reads CloudWatch state %s as %s", (value, state) => {
    expect(alarmIn(sampleWith("eventbridge-cloudwatch-alarm", [...STATE, "value"], value)).state).toBe(state)
  })
})

describe("the episode of a CloudWatch alarm", () => {
  test("a CloudWatch alarm starts at the timestamp of its ALARM state", () => {
    const alarm = alarmIn(sample("eventbridge-cloudwatch-alarm"))
    expect(alarm.episode.startsAt).toBe(alarm.at)
  })

  test("an OK of CloudWatch has the key of the alarm that it ends, and no start", () => {
    const ok = alarmIn(sample("sns-cloudwatch-ok"))
    expect(ok.episode).toEqual({ ...alarmIn(sample("eventbridge-cloudwatch-alarm")).episode, startsAt: null })
  })
})

describe("the state timestamp", () => {
  test.each([
    ["2024-01-12T16:51:16.985+0000"],
    ["2024-01-12T16:51:16.985Z"],
    ["2024-01-12T16:51:16.985+00:00"],
    ["2024-01-12T16:51:16.985123456Z"],
    ["2024-01-12T18:51:16.985+0200"],
  ])("a CloudWatch alarm has the same id if its state timestamp is written as %s", (timestamp) => {
    const event = sampleWith("eventbridge-cloudwatch-alarm", [...STATE, "timestamp"], timestamp)
    expect(alarmIn(event).id).toBe(alarmIn(sample("sns-cloudwatch-alarm")).id)
  })

  test.each([
    [undefined],
    [""],
    ["yesterday"],
    ["2024-01-12"],
    ["2024-01-12T16:51:16"],
    ["2024-02-30T16:51:16Z"],
    ["2024-01-12T25:51:16Z"],
    ["2024-01-12T16:51:16+99:99"],
    ["0001-01-01T00:00:00Z"],
    [1_705_078_276_985],
  ])("a CloudWatch alarm with state timestamp %j is a problem, and is never taken as now", (timestamp) => {
    const [problem] = problemsOf(
      sampleWith("eventbridge-cloudwatch-alarm", [...STATE, "timestamp"], timestamp),
    )
    expect(problem).toMatch(/^detail\.state\.timestamp: (must be|is missing)/)
  })
})

describe("the points of a CloudWatch alarm", () => {
  test("each point of a CloudWatch alarm has the start of its period as time", () => {
    expect(withReason(REASON)).toMatchObject({
      points: [
        { at: at("16:36"), value: 91.2 },
        { at: at("16:41"), value: 93.5 },
        { at: at("16:46"), value: 97.08 },
      ],
      periodMs: 300_000,
    })
  })

  test("a CloudWatch value without a time counts once if an evaluated datapoint has the value and its time", () => {
    const evaluatedDatapoints = [
      { timestamp: "2024-01-12T16:46:00.000+0000", sampleCount: 5, value: 97.08 },
      { timestamp: "2024-01-12T16:41:00.000+0000", sampleCount: 5, value: 93.5 },
    ]
    expect(withReason({ ...REASON, evaluatedDatapoints }).points).toHaveLength(3)
  })

  test("a CloudWatch alarm keeps only the datapoints that have times if its values without times have a gap", () => {
    const evaluatedDatapoints = [{ timestamp: "2024-01-12T16:51:00.000+0000", sampleCount: 5, value: 97.08 }]
    expect(withReason({ ...REASON, evaluatedDatapoints }).points).toEqual([{ at: at("16:51"), value: 97.08 }])
  })

  test("CloudWatch's values without times are dropped if an evaluated datapoint contradicts one of them", () => {
    const evaluatedDatapoints = [
      { timestamp: "2024-01-12T16:46:00.000+0000", value: 97.08 },
      { timestamp: "2024-01-12T16:41:00.000+0000", value: 12 },
    ]
    expect(withReason({ ...REASON, evaluatedDatapoints }).points).toEqual([
      { at: at("16:41"), value: 12 },
      { at: at("16:46"), value: 97.08 },
    ])
  })

  test("the points of a CloudWatch alarm are dropped if one time has two values", () => {
    const evaluatedDatapoints = [
      { timestamp: "2024-01-12T16:46:00.000+0000", value: 97 },
      { timestamp: "2024-01-12T16:46:00.000+0000", value: 12 },
    ]
    expect(withReason({ evaluatedDatapoints }).points).toBeNull()
  })

  test.each<[string, unknown]>([
    ["not JSON", "Threshold Crossed"],
    ["empty", "{}"],
    ["null", "null"],
    ["a list", "[]"],
    ["nested too deep", "[".repeat(30) + "]".repeat(30)],
    ["too large", JSON.stringify({ ...REASON, pad: "x".repeat(300_000) })],
    ["without a start", { ...REASON, startDate: null }],
    ["without a period", { ...REASON, period: null }],
    ["with a period of zero", { ...REASON, period: 0 }],
    ["without numbers", { ...REASON, recentDatapoints: [null, "97", true, {}, []] }],
    [
      "with an infinite value",
      '{"startDate":"2024-01-12T16:36:00.000+0000","period":300,"recentDatapoints":[1e999]}',
    ],
    ["with an object instead of a list of values", { ...REASON, recentDatapoints: { 0: 97 } }],
    ["without times", { evaluatedDatapoints: [{ value: 97 }, null, 5, { timestamp: "soon", value: 97 }] }],
  ])(
    "a CloudWatch alarm without usable reason data (%s) has no points, and is still an alarm",
    (_, reason) => {
      expect(withReason(reason)).toMatchObject({ state: "alarm", points: null, periodMs: null })
    },
  )

  test("a value of a CloudWatch alarm that is not a number is left out, and the other points keep their times", () => {
    expect(withReason({ ...REASON, recentDatapoints: [91.2, null, 97.08] }).points).toEqual([
      { at: at("16:36"), value: 91.2 },
      { at: at("16:46"), value: 97.08 },
    ])
  })

  test("a CloudWatch alarm has at most its newest hundred points", () => {
    const points = withReason({
      ...REASON,
      recentDatapoints: Array.from({ length: 150 }, (_, i) => i),
    }).points
    expect(points).toHaveLength(100)
    expect(points?.at(-1)?.value).toBe(149)
  })
})

describe("the resource of a CloudWatch alarm", () => {
  const metric = (dimensions: unknown) => ({ metricStat: { metric: { dimensions } } })
  test.each<[string, unknown, Record<string, string>]>([
    ["one metric", [metric({ InstanceId: "i-1", Disk: "a" })], { InstanceId: "i-1", Disk: "a" }],
    [
      "metric math over one server",
      [{ expression: "m1/m2" }, metric({ InstanceId: "i-1", Disk: "a" }), metric({ InstanceId: "i-1" })],
      { InstanceId: "i-1", Disk: "a" },
    ],
    [
      "metric math over two servers",
      [metric({ InstanceId: "i-1" }), metric({ InstanceId: "i-2" })],
      { InstanceId: "i-1,i-2" },
    ],
    ["dimensions that are not a mapping", [metric("InstanceId")], { unreadable: "resource" }],
    ["a metric that is not an object", [5], { unreadable: "resource" }],
    ["metrics that are not a list", "many", { unreadable: "resource" }],
    ["a metric without dimensions", [metric(undefined)], {}],
    ["no metrics (composite)", undefined, {}],
  ])("the resource of a CloudWatch alarm is read from all of its metrics: %s", (_, metrics, resource) => {
    expect(
      alarmIn(sampleWith("eventbridge-cloudwatch-alarm", ["detail", "configuration", "metrics"], metrics))
        .resource,
    ).toEqual(resource)
  })

  test("the resource of an alarm over metric math is read from all of its metrics in an SNS message, too", () => {
    const stat = (value: string) => ({
      MetricStat: {
        Metric: {
          Dimensions: [
            { name: "InstanceId", value },
            { name: "Disk", value: "a" },
          ],
        },
      },
    })
    const event = sample("sns-cloudwatch-alarm") as { Records: { Sns: { Message: string } }[] }
    const message = JSON.parse(event.Records[0]?.Sns.Message ?? "") as { Trigger: object }
    message.Trigger = { Metrics: [{ Expression: "m1+m2" }, stat("i-1"), stat("i-2")] }
    expect(
      alarmIn(sampleWith("sns-cloudwatch-alarm", ["Records", 0, "Sns", "Message"], JSON.stringify(message)))
        .resource,
    ).toEqual({ InstanceId: "i-1,i-2", Disk: "a" })
  })
})

describe("strict reading of a CloudWatch alarm", () => {
  test.each<[string, unknown]>([
    [
      "two alarms",
      [
        "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a",
        "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:b",
      ],
    ],
    ["no alarm", []],
    ["an ARN that is not an alarm's", ["arn:aws:sns:eu-central-1:123456789012:topic"]],
  ])("refuses a CloudWatch event about %s", (_, resources) => {
    expect(problemsOf(sampleWith("eventbridge-cloudwatch-alarm", ["resources"], resources))[0]).toMatch(
      /^resources/,
    )
  })

  test("refuses an SNS message that is not JSON, and says what is expected", () => {
    expect(problemsOf(sampleWith("sns-cloudwatch-alarm", ["Records", 0, "Sns", "Message"], "hello"))).toEqual(
      ["Records.0.Sns.Message: is not JSON; a CloudWatch alarm is expected"],
    )
  })

  test("refuses an SNS message without an alarm, and names every missing part", () => {
    expect(problemsOf(sampleWith("sns-cloudwatch-alarm", ["Records", 0, "Sns", "Message"], "{}"))).toEqual([
      "Records.0.Sns.Message.AlarmArn: is missing (string)",
      "Records.0.Sns.Message.NewStateValue: is missing (string)",
      "Records.0.Sns.Message.StateChangeTime: is missing (string)",
    ])
  })
})

test("a CloudWatch alarm's id of more than 200 characters becomes a digest, equal for every event format", () => {
  const arn = `arn:aws:cloudwatch:eu-central-1:123456789012:alarm:${"n".repeat(255)}`
  const direct = alarmIn(sampleWith("lambda-cloudwatch-alarm-action", ["alarmArn"], arn))
  const bridged = alarmIn(sampleWith("eventbridge-cloudwatch-alarm", ["resources"], [arn]))
  expect(direct.id).toMatch(/^cloudwatch\|sha256:[0-9a-f]{64}$/)
  expect(direct.id).toBe(bridged.id)
  expect(direct.id).not.toBe(direct.episode.key)
})

describe("a contributor: one of the many series of a CloudWatch alarm", () => {
  const FOREIGN = "ffffffff-0000-4000-8000-ffffffffffff"
  const metric = { metricStat: { metric: { dimensions: { InstanceId: FOREIGN } } } }
  const resourceOf = (attributes: unknown, metrics: unknown[] = []) => {
    const event = sampleWith("lambda-cloudwatch-alarm-action", ["alarmData", "configuration"], { metrics })
    const whole = event as { alarmData: Record<string, unknown> }
    const alarmData = { ...whole.alarmData, alarmContributor: { id: "n-1", attributes } }
    return alarmIn({ ...whole, alarmData }).resource
  }

  test.each([[undefined], [null], [{}]])(
    "the resource of a CloudWatch contributor with attributes %j is unreadable",
    (attributes) => {
      expect(resourceOf(attributes)).toEqual({ unreadable: "resource" })
    },
  )

  test("the resource of a CloudWatch contributor combines its attributes and the alarm's own metrics", () => {
    expect(resourceOf({ Node: "n-1" }, [metric])).toEqual({ Node: "n-1", InstanceId: FOREIGN })
  })
})
