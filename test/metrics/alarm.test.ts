import { describe, expect, it } from "vitest"
import type { AlarmSignal, Signal } from "../../lib/decision/inputs/signal.ts"
import type { Server } from "../../lib/decision/inputs/supernode.ts"
import {
  ALARM_ID,
  alarmOf,
  MINUTE,
  NOW,
  type PolicyInput,
  policyOf,
  type RuleInput,
  ruleInput,
  serverOf,
  serversOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { FakeCloudEye } from "./cloud-eye/fake-cloud-eye.ts"
import { readMetrics } from "./read-alone.ts"

const PERIOD = 5 * MINUTE
const NEWEST = Date.parse("2024-01-12T16:50:00Z")

describe("a rule whose evidence is the alarm itself", () => {
  const NPU = "npu_util_rate_ai_core"
  const ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:busy"
  const points = [{ at: NEWEST, value: 97.08 }]
  type Alarm = NonNullable<RuleInput["metric"]["alarm"]>
  type Alarms = PolicyInput["alarms"]
  const named: Alarms = [{ "cloud-eye": ALARM_ID, metric: NPU, namespace: "AGT.ECS" }]
  const cloudEye = alarmOf({
    points,
    periodMs: PERIOD,
    metric: { namespace: "AGT.ECS", name: NPU, unit: "%" },
  })
  const cloudwatch: AlarmSignal = { ...cloudEye, source: "cloudwatch", alarm: ARN, resource: {} }
  const bare = { from: "annotation", name: "value", value: 97.08, unit: null } as const
  const alert: AlarmSignal = {
    ...cloudEye,
    source: "alertmanager",
    alarm: "Busy",
    labels: { alertname: "Busy" },
    resource: {},
    points: null,
    values: [bare],
  }

  async function readingFor(signal: Signal, { alarms = named, alarm = true, servers }: Told = {}) {
    const policy = policyOf({ alarms, rules: [ruleInput({ metric: { alarm } })] })
    const supernode = supernodeOf({ servers: servers ?? serversOf(2) })
    return (await readMetrics({ policy, supernode, signal, now: NOW }, new FakeCloudEye()))[0]
  }
  interface Told {
    alarms?: Alarms
    alarm?: Alarm
    servers?: Server[]
  }

  it.each<[string, AlarmSignal, string | null]>([
    ["the server whose id the alarm names", { ...cloudEye, resource: { instance_id: "ecs-s2" } }, "s2"],
    [
      "the server whose id the alarm names in other case",
      { ...cloudEye, resource: { instance_id: "ECS-S2" } },
      "s2",
    ],
    ["no particular server if it names none", { ...cloudEye, resource: {} }, null],
    [
      "no particular server if it names two",
      { ...cloudEye, resource: { instance_id: "ecs-s1,ecs-s2" } },
      null,
    ],
    [
      "no particular server if it names the supernode",
      { ...cloudEye, resource: { supernode: "train-a" } },
      null,
    ],
  ])("the points of an alarm are read for %s", async (_, signal, server) => {
    expect(await readingFor(signal)).toEqual({
      rule: "npu-busy",
      periodMs: PERIOD,
      series: [{ server, points }],
      problem: null,
    })
  })

  const FOREIGN = "ffffffff-0000-4000-8000-ffffffffffff"
  it.each<[string, AlarmSignal]>([
    ["Cloud Eye names a server that is not ours", { ...cloudEye, resource: { instance_id: FOREIGN } }],
    ["Cloud Eye names a resource that is not a server", { ...cloudEye, resource: { mount_point: "/" } }],
    [
      "it names our server and a server that is not ours",
      { ...cloudEye, resource: { instance_id: `ecs-s1,${FOREIGN}` } },
    ],
    ["its resource cannot be read", { ...cloudEye, resource: { unreadable: "resource" } }],
    ["CloudWatch names an instance", { ...cloudwatch, resource: { InstanceId: "i-0123" } }],
    ["CloudWatch names a foreign id", { ...cloudwatch, resource: { Target: FOREIGN } }],
    [
      "a contributor names a resource that is not ours",
      { ...cloudwatch, contributor: "n-1", resource: { Zone: "a" } },
    ],
    ["an alert has a foreign instance_id", { ...alert, resource: { instance_id: FOREIGN } }],
  ])("an alarm that one supernode lists does not count as evidence if %s", async (_, signal) => {
    const alarms = [...(named ?? []), { cloudwatch: ARN }, { alertmanager: { alertname: "Busy" } }]
    expect(await readingFor(signal, { alarms })).toMatchObject({
      series: [],
      problem: expect.stringContaining("not a server of this supernode"),
    })
  })

  const two: Alarms = [
    { "cloud-eye": ALARM_ID, metric: NPU },
    { "cloud-eye": "al2", metric: "disk_usedPercent" },
  ]
  const disk: AlarmSignal = {
    ...cloudEye,
    metric: { namespace: "AGT.ECS", name: "disk_usedPercent", unit: "%" },
  }
  const both: Alarms = [{ cloudwatch: ARN }, { cloudwatch: `${ARN}-2` }]
  const alerts: Alarms = [{ alertmanager: { alertname: "Busy" } }, { alertmanager: { alertname: "Idle" } }]
  const one: Alarms = [{ alertmanager: { cluster: "a" } }]
  const values = (...all: [string, number][]) =>
    all.map(([name, value]) => ({ from: "values" as const, name, value, unit: null }))
  const percent = { ...alert, values: [{ ...bare, unit: "%" }] }
  it.each<[string, AlarmSignal, Told, true | RegExp]>([
    [
      "neither entry nor rule names the metric",
      cloudEye,
      { alarms: [{ "cloud-eye": ALARM_ID }] },
      /add metric: NAME/,
    ],
    [
      "the rule names the metric",
      cloudEye,
      { alarms: [{ "cloud-eye": ALARM_ID }], alarm: { metric: NPU } },
      true,
    ],
    ["the alarm's entry names the metric", cloudEye, {}, true],
    [
      "the points measure another metric of the same Cloud Eye rule",
      disk,
      {},
      /measure AGT.ECS disk_usedPercent, not/,
    ],
    ["the rule names another metric", cloudEye, { alarm: { metric: "cpu_usage" } }, /not cpu_usage/],
    [
      "the message names no metric",
      { ...cloudEye, metric: { namespace: null, name: null, unit: null } },
      {},
      /does not name/,
    ],
    ["an earlier version recorded no metric", alarmOf({ points, periodMs: PERIOD }), {}, /does not name/],
    [
      "the message names another namespace",
      { ...cloudEye, metric: { namespace: "SYS.ECS", name: NPU, unit: null } },
      {},
      /SYS.ECS/,
    ],
    ["two alarms measure different metrics", cloudEye, { alarms: two }, /2 metrics/],
    [
      "two alarms measure different metrics and the rule names one",
      cloudEye,
      { alarms: two, alarm: { metric: NPU } },
      true,
    ],
    [
      "the message has another unit than the rule states",
      cloudEye,
      { alarm: { metric: NPU, unit: "MB/s" } },
      /in %, but the rule states MB\/s/,
    ],
    ["the message has the unit that the rule states", cloudEye, { alarm: { metric: NPU, unit: "%" } }, true],
    [
      "the rule is for another source",
      cloudEye,
      { alarm: { value: "B" } },
      /does not accept points of a cloud-eye alarm/,
    ],
    ["one CloudWatch alarm is listed", cloudwatch, { alarms: [{ cloudwatch: ARN }] }, true],
    ["two CloudWatch alarms are listed", cloudwatch, { alarms: both }, /lists 2 CloudWatch alarms/],
    [
      "two CloudWatch alarms are listed and the rule names this alarm",
      cloudwatch,
      { alarms: both, alarm: { cloudwatch: ARN } },
      true,
    ],
    [
      "two CloudWatch alarms are listed and the rule names the other alarm",
      cloudwatch,
      { alarms: both, alarm: { cloudwatch: `${ARN}-2` } },
      /only/,
    ],
    [
      "the rule names a Cloud Eye metric",
      cloudwatch,
      { alarms: [{ cloudwatch: ARN }], alarm: { metric: NPU } },
      /does not accept points of/,
    ],
    ["one alert is listed", alert, { alarms: one }, true],
    ["two alerts are listed", alert, { alarms: alerts }, /lists 2 Alertmanager alarms/],
    [
      "two alerts are listed and the rule names this alert",
      alert,
      { alarms: alerts, alarm: { alertname: "Busy" } },
      true,
    ],
    [
      "two alerts are listed and the rule names the other alert",
      alert,
      { alarms: alerts, alarm: { alertname: "Idle" } },
      /only the points of alert Idle/,
    ],
    [
      "the annotation has a unit that the rule does not state",
      percent,
      { alarms: one },
      /"97.08 %": write the bare number/,
    ],
    [
      "the annotation has the unit that the rule states",
      percent,
      { alarms: one, alarm: { unit: "%" } },
      true,
    ],
    [
      "the annotation has another unit than the rule states",
      percent,
      { alarms: one, alarm: { unit: "k" } },
      /the rule states k/,
    ],
    [
      "the alert has no number",
      { ...alert, values: [] },
      { alarms: one },
      /annotation value: "\{\{ \$value \}\}"/,
    ],
    ["Grafana sends one value", { ...alert, values: values(["B", 97.08]) }, { alarms: one }, true],
    [
      "Grafana sends only a condition's 1",
      { ...alert, values: values(["C", 1]) },
      { alarms: one },
      /only C = 1, which looks like the result of a condition/,
    ],
    [
      "Grafana sends only a condition's 0",
      { ...alert, values: values(["C", 0]) },
      { alarms: one },
      /only C = 0, which looks like the result of a condition/,
    ],
    [
      "Grafana sends several values",
      { ...alert, values: values(["B", 97.08], ["C", 1]) },
      { alarms: one },
      /value: REFID/,
    ],
    [
      "Grafana sends several values and the rule names one",
      { ...alert, values: values(["B", 97.08], ["C", 1]) },
      { alarms: one, alarm: { value: "B" } },
      true,
    ],
    [
      "the rule names a value that Grafana does not send",
      { ...alert, values: values(["B", 97]) },
      { alarms: one, alarm: { value: "A" } },
      /no number named A/,
    ],
    [
      "the value that the rule names is sent twice with different numbers",
      { ...alert, values: [bare, ...values(["value", 5])] },
      { alarms: one, alarm: { value: "value" } },
      /two different values/,
    ],
  ])("an alarm's points count, or the problem says why not: %s", async (_, signal, told, expected) => {
    const reading = await readingFor(signal, told)
    if (expected === true) {
      expect(reading).toMatchObject({ series: [{ points: [{ value: 97.08 }] }], problem: null })
    } else expect(reading).toMatchObject({ series: [], problem: expect.stringMatching(expected) })
  })

  it("a 0 or 1 among an alert's values counts as a measurement if the rule names that value", async () => {
    const signal = { ...alert, values: values(["C", 1]) }
    expect(await readingFor(signal, { alarms: one, alarm: { value: "C" } })).toMatchObject({
      series: [{ points: [{ value: 1 }] }],
    })
  })

  it("the points of an alarm are never read for a server without an id", async () => {
    const servers = [serverOf("s1", { cloudServer: { id: null, hpsId: null, hpsEcsId: null } })]
    expect((await readingFor({ ...cloudEye, resource: {} }, { servers }))?.series).toEqual([
      { server: null, points },
    ])
  })

  it.each<[string, Signal]>([
    ["the alarm has no datapoints", { ...cloudEye, points: null }],
    ["the alarm has no datapoints", { ...cloudEye, points: [] }],
    ["this run was not started by an alarm", tickOf()],
  ])("the points of an alarm are missing because %s (case %#)", async (problem, signal) => {
    expect(await readingFor(signal)).toMatchObject({ series: [], problem })
  })

  it("a rule on an alarm sends no request to Cloud Eye", async () => {
    const fake = new FakeCloudEye()
    const policy = policyOf({ alarms: named, rules: [ruleInput({ metric: { alarm: true } })] })
    await readMetrics({ policy, supernode: supernodeOf(), signal: cloudEye, now: NOW }, fake)
    expect(fake.queries).toEqual([])
  })
})
