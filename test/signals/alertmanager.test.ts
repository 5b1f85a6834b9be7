import { describe, expect, test } from "vitest"
import type { AlarmSignal } from "../../lib/decision/inputs/signal.ts"
import { readAlerts } from "../../lib/signals/alertmanager.ts"
import { SignalError } from "../../lib/signals/signal-error.ts"
import { NOW, sample } from "./sample.ts"

const HOUR = 3_600_000
const STARTS_AT = Date.parse("2024-01-12T16:51:16.985Z")

interface Body {
  alerts: Record<string, unknown>[]
}

const bodyOf = (name: string) => JSON.parse(sample(name)["body"] as string) as Body
const alertmanager = bodyOf("function-url-alertmanager")
const grafana = bodyOf("function-url-grafana")

function readWith(body: Body, over: Record<string, unknown>, now = NOW): AlarmSignal {
  const { signals } = readAlerts({ ...body, alerts: [{ ...body.alerts[0], ...over }] }, now)
  const [signal] = signals
  if (signal?.kind !== "alarm") throw new Error("an alarm was expected")
  return signal
}

function problemsWith(over: Record<string, unknown>): string[] {
  try {
    readWith(alertmanager, over)
  } catch (error) {
    if (error instanceof SignalError) return error.problems
    throw error
  }
  throw new Error("the alert was taken")
}

describe("the id of an alert is fingerprint + startsAt + status + arrival hour", () => {
  const id = readWith(alertmanager, {}).id

  test("an alert that repeats within the hour keeps its id", () => {
    expect(readWith(alertmanager, {}, NOW + 5 * 60_000).id).toBe(id)
  })

  test("an alert that repeats in the next hour gets a new id", () => {
    expect(readWith(alertmanager, {}, NOW + HOUR).id).not.toBe(id)
  })

  test.each([
    ["fingerprint", "c6eadffa33fcdf37"],
    ["startsAt", "2024-01-12T16:51:16.986Z"],
    ["status", "resolved"],
  ])("an alert with another %s has another id", (key, value) => {
    expect(readWith(alertmanager, { [key]: value }).id).not.toBe(id)
  })
})

describe("alerts under one id or in one body", () => {
  const [alert] = alertmanager.alerts
  // Grafana fires it because data is missing, so it is not an alarm. Its fingerprint, start and status are
  // those of `alert`.
  const noData = { ...alert, annotations: { grafana_state_reason: "NoData" } }
  const resolved = { ...alert, status: "resolved" }

  test.each<[string, unknown[], string[]]>([
    ["an alarm replaces an earlier element with its id that is no alarm", [noData, alert], ["alarm"]],
    ["an element that is no alarm does not replace an earlier alarm with its id", [alert, noData], ["alarm"]],
    ["an alarm is handled first if an OK has the same time", [resolved, alert], ["alarm", "ok"]],
  ])("keeps every alarm of an Alertmanager body: %s", (_, alerts, states) => {
    const { signals } = readAlerts({ ...alertmanager, alerts }, NOW)
    expect(signals.map((signal) => signal.kind === "alarm" && signal.state)).toEqual(states)
  })
})

describe("time and episode of an alert", () => {
  test("an alert that has been firing since yesterday is not stale", () => {
    expect(readWith(alertmanager, { startsAt: "2024-01-11T10:00:00Z" }).at).toBe(NOW)
  })

  test("a resolved alert has the key and the start of the firing alert that it ends", () => {
    expect(readWith(alertmanager, { status: "resolved" }).episode).toEqual({
      key: "alertmanager|1f2e3d4c5b6a7988",
      startsAt: STARTS_AT,
    })
    expect(readWith(alertmanager, {}).episode.key).toBe(
      readWith(alertmanager, { status: "resolved" }).episode.key,
    )
  })
})

