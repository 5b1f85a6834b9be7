import { readFile } from "node:fs/promises"
import { join } from "node:path"

// Events for the policy of `npm start`.

export const EXAMPLES = join(import.meta.dirname, "../../examples")
/** The bearer token of the webhook. */
export const TOKEN = "training-run-token"

/** Folders of the functions in dist/. */
export type FunctionName = "alarm" | "schedule" | "manual" | "functiongraph"

/** Events for a function, each with the name of its handler. The first one demands a purchase, or a dry run of one. */
export async function eventsOf(name: FunctionName): Promise<{ handler: string; event: unknown }[]> {
  const events = {
    alarm: [await alarm(), WEBHOOK],
    schedule: [{ kind: "tick", name: "training-run", time: new Date().toISOString() }],
    manual: [await example("manual-request.json")],
  }
  return name === "functiongraph"
    ? Object.entries(events).flatMap(([handler, all]) => all.map((event) => ({ handler, event })))
    : events[name].map((event) => ({ handler: "handler", event }))
}

/** The example of an alarm, dated now. */
async function alarm(): Promise<unknown> {
  const event = (await example("cloud-eye-alarm.json")) as {
    record: [{ smn: { message: string; timestamp: string } }]
  }
  const [{ smn }] = event.record
  smn.timestamp = new Date().toISOString()
  smn.message = JSON.stringify({ ...JSON.parse(smn.message), time: Date.now() })
  return event
}

async function example(file: string): Promise<unknown> {
  return JSON.parse(await readFile(join(EXAMPLES, "events", file), "utf8"))
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
