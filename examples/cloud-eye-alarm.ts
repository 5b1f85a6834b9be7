import { readFileSync } from "node:fs"
import { join } from "node:path"

/** The event of events/cloud-eye-alarm.json, dated `now` (epoch milliseconds). */
export function cloudEyeAlarm(now: number): unknown {
  const event = JSON.parse(readFileSync(join(import.meta.dirname, "events/cloud-eye-alarm.json"), "utf8"))
  const [{ smn }] = event.record
  smn.message = JSON.stringify({ ...JSON.parse(smn.message), time: now })
  smn.timestamp = new Date(now).toISOString()
  return event
}