describe("state of an alert", () => {
  const labels = (alertname: string) => ({ alertname, cluster: "train-a" })
  test.each<[string, Record<string, unknown>, string]>([
    ["firing", { status: "firing" }, "alarm"],
    ["resolved", { status: "resolved" }, "ok"],
    ["any other status", { status: "pending" }, "unknown"],
    [
      "Grafana firing for lack of data",
      { annotations: { grafana_state_reason: "NoData" } },
      "insufficient-data",
    ],
    [
      "Grafana keeping the last state",
      { annotations: { grafana_state_reason: "NoData, KeepLast" } },
      "insufficient-data",
    ],
    [
      "Grafana firing because its query failed",
      { annotations: { grafana_state_reason: "Error" } },
      "unknown",
    ],
    [
      "Grafana resolving because the series is gone",
      { status: "resolved", annotations: { grafana_state_reason: "MissingSeries" } },
      "insufficient-data",
    ],
    [
      "Grafana resolving because the rule is paused",
      { status: "resolved", annotations: { grafana_state_reason: "Paused" } },
      "unknown",
    ],
    ["Grafana's own alert about lack of data", { labels: labels("DatasourceNoData") }, "insufficient-data"],
    ["Grafana's own alert about errors", { labels: labels("DatasourceError") }, "unknown"],
    [
      "an alert whose name merely begins with Datasource",
      { status: "resolved", labels: labels("DatasourceSlow") },
      "ok",
    ],
    [
      "a reason that is not a string",
      { annotations: { grafana_state_reason: { toString: 1, valueOf: 1 } } },
      "alarm",
    ],
  ])("the state of an alert is alarm only if it fires with data: %s", (_, over, state) => {
    expect(readWith(grafana, over).state).toBe(state)
  })
})

describe("the numbers of an alert", () => {
  test.each<[string, number, string | null]>([
    ["97.08", 97.08, null],
    ["97.08%", 97.08, "%"],
    [" 97.08 % ", 97.08, "%"],
    ["-1", -1, null],
    ["1.5e2", 150, null],
    ["1.234k", 1.234, "k"],
    ["97 of 100", 97, "of 100"],
    ["1,234", 1, ",234"],
    ["0x10", 0, "x10"],
  ])("the number of an alert is read from annotation value %j", (value, number, unit) => {
    expect(readWith(alertmanager, { annotations: { value } })).toMatchObject({
      points: null,
      periodMs: null,
      values: [{ from: "annotation", name: "value", value: number, unit }],
    })
  })

  test.each<[unknown]>([
    ["high"],
    ["NaN"],
    ["+Inf"],
    ["1e999"],
    [""],
    [`1${" ".repeat(40_000)}x`],
    ["1\u20637"],
    ["9\u200b7"],
    ["1".repeat(200_000)],
    [97],
    [null],
    [{}],
  ])("an alert with an unreadable annotation value has no number, rather than zero (case %#)", (value) => {
    expect(readWith(alertmanager, { annotations: { value } }).values).toEqual([])
  })

  test("an annotation of an alert does not replace another annotation whose name merely looks the same", () => {
    const annotations = { value: "5", "val\u200bue": "97" }
    expect(readWith(alertmanager, { annotations }).values).toMatchObject([{ name: "value", value: 5 }])
  })

  test.each<[unknown]>([[undefined], [null], ["text"], [[]]])(
    "an alert with annotations %j has no numbers",
    (annotations) => {
      expect(readWith(alertmanager, { annotations }).values).toEqual([])
    },
  )

  test.each<[string, unknown, [string, number][]]>([
    ["one value", { B: 97.08 }, [["B", 97.08]]],
    [
      "two values",
      { B: 97.08, C: 1 },
      [
        ["B", 97.08],
        ["C", 1],
      ],
    ],
    ["no values", {}, []],
    ["null", null, []],
    ["values that are strings", { B: "97", C: null }, []],
    ["a list instead of values by refId", [97], []],
  ])("Grafana's values become the numbers of the alert, named by refId: %s", (_, values, numbers) => {
    expect(readWith(grafana, { values }).values).toEqual(
      numbers.map(([name, value]) => ({ from: "values", name, value, unit: null })),
    )
  })
})

