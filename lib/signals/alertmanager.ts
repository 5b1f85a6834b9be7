import * as z from "zod"
import type { AlarmSignal, AlarmState } from "../decision/inputs/signal.ts"
import { readDatapoints } from "./datapoints.ts"
import { isoInstant } from "./instant.ts"
import { names, parseShape, type ReadSignals, readEach } from "./shape.ts"
import { signalId } from "./signal-id.ts"

const HOUR_MS = 3_600_000

/** The webhook body of Alertmanager (version 4) and of Grafana, which adds `values`. */
const bodyShape = z.object({ alerts: z.array(z.unknown()), truncatedAlerts: z.number().catch(0) })

const alertShape = z.object({
  status: z.string().min(1).max(64),
  labels: names.refine((labels) => Object.hasOwn(labels, "alertname"), {
    error: "must have the label alertname",
  }),
  annotations: z.record(z.string(), z.unknown()).nullish().catch(null),
  startsAt: isoInstant,
  fingerprint: z.string().min(1).max(128),
  values: z.record(z.string(), z.unknown()).nullish().catch(null),
})

type Alert = z.output<typeof alertShape>

/** A webhook body of Alertmanager or Grafana, read alert by alert. Throws SignalError when there is none to read. */
export function readAlerts(body: unknown, now: number): ReadSignals {
  const { alerts, truncatedAlerts } = parseShape(bodyShape, body, "")
  const read = readEach(alerts, "alerts", (alert, where) =>
    alertSignal(parseShape(alertShape, alert, where), now),
  )
  if (truncatedAlerts <= 0) return read
  return {
    ...read,
    problems: [
      ...read.problems,
      `truncatedAlerts: ${truncatedAlerts} alerts were cut off by the sender (max_alerts)`,
    ],
  }
}

function alertSignal(alert: Alert, now: number): AlarmSignal {
  const { fingerprint, startsAt, status, labels } = alert
  const { alertname = "", instance_id: instanceId } = labels
  const points = readDatapoints([{ at: now, value: readValue(alert) }])
  return {
    kind: "alarm",
    // An alert repeats with the same startsAt for as long as it fires; the hour makes it news again.
    id: signalId("alertmanager", fingerprint, startsAt, status, Math.floor(now / HOUR_MS)),
    source: "alertmanager",
    alarm: alertname,
    labels,
    resource: instanceId === undefined ? {} : { instance_id: instanceId },
    state: stateOf(alert),
    at: now,
    episode: { key: signalId("alertmanager", fingerprint, startsAt), startsAt },
    points,
    periodMs: null,
  }
}

/**
 * Grafana fires and resolves for reasons that say nothing about the load: it writes them into the annotation
 * `grafana_state_reason`, or fires an alert of its own (DatasourceNoData, DatasourceError).
 */
function stateOf({ status, labels, annotations }: Alert): AlarmState {
  const said = annotations?.["grafana_state_reason"]
  const reason = typeof said === "string" ? said : ""
  if (labels["alertname"] === "DatasourceNoData" || /NoData|MissingSeries/.test(reason))
    return "insufficient-data"
  if (labels["alertname"] === "DatasourceError" || /Error/.test(reason)) return "unknown"
  if (status === "firing") return "alarm"
  // Resolved because its rule was paused, changed or removed: no word of the load, so it closes no episode.
  return status === "resolved" && reason === "" ? "ok" : "unknown"
}

/** The alert's value: annotation `value` as a number (a `%` at its end is display), or Grafana's `values` if there is just one. */
function readValue({ annotations, values }: Alert): unknown {
  const said = annotations?.["value"]
  if (typeof said === "string") {
    const [, number] = /^\s*([+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)\s*%?\s*$/.exec(said) ?? []
    if (number !== undefined) return Number(number)
  }
  const given = Object.values(values ?? {})
  return given.length === 1 ? given[0] : undefined
}
