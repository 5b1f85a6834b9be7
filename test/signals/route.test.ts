import { describe, expect, test } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { SignalRouter } from "../../lib/signals/route.ts"
import { SignalError } from "../../lib/signals/signal-error.ts"
import { alarmOf, type PolicyInput, policyOf, requestOf, tickOf } from "../decision/builders.ts"

const ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy"
const LABELS = { alertname: "NpuBusy", cluster: "train-a", severity: "critical" }

const named = (name: string, alarms: PolicyInput["alarms"] = []) => policyOf({ name, alarms })
const routes = (signal: Signal, policies: readonly Policy[]) =>
  new SignalRouter(policies).route(signal).map(({ policy, exclusive }) => [policy.name, exclusive])

describe("routing of signals", () => {
  const policies = [
    named("eye", [{ "cloud-eye": "al1" }]),
    named("watch", [{ cloudwatch: ARN }]),
    named("prom", [{ alertmanager: { alertname: "NpuBusy", cluster: "train-a" } }]),
  ]

  test.each([
    ["Cloud Eye by alarm_id", alarmOf({ source: "cloud-eye", alarm: "al1" }), "eye"],
    ["CloudWatch by ARN", alarmOf({ source: "cloudwatch", alarm: ARN }), "watch"],
    [
      "Alertmanager by its labels",
      alarmOf({ source: "alertmanager", alarm: "NpuBusy", labels: LABELS }),
      "prom",
    ],
  ])("sends an alarm to the supernodes that list it: %s", (_, signal, name) => {
    expect(routes(signal, policies)).toEqual([[name, true]])
  })

  test.each([
    ["another alarm_id", alarmOf({ source: "cloud-eye", alarm: "al2" })],
    ["an alarm_id that another source uses", alarmOf({ source: "cloudwatch", alarm: "al1" })],
    [
      "one label that differs",
      alarmOf({ source: "alertmanager", labels: { ...LABELS, cluster: "train-b" } }),
    ],
    ["one label that is missing", alarmOf({ source: "alertmanager", labels: { alertname: "NpuBusy" } })],
    ["no labels", alarmOf({ source: "alertmanager", labels: {} })],
  ])("sends an alarm with %s to no supernode, without an error", (_, signal) => {
    expect(routes(signal, policies)).toEqual([])
  })

  test("an alarm that several supernodes list is not marked as exclusive to any supernode", () => {
    const both = [
      named("a", [{ "cloud-eye": "al1" }]),
      named("b", [{ "cloud-eye": "al2" }, { "cloud-eye": "al1" }]),
    ]
    expect(routes(alarmOf({ alarm: "al1" }), both)).toEqual([
      ["a", false],
      ["b", false],
    ])
    expect(routes(alarmOf({ alarm: "al2" }), both)).toEqual([["b", true]])
  })

  test("an alarm that one supernode lists twice is marked as exclusive to that supernode", () => {
    const twice = [
      named("a", [{ alertmanager: { alertname: "NpuBusy" } }, { alertmanager: { cluster: "train-a" } }]),
    ]
    expect(routes(alarmOf({ source: "alertmanager", labels: LABELS }), twice)).toEqual([["a", true]])
  })
})

test("sends a tick to every supernode", () => {
  expect(routes(tickOf(), [named("a"), named("b")])).toEqual([
    ["a", false],
    ["b", false],
  ])
})

describe("routing of a request", () => {
  test("sends a manual request only to the supernode that it names", () => {
    expect(routes(requestOf({ supernode: "b" }), [named("a"), named("b")])).toEqual([["b", false]])
  })

  test.each([
    ["trian-a", "train-a"],
    ["Train-B", "train-b"],
    ["train_a", "train-a"],
  ])(
    "refuses a manual request for an unknown supernode (%s), suggests the closest name and lists all names",
    (supernode, meant) => {
      expect(() =>
        routes(requestOf({ supernode }), [named("train-a"), named("train-b"), named("inference")]),
      ).toThrow(
        `supernode: "${supernode}" is not in the policy; did you mean "${meant}"? Known: train-a, train-b, inference`,
      )
    },
  )

  test("suggests no supernode for a manual request if no name is close", () => {
    expect(() => routes(requestOf({ supernode: "zzz" }), [named("train-a")])).toThrow(
      new SignalError('supernode: "zzz" is not in the policy. Known: train-a'),
    )
  })
})
