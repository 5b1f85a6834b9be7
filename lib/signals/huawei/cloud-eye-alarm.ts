import * as z from "zod"
import { cleanText } from "../../decision/inputs/foreign-text.ts"
import type { AlarmSignal, AlarmState } from "../../decision/inputs/signal.ts"
import { onFirstUse } from "../../on-first-use.ts"
import { readDatapoints } from "../datapoints.ts"
import { epochMs } from "../instant.ts"
import { readJson } from "../json-text.ts"
import { parseShape, resourceIn, textIn, UNREADABLE_RESOURCE } from "../shape.ts"
import { signalId } from "../signal-id.ts"

/**
 * Cloud Eye's notification. Only alarm, state and time are required; every other field may be absent or
 * malformed. `filter` and `template_variable` are not used: they are display text in the account's language.
 */
const alarmShape = onFirstUse(() =>
  z.object({
    /** Kind of message; events have another kind. An absent or malformed kind counts as an alarm. */
    message_type: z.unknown().optional().refine(isAlarmType, { error: 'must be "alarm"' }),
    alarm_id: z.string().min(1).max(64),
    alarm_status: z.string().min(1).max(64),
    time: epochMs(),
    namespace: z.unknown().optional(),
    metric_name: z.unknown().optional(),
    dimension: z.unknown().optional(),
    period: z.unknown().optional(),
    unit: z.unknown().optional(),
    alarmValue: z
      .array(z.object({ time: z.unknown().optional(), value: z.unknown().optional() }).nullable().catch(null))
      .nullish()
      .catch(null),
  }),
)

function isAlarmType(type: unknown): boolean {
  return typeof type !== "string" || type === "" || type === "alarm"
}

const TEMPLATE_HINT =
  "if Cloud Eye sent it, choose the JSON template in the alarm rule's notification; plain text or HTML cannot be read"

/** Maximum length of the name of a namespace, a metric or a unit; longer ones are cut. */
const MAX_LABEL_CHARS = 128

/** Reads the message of an SMN notification by Cloud Eye: JSON text inside JSON. Throws SignalError. */
export function readCloudEyeAlarm(text: string, where: string): AlarmSignal {
  const alarm = parseShape(alarmShape(), readJson(text, where, TEMPLATE_HINT), where)
  const label = (value: unknown) => textIn(value, MAX_LABEL_CHARS)
  const metric = {
    namespace: label(alarm.namespace),
    name: label(alarm.metric_name),
    unit: label(alarm.unit),
  }
  // One Cloud Eye rule watches up to 50 metrics of many resources under one alarm_id. Each metric of each
  // resource has its own signals and episodes.
  const subject = [alarm.alarm_id, ...[alarm.namespace, alarm.metric_name, alarm.dimension].map(identityOf)]
  const points = readDatapoints(
    (alarm.alarmValue ?? []).flatMap((p) => (p ? [{ at: p.time, value: p.value }] : [])),
  )
  return {
    kind: "alarm",
    id: signalId("cloud-eye", ...subject, alarm.time, alarm.alarm_status),
    source: "cloud-eye",
    alarm: cleanText(alarm.alarm_id, 64),
    labels: {},
    resource: dimensionsIn(alarm.dimension),
    state: alarmState(alarm.alarm_status),
    at: alarm.time,
    // The alarm is repeated with new times, so only the chain knows when this episode began.
    episode: { key: signalId("cloud-eye", ...subject), startsAt: null },
    points,
    periodMs: points && periodMs(alarm.period),
    metric,
  }
}

/** One part of the identity as text. Lists and objects become JSON, so two malformed values still differ. */
function identityOf(written: unknown): string {
  if (written === undefined || written === null) return ""
  return typeof written === "string" ? written : JSON.stringify(written)
}

/** Alarm states of Cloud Eye: ok, alarm, invalid, insufficient_data, ok_manual. */
function alarmState(status: string): AlarmState {
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

/** Reads the documented text `name:value`, and also a list of such texts or of `{ name, value }`. */
function dimensionsIn(dimension: unknown): Record<string, string> {
  if (typeof dimension === "string") return dimensionsOf(dimension)
  if (Array.isArray(dimension) && dimension.length > 0 && dimension.every((part) => typeof part === "string"))
    return dimensionsOf(dimension.join(","))
  return resourceIn(dimension)
}

/** Maximum length of a dimension. */
const MAX_DIMENSION_CHARS = 2_048

/**
 * Reads `name:value` pairs, separated by commas. The format of several pairs is not documented, so a part
 * that does not begin with a name belongs to the value before it. If a name occurs twice, or if there is no
 * name, the resource is unreadable.
 */
function dimensionsOf(dimension: string): Record<string, string> {
  if (dimension.trim() === "") return {}
  if (dimension.length > MAX_DIMENSION_CHARS) return { ...UNREADABLE_RESOURCE }
  const pairs: { name: string; value: string }[] = []
  for (const part of dimension.split(",")) {
    const [, name, value] = /^\s*([A-Za-z][A-Za-z0-9_-]*):(.*)$/s.exec(part) ?? []
    const before = pairs.at(-1)
    if (name !== undefined && value !== undefined) pairs.push({ name, value: value.trim() })
    else if (before) before.value += `,${part}`
  }
  const isAmbiguous = new Set(pairs.map(({ name }) => name)).size < pairs.length
  if (isAmbiguous || pairs.length === 0) return { ...UNREADABLE_RESOURCE }
  return resourceIn(Object.fromEntries(pairs.map(({ name, value }) => [name, value])))
}
