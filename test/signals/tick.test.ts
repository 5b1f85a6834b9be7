import { describe, expect, test } from "vitest"
import { readSignals } from "../../lib/signals/read.ts"
import { NOW, problemsOf, sample, sampleWith, signalsOf } from "./sample.ts"

const AT = Date.parse("2024-01-12T16:50:00Z")

describe("the identity of a tick", () => {
  test("a late or repeated delivery of a tick gives the same signal as the first delivery", () => {
    const [first] = signalsOf(sample("functiongraph-timer"))
    const later = readSignals(sample("functiongraph-timer"), "schedule", { now: NOW + 86_400_000 }).signals
    expect(later).toEqual([first])
  })

  test("the time of a tick may have a UTC offset", () => {
    const [tick] = signalsOf(sampleWith("functiongraph-timer", ["time"], "2024-01-13T00:50:00+08:00"))
    expect(tick?.at).toBe(AT)
  })

  test.each([
    [{ kind: "tick", time: "2024-01-12T16:50:00Z" }],
    [{ trigger_type: "TIMER", time: "2024-01-12T16:50:00Z" }],
    [{ source: "aws.events", "detail-type": "Scheduled Event", time: "2024-01-12T16:50:00Z", resources: [] }],
  ])("a tick event without a name gets the name of the function that receives the event: %j", (event) => {
    const read = (tickName?: string) =>
      readSignals(event, "schedule", tickName === undefined ? { now: NOW } : { now: NOW, tickName })
    expect(read("sweep").signals).toEqual([{ kind: "tick", id: `tick|sweep|${AT}`, name: "sweep", at: AT }])
    expect(read().signals[0]?.id).toBe(`tick|tick|${AT}`)
  })

  test("a tick by an EventBridge rule on a custom event bus has the bus in its name", () => {
    const arn = "arn:aws:events:eu-central-1:123456789012:rule/bus/sweep"
    expect(signalsOf(sampleWith("eventbridge-schedule", ["resources"], [arn]))[0]).toMatchObject({
      name: "bus/sweep",
    })
  })
})

describe("a tick without a readable time", () => {
  test.each<[string, unknown]>([
    ["eventbridge-schedule", undefined],
    ["eventbridge-scheduler", "<aws.scheduler.scheduled-time>"],
    ["eventbridge-scheduler", null],
    ["functiongraph-timer", "2024-01-12T16:50:00"],
    ["functiongraph-timer", 1_705_078_200_000],
  ])("a tick without a readable time is refused, never taken as now: %s with time %j", (name, time) => {
    expect(problemsOf(sampleWith(name, ["time"], time))).toEqual([expect.stringMatching(/^time: /)])
  })
})
