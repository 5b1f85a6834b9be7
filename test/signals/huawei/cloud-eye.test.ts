import { describe, expect, test } from "vitest"
import type { AlarmSignal } from "../../../lib/decision/inputs/signal.ts"
import { alarmIn, problemsOf, sample, sampleWith } from "../sample.ts"

const MESSAGE = ["record", 0, "smn", "message"]

function eventWith(over: Record<string, unknown>): unknown {
  const { record } = sample("functiongraph-smn-cloud-eye-alarm") as { record: { smn: { message: string } }[] }
  const message = JSON.parse(record[0]?.smn.message ?? "") as object
  return sampleWith("functiongraph-smn-cloud-eye-alarm", MESSAGE, JSON.stringify({ ...message, ...over }))
}

const alarmWith = (over: Record<string, unknown>): AlarmSignal => alarmIn(eventWith(over))

describe("the state of a Cloud Eye alarm", () => {
  test.each([
    ["alarm", "alarm"],
    ["ok", "ok"],
    ["ok_manual", "ok"],
    ["insufficient_data", "insufficient-data"],
    ["invalid", "unknown"],
    ["Alarm", "unknown"],
    ["something_new", "unknown"],
  ])("reads Cloud Eye's alarm_status %s as %s", (status, state) => {
    expect(alarmWith({ alarm_status: status }).state).toBe(state)
  })
})

describe("the id of a Cloud Eye alarm", () => {
  test.each([
    ["alarm_id", "al1704475580412b2a4lnr3X"],
    ["namespace", "SYS.ECS"],
    ["namespace", null],
    ["metric_name", "disk_usedPercent"],
    ["metric_name", ["npu_util_rate_ai_core"]],
    ["dimension", "instance_id:another"],
    ["dimension", [{ name: "instance_id", value: "another" }]],
    ["time", 1_705_078_276_007],
    ["alarm_status", "ok"],
  ])("a Cloud Eye alarm with another %s has another id: %j", (key, value) => {
    expect(alarmWith({ [key]: value }).id).not.toBe(alarmWith({}).id)
  })

  test.each([
    ["alarmValue", []],
    ["sms_content", "another text"],
    ["alarm_name", "renamed"],
  ])("a Cloud Eye alarm with another %s keeps its id", (key, value) => {
    expect(alarmWith({ [key]: value }).id).toBe(alarmWith({}).id)
  })

  test("a Cloud Eye alarm has another id if text moves from one of its parts to another", () => {
    const one = alarmWith({ alarm_id: "al1|instance_id:a", dimension: "b" })
    const other = alarmWith({ alarm_id: "al1", dimension: "instance_id:a|b" })
    expect(one.id).not.toBe(other.id)
  })

  test("a Cloud Eye alarm's id of more than 200 characters is replaced by a digest", () => {
    const long = alarmWith({ dimension: `instance_id:${"x".repeat(300)}` })
    expect(long.id).toMatch(/^cloud-eye\|sha256:[0-9a-f]{64}$/)
  })
})

test("a Cloud Eye alarm and its OK share a key of alarm, metric and dimension, and neither has a start", () => {
  const alarm = alarmWith({})
  expect(alarm.episode.startsAt).toBeNull()
  expect(alarmWith({ alarm_status: "ok", time: 1_705_078_976_006 }).episode).toEqual(alarm.episode)
  expect(alarmWith({ dimension: "instance_id:another" }).episode).not.toEqual(alarm.episode)
  expect(alarmWith({ metric_name: "disk_usedPercent" }).episode).not.toEqual(alarm.episode)
})

