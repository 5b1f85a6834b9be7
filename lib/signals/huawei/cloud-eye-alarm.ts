import * as z from "zod"
import type { AlarmSignal, AlarmState } from "../../decision/inputs/signal.ts"
import { readDatapoints } from "../datapoints.ts"
import { epochMs } from "../instant.ts"
import { readJson } from "../json-text.ts"
import { parseShape } from "../shape.ts"
import { signalId } from "../signal-id.ts"

/** Cloud Eye's notification. `filter` and all of `template_variable` are display text in the account's language: not used. */
const alarmShape = z.object({
  message_type: z.literal("alarm", { error: 'must be "alarm"' }),
  alarm_id: z.string().min(1).max(64),
  alarm_status: z.string().min(1).max(64),
  time: epochMs,
  dimension: z.string().max(2_048).nullish(),
  period: z.unknown(),
  alarmValue: z
    .array(z.object({ time: z.unknown(), value: z.unknown() }).nullable().catch(null))
    .nullish()
    .catch(null),
})

const TEMPLATE_HINT =
  "if Cloud Eye sent it, choose the JSON template in the alarm rule's notification; plain text or HTML cannot be read"

/** The message of an SMN notification by Cloud Eye: JSON text inside JSON. Throws SignalError. */
export function readCloudEyeAlarm(text: string, where: string): AlarmSignal {
  const alarm = parseShape(alarmShape, readJson(text, where, TEMPLATE_HINT), where)
  const dimension = alarm.dimension ?? ""
  const points = readDatapoints(
    (alarm.alarmValue ?? []).flatMap((p) => (p ? [{ at: p.time, value: p.value }] : [])),
  )
  return {
    kind: "alarm",
    id: signalId("cloud-eye", alarm.alarm_id, dimension, alarm.time, alarm.alarm_status),
    source: "cloud-eye",
    alarm: alarm.alarm_id,
    labels: {},
    resource: dimensionsOf(dimension),
    state: stateOf(alarm.alarm_status),
    at: alarm.time,
    // The alarm repeats itself with new times, so only the chain can tell when this run of trouble began.
    episode: { key: signalId("cloud-eye", alarm.alarm_id, dimension), startsAt: null },
    points,
    periodMs: points && periodMs(alarm.period),
  }
}

/** Alarm states of Cloud Eye: ok, alarm, invalid, insufficient_data, ok_manual. */
function stateOf(status: string): AlarmState {
  switch (status) {
    case "alarm":
      return "alarm"
    case "ok":
    case "ok_manual":
      return "ok"
    case "insufficient_data":
      return "insufficient-data"
    default:
      return "unknown"
  }
}

/** `period` is in seconds; 0 and 1 mean raw data, which has no period. */
function periodMs(period: unknown): number | null {
  return typeof period === "number" && Number.isInteger(period) && period > 1 && period <= 86_400
    ? period * 1_000
    : null
}

/**
 * `name:value`, several of them separated by commas. How several are written is not documented: what does not begin with
 * a name belongs to the value before, and a name that comes twice makes the whole say nothing.
 */
function dimensionsOf(dimension: string): Record<string, string> {
  const pairs: { name: string; value: string }[] = []
  for (const part of dimension.split(",")) {
    const [, name, value] = /^\s*([A-Za-z][A-Za-z0-9_-]*):(.*)$/s.exec(part) ?? []
    const before = pairs.at(-1)
    if (name !== undefined && value !== undefined) pairs.push({ name, value: value.trim() })
    else if (before) before.value += `,${part}`
  }
  const isAmbiguous = new Set(pairs.map(({ name }) => name)).size < pairs.length
  return isAmbiguous ? {} : Object.fromEntries(pairs.map(({ name, value }) => [name, value]))
}
