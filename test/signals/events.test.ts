import { describe, expect, test } from "vitest"
import type { AlarmSignal, Signal } from "../../lib/decision/inputs/signal.ts"
import { sample, signalsOf } from "./sample.ts"

const ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy"
const COMPOSITE = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:npu-busy-and-queued"
const AT = Date.parse("2024-01-12T16:51:16.985Z")
const minute = (hhmm: string) => Date.parse(`2024-01-12T${hhmm}:00Z`)

const cloudWatch: AlarmSignal = {
  kind: "alarm",
  id: `cloudwatch|${ARN}||ALARM|${AT}`,
  source: "cloudwatch",
  alarm: ARN,
  labels: {},
  resource: { Supernode: "train-a" },
  state: "alarm",
  at: AT,
  episode: { key: `cloudwatch|${ARN}`, startsAt: AT },
  points: [
    { at: minute("16:36"), value: 91.2 },
    { at: minute("16:41"), value: 93.5 },
    { at: minute("16:46"), value: 97.08 },
  ],
  periodMs: 300_000,
}

const withoutPoints = { points: null, periodMs: null }

/** The same alarm in another state later that day. */
function cloudWatchAt(time: string, state: string, over: Partial<AlarmSignal>): AlarmSignal {
  const at = Date.parse(`2024-01-12T${time}Z`)
  return {
    ...cloudWatch,
    id: `cloudwatch|${ARN}||${state}|${at}`,
    at,
    episode: { key: `cloudwatch|${ARN}`, startsAt: null },
    ...over,
  }
}

const COMPOSITE_AT = Date.parse("2024-01-12T16:51:20.127Z")
const composite: AlarmSignal = {
  ...cloudWatch,
  id: `cloudwatch|${COMPOSITE}||ALARM|${COMPOSITE_AT}`,
  alarm: COMPOSITE,
  resource: {},
  at: COMPOSITE_AT,
  episode: { key: `cloudwatch|${COMPOSITE}`, startsAt: COMPOSITE_AT },
  ...withoutPoints,
}

const DIMENSION = "instance_id:ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d"
const SUBJECT = `cloud-eye|al1704475580412b2a4lnr3W|AGT.ECS|npu_util_rate_ai_core|${DIMENSION}`
const cloudEye: AlarmSignal = {
  kind: "alarm",
  id: `${SUBJECT}|1705078276006|alarm`,
  source: "cloud-eye",
  alarm: "al1704475580412b2a4lnr3W",
  labels: {},
  resource: { instance_id: "ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3d" },
  state: "alarm",
  at: 1_705_078_276_006,
  episode: { key: SUBJECT, startsAt: null },
  points: [
    { at: 1_705_077_900_000, value: 91.2 },
    { at: 1_705_078_200_000, value: 97.08 },
  ],
  periodMs: 300_000,
  metric: { namespace: "AGT.ECS", name: "npu_util_rate_ai_core", unit: "%" },
}

const expected: Record<string, Signal> = {
  "eventbridge-cloudwatch-alarm": cloudWatch,
  "lambda-cloudwatch-alarm-action": cloudWatch,
  "sns-cloudwatch-alarm": { ...cloudWatch, ...withoutPoints },
  "eventbridge-cloudwatch-ok": cloudWatchAt("17:21:16.985", "OK", {
    state: "ok",
    points: [{ at: minute("17:16"), value: 41.5 }],
  }),
  "sns-cloudwatch-ok": cloudWatchAt("17:21:16.985", "OK", { state: "ok", ...withoutPoints }),
  "eventbridge-cloudwatch-insufficient-data": cloudWatchAt("18:21:16.985", "INSUFFICIENT_DATA", {
    state: "insufficient-data",
    ...withoutPoints,
  }),
  "eventbridge-cloudwatch-composite-alarm": composite,
  "sns-cloudwatch-composite-alarm": composite,
  "functiongraph-smn-cloud-eye-alarm": cloudEye,
  "functiongraph-smn-cloud-eye-ok": {
    ...cloudEye,
    id: `${SUBJECT}|1705080076006|ok`,
    state: "ok",
    at: 1_705_080_076_006,
    points: [{ at: 1_705_079_700_000, value: 41.5 }],
  },
  "eventbridge-schedule": {
    kind: "tick",
    id: `tick|supernode-sweep|${minute("16:50")}`,
    name: "supernode-sweep",
    at: minute("16:50"),
  },
  "eventbridge-scheduler": {
    kind: "tick",
    id: `tick|supernode-sweep|${minute("16:50")}`,
    name: "supernode-sweep",
    at: minute("16:50"),
  },
  "functiongraph-timer": {
    kind: "tick",
    id: `tick|Timer_sweep|${minute("08:50")}`,
    name: "Timer_sweep",
    at: minute("08:50"),
  },
  "manual-request": {
    kind: "request",
    id: "request|sha256:24de9d20c3e3019e821b21491f35b68cac4de6bb51478aced2fdfdf923f4bd21",
    at: Date.parse("2024-01-12T16:51:17.500Z"),
    supernode: "train-a",
    mode: "dry-run",
    servers: 4,
    requestedBy: "ops@example.com",
    why: "launch week",
    planHash: null,
    bypassCooldown: false,
  },
}

describe("the events in test/events", () => {
  test.each(Object.entries(expected))(
    "the sample event %s becomes exactly its expected signal",
    (name, signal) => {
      expect(signalsOf(sample(name))).toEqual([signal])
    },
  )
})

test("a CloudWatch alarm has the same id by EventBridge, by SNS and directly from CloudWatch", () => {
  const names = ["eventbridge-cloudwatch-alarm", "sns-cloudwatch-alarm", "lambda-cloudwatch-alarm-action"]
  expect(new Set(names.flatMap((name) => signalsOf(sample(name))).map(({ id }) => id)).size).toBe(1)
})