describe("labels and resource", () => {
  test("an alert keeps its labels, and only those that name a server by its id become its resource", () => {
    expect(readWith(alertmanager, {})).toMatchObject({
      alarm: "NpuBusy",
      labels: { alertname: "NpuBusy", cluster: "train-a", severity: "critical" },
      resource: {},
    })
    expect(readWith(grafana, {}).resource).toEqual({ instance_id: "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d" })
  })

  test("an alert keeps a label named constructor and ignores a label named __proto__", () => {
    const labels = JSON.parse('{"alertname":"NpuBusy","constructor":"x","__proto__":"y"}') as unknown
    expect(readWith(alertmanager, { labels }).labels).toEqual({ alertname: "NpuBusy", constructor: "x" })
  })

  const many = Object.fromEntries(Array.from({ length: 64 }, (_, i) => [`l${i}`, "v"]))
  test.each<[string, unknown, Record<string, string>]>([
    ["too many", { alertname: "a", ...many }, { alertname: "a", l62: "v" }],
    ["too long", { alertname: "a", text: "x".repeat(17_000) }, { alertname: "a" }],
    ["not strings", { alertname: "a", n: 5 }, { alertname: "a" }],
    ["without alertname", { cluster: "train-a" }, { cluster: "train-a" }],
    ["a list", [], {}],
    ["absent", undefined, {}],
  ])("an alert is read even if its labels are %s", (_, labels, kept) => {
    const signal = readWith(alertmanager, { labels })
    expect(signal.labels).toMatchObject(kept)
    expect(Object.keys(signal.labels).length).toBeLessThanOrEqual(64)
  })

  const ID = "ffffffff-0000-4000-8000-ffffffffffff"
  test.each<[string, Record<string, unknown>, Record<string, string>]>([
    [
      "an id label in another spelling",
      { instanceId: ID, "Server-ID": "7" },
      { instanceId: ID, "Server-ID": "7" },
    ],
    ["an id in a label for names or addresses", { instance: ID }, { instance: ID }],
    ["an exporter's address and a node's name are not ids", { instance: "10.0.0.1:9100", node: "n-1" }, {}],
    ["an id that is not a string is unreadable", { instance_id: 5 }, { unreadable: "resource" }],
    [
      "an id label beside one whose name merely looks the same",
      { instance_id: ID, "instance_id\u200b": "x" },
      { instance_id: ID },
    ],
  ])("the resource of an alert is read from the labels with a server's id: %s", (_, labels, resource) => {
    expect(readWith(alertmanager, { labels: { alertname: "a", ...labels } }).resource).toEqual(resource)
  })
})

describe("strict reading of an alert", () => {
  test.each<[string, unknown]>([
    ["fingerprint", undefined],
    ["fingerprint", ""],
    ["status", 5],
    ["startsAt", "0001-01-01T00:00:00Z"],
    ["startsAt", "soon"],
    ["startsAt", undefined],
  ])("an alert with %s = %j is reported as a problem, and its value is never guessed", (key, value) => {
    expect(problemsWith({ [key]: value })).toEqual([expect.stringContaining(`alerts.0.${key}: `)])
  })

  test("reads each alert of an Alertmanager body as a signal, and an unreadable alert as a problem", () => {
    const second = { ...alertmanager.alerts[0], fingerprint: "second" }
    const { signals, problems } = readAlerts({ alerts: [alertmanager.alerts[0], second, 5] }, NOW)
    expect(signals).toHaveLength(2)
    expect(problems).toEqual(["alerts.2: must be object, not number"])
  })

  test("reports a problem if the sender left alerts out of an Alertmanager body", () => {
    const { signals, problems } = readAlerts({ ...alertmanager, truncatedAlerts: 3 }, NOW)
    expect(signals).toHaveLength(1)
    expect(problems).toEqual([
      "truncatedAlerts: 3 alerts were cut off by the sender. Raise max_alerts in its webhook_configs, or group alerts by supernode (group_by)",
    ])
  })

  test.each<[unknown]>([[null], [5], ["text"], [[]], [{}], [{ alerts: {} }], [{ alerts: [] }]])(
    "refuses an Alertmanager body that is %j",
    (body) => {
      expect(() => readAlerts(body, NOW)).toThrow(SignalError)
    },
  )
})