describe("the dimension of a Cloud Eye alarm", () => {
  const unreadable = { unreadable: "resource" }
  test.each<[unknown, Record<string, string>]>([
    ["instance_id:ed5e", { instance_id: "ed5e" }],
    ["instance_id:ed5e,npu:0", { instance_id: "ed5e", npu: "0" }],
    ["instance_id:ed5e, npu:0", { instance_id: "ed5e", npu: "0" }],
    ["mount_point:C:/data", { mount_point: "C:/data" }],
    ["instance_id:a,b", { instance_id: "a,b" }],
    ["instance_id:a,instance_id:b", unreadable],
    ["instance_id", unreadable],
    [`instance_id:${"x".repeat(3_000)}`, unreadable],
    [5, unreadable],
    [[5], unreadable],
    [[{ name: "instance_id", value: 5 }], unreadable],
    [["instance_id:ed5e", "npu:0"], { instance_id: "ed5e", npu: "0" }],
    [[{ name: "instance_id", value: "ed5e" }], { instance_id: "ed5e" }],
    [{ instance_id: "ed5e" }, { instance_id: "ed5e" }],
    [[], {}],
    ["", {}],
    [null, {}],
    [undefined, {}],
  ])("reads Cloud Eye's dimension as name:value pairs, or else as unreadable: %j", (dimension, resource) => {
    expect(alarmWith({ dimension }).resource).toEqual(resource)
  })
})

describe("the points of a Cloud Eye alarm", () => {
  test("the points of a Cloud Eye alarm are sorted oldest first", () => {
    const alarmValue = [
      { time: 1_705_078_200_000, value: 97 },
      { time: 1_705_077_900_000, value: 91 },
    ]
    expect(alarmWith({ alarmValue }).points).toEqual([
      { at: 1_705_077_900_000, value: 91 },
      { at: 1_705_078_200_000, value: 97 },
    ])
  })

  test.each<[string, unknown]>([
    ["absent", undefined],
    ["null", null],
    ["not a list", { time: 1_705_077_900_000, value: 91 }],
    ["empty", []],
    ["without numbers", [{ time: 1_705_077_900_000, value: "97%" }, { time: 1_705_077_900_000 }, null, 5]],
    ["without times", [{ time: "now", value: 97 }, { value: 97 }, { time: 0, value: 97 }]],
    ["in seconds", [{ time: 1_705_077_900, value: 97 }]],
  ])("a Cloud Eye alarm whose points are %s has no points, rather than zeros", (_, alarmValue) => {
    expect(alarmWith({ alarmValue })).toMatchObject({ points: null, periodMs: null, state: "alarm" })
  })

  test.each([
    [300, 300_000],
    [1_200, 1_200_000],
    [1, null],
    [0, null],
    ["300", null],
    [null, null],
  ])("reads Cloud Eye's period %j (seconds) as %s ms; raw data has no period", (period, periodMs) => {
    expect(alarmWith({ period }).periodMs).toBe(periodMs)
  })
})

describe("lenient reading of a Cloud Eye alarm", () => {
  test.each<[unknown]>([[undefined], [null], [""], [7]])(
    "a Cloud Eye alarm is read even if message_type = %j",
    (type) => {
      expect(alarmWith({ message_type: type })).toMatchObject({
        state: "alarm",
        alarm: "al1704475580412b2a4lnr3W",
      })
    },
  )
})

describe("strict reading of a Cloud Eye alarm", () => {
  test("a Cloud Eye alarm in plain text is refused, naming the template to choose", () => {
    expect(problemsOf(sample("functiongraph-smn-plain-text"))).toEqual([
      expect.stringMatching(/^record\.0\.smn\.message: is not JSON; .*choose the JSON template/),
    ])
  })

  test.each<[string, unknown]>([
    ["alarm_id", undefined],
    ["alarm_id", 5],
    ["alarm_id", ""],
    ["alarm_status", null],
    ["time", undefined],
    ["time", "2024-01-12T16:51:16Z"],
    ["time", 1_705_078_276],
    ["time", 1_705_078_276_006.5],
    ["message_type", "event"],
  ])("a Cloud Eye alarm with %s = %j is refused, naming the field", (key, value) => {
    expect(problemsOf(eventWith({ [key]: value }))).toEqual([
      expect.stringContaining(`record.0.smn.message.${key}: `),
    ])
  })
})
