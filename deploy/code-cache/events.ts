import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { cloudEyeAlarm } from "../../examples/cloud-eye-alarm.ts"

// Events for the policy of `npm start`.

export const EXAMPLES = join(import.meta.dirname, "../../examples")
/** The bearer token of the webhook. */
export const TOKEN = "training-run-token"

/** Folders of the functions in dist/. */
export type FunctionName = "alarm" | "schedule" | "manual" | "functiongraph"

/** Events for a function, each with the name of its handler. The first one demands a purchase, or a dry run of one. */
export async function eventsOf(name: FunctionName): Promise<{ handler: string; event: unknown }[]> {
  const events = {
    alarm: [cloudEyeAlarm(Date.now()), WEBHOOK],
    schedule: [{ kind: "tick", name: "training-run", time: new Date().toISOString() }],
    manual: [JSON.parse(await readFile(join(EXAMPLES, "events/manual-request.json"), "utf8"))],
  }
  return name === "functiongraph"
    ? Object.entries(events).flatMap(([handler, all]) => all.map((event) => ({ handler, event })))
    : events[name].map((event) => ({ handler: "handler", event }))
}

/** An Alertmanager webhook with an alert that belongs to no supernode. */
const WEBHOOK = {
  version: "2.0",
  rawPath: "/alertmanager",
  headers: { "content-type": "application/json", authorization: `Bearer ${TOKEN}` },
  requestContext: { http: { method: "POST", path: "/alertmanager" } },
  body: JSON.stringify({
    version: "4",
    receiver: "training-run",
    status: "firing",
    groupLabels: {},
    commonLabels: {},
    alerts: [
      {
        status: "firing",
        labels: { alertname: "training-run" },
        annotations: {},
        startsAt: new Date().toISOString(),
        endsAt: "0001-01-01T00:00:00Z",
        fingerprint: "training-run",
      },
    ],
  }),
  isBase64Encoded: false,
}
