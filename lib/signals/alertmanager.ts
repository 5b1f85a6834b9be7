import * as z from "zod"
import { cleanText, isVisible } from "../decision/inputs/foreign-text.ts"
import { isUuid, namesMachineById, namesMachineByName } from "../decision/inputs/machine-name.ts"
import type { AlarmSignal, AlarmState, NamedValue } from "../decision/inputs/signal.ts"
import { onFirstUse } from "../on-first-use.ts"
import { isoInstant } from "./instant.ts"
import {
  type Concerns,
  namesIn,
  ownField,
  parseShape,
  type ReadSignals,
  readEach,
  textIn,
  UNREADABLE_RESOURCE,
} from "./shape.ts"
import { SignalError } from "./signal-error.ts"
import { signalId } from "./signal-id.ts"

const HOUR_MS = 3_600_000

/** The webhook body of Alertmanager (version 4) and of Grafana, which adds `values`. */
const bodyShape = onFirstUse(() =>
  z.object({ alerts: z.array(z.unknown()), truncatedAlerts: z.number().catch(0) }),
)

/** Only fingerprint, status and start are required; every other field may be absent or malformed. */
const alertShape = onFirstUse(() =>
  z.object({
    status: z.string().min(1).max(64),
    labels: z.unknown().optional(),
    annotations: z.unknown().optional(),
    startsAt: isoInstant(),
    fingerprint: z.string().min(1).max(128),
    values: z.unknown().optional(),
  }),
)

type Alert = z.output<ReturnType<typeof alertShape>>

/**
 * Reads a webhook body of Alertmanager or Grafana alert by alert. Throws SignalError like `readEach`, and for
 * the body of Grafana's legacy alerting.
 */
export function readAlerts(body: unknown, now: number, concerns?: Concerns): ReadSignals {
  if (isLegacyGrafana(body)) throw new SignalError(LEGACY_HINT)
  const { alerts, truncatedAlerts } = parseShape(bodyShape(), body, "")
  const read = readEach(alerts, "alerts", {
    read: (alert, where) => alertSignal(parseShape(alertShape(), alert, where), now),
    subject: (alert) => {
      const labels = namesIn(ownField(alert, "labels"))
      return { source: "alertmanager", alarm: labels["alertname"] ?? "", labels }
    },
    concerns,
  })
  if (truncatedAlerts <= 0) return read
  return {
    ...read,
    problems: [
      ...read.problems,
      `truncatedAlerts: ${truncatedAlerts} alerts were cut off by the sender. Raise max_alerts in its webhook_configs, or group alerts by supernode (group_by)`,
    ],
  }
}

const LEGACY_HINT =
  "this is the body of Grafana's legacy alerting: upgrade to Grafana Alerting, with a contact point of type Webhook, which sends `alerts`"

function isLegacyGrafana(body: unknown): boolean {
  return (
    typeof body === "object" &&
    body !== null &&
    !Object.hasOwn(body, "alerts") &&
    (Object.hasOwn(body, "evalMatches") || Object.hasOwn(body, "ruleUrl"))
  )
}

function alertSignal(alert: Alert, now: number): AlarmSignal {
  const { fingerprint, startsAt, status } = alert
  const labels = namesIn(alert.labels)
  return {
    kind: "alarm",
    // An alert repeats with the same startsAt while it fires; each hour it is a new signal.
    id: signalId("alertmanager", fingerprint, startsAt, status, Math.floor(now / HOUR_MS)),
    source: "alertmanager",
    alarm: labels["alertname"] ?? `without alertname, fingerprint ${cleanText(fingerprint, 64)}`,
    labels,
    resource: resourceOf(alert.labels, labels),
    state: alarmState(alert, labels),
    at: now,
    episode: { key: signalId("alertmanager", fingerprint), startsAt },
    points: null,
    periodMs: null,
    values: [...annotatedValues(alert.annotations), ...queriedValues(alert.values)],
  }
}

/**
 * Labels that name a server by its id, such as `instance_id`, `serverId`, or `instance` with a UUID. Names
 * and addresses do not count, because exporters write their own there. An unreadable id counts as an unknown
 * server.
 */
function resourceOf(written: unknown, labels: Record<string, string>): Record<string, string> {
  if (typeof written !== "object" || written === null) return {}
  const isUnreadable = Object.keys(written).some(
    (name) => namesMachineById(name) && labels[name] === undefined,
  )
  if (isUnreadable) return { ...UNREADABLE_RESOURCE }
  return Object.fromEntries(
    Object.entries(labels).filter(
      ([name, value]) => namesMachineById(name) || (namesMachineByName(name) && isUuid(value)),
    ),
  )
}

/**
 * State of an alert. Grafana also fires and resolves for reasons that say nothing about the load. It writes
 * them into the annotation `grafana_state_reason`, or fires an alert of its own (DatasourceNoData,
 * DatasourceError).
 */
function alarmState({ status, annotations }: Alert, labels: Record<string, string>): AlarmState {
  const reason = textIn(ownField(annotations, "grafana_state_reason"), MAX_REASON_CHARS) ?? ""
  if (labels["alertname"] === "DatasourceNoData" || /NoData|MissingSeries/.test(reason))
    return "insufficient-data"
  if (labels["alertname"] === "DatasourceError" || /Error/.test(reason)) return "unknown"
  if (status === "firing") return "alarm"
  // A resolved alert with a reason: its rule was paused, changed or removed. That says nothing about the
  // load, so it closes no episode.
  return status === "resolved" && reason === "" ? "ok" : "unknown"
}

const MAX_REASON_CHARS = 256

/** Maximum number of values that are read from an alert's annotations, and again from Grafana's `values`. */
const MAX_VALUES = 32
/** Maximum length of a number with its unit; longer text is a sentence. */
const MAX_VALUE_CHARS = 64

/** Annotations that begin with a number; the text after it is its unit. */
function annotatedValues(annotations: unknown): NamedValue[] {
  return Object.entries(namesIn(annotations))
    .flatMap(([name]) => {
      const number = numberIn(textOf(ownField(annotations, name)))
      return number === null ? [] : [{ from: "annotation" as const, name, ...number }]
    })
    .slice(0, MAX_VALUES)
}

/** Maximum length of an annotation that can be a number with its unit and surrounding space. */
const MAX_WRITTEN_CHARS = 256

/** Trimmed text; empty if it has invisible characters. If they were removed, "1\u20637" would become 17. */
function textOf(written: unknown): string {
  if (typeof written !== "string" || written.length > MAX_WRITTEN_CHARS) return ""
  const text = written.trim()
  return isVisible(text) ? text : ""
}

/** Number and unit at the start of a trimmed text; `null` if there is none. Matches only short text. */
function numberIn(text: string): { value: number; unit: string | null } | null {
  if (text.length > MAX_VALUE_CHARS) return null
  const [number] = /^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/.exec(text) ?? []
  const value = number === undefined ? Number.NaN : Number(number)
  if (number === undefined || !Number.isFinite(value)) return null
  return { value, unit: text.slice(number.length).trim() || null }
}

/** Numbers in Grafana's `values`, which are the results of queries and conditions by their refId. */
function queriedValues(values: unknown): NamedValue[] {
  if (typeof values !== "object" || values === null || Array.isArray(values)) return []
  return Object.entries(values)
    .flatMap(([refId, value]) =>
      typeof value === "number" && Number.isFinite(value)
        ? [{ from: "values" as const, name: cleanText(refId, MAX_VALUE_CHARS), value, unit: null }]
        : [],
    )
    .slice(0, MAX_VALUES)
}
