import { eventOf } from "../corridor/corridor.ts"
import type { SoakSupernode } from "./soak-supernodes.ts"

/** An alarm of Cloud Eye through SMN about the whole supernode, with one datapoint at that time. */
export function alarmEvent({ alarm }: SoakSupernode, at: number): unknown {
  const event = eventOf("functiongraph-smn-cloud-eye-alarm")
  const changed = {
    alarm_id: alarm,
    dimension: null,
    time: at,
    period: 60,
    alarmValue: [{ time: at, value: 97 }],
  }
  return JSON.parse(
    JSON.stringify(event, (key, value) =>
      key === "message" ? JSON.stringify({ ...JSON.parse(value), ...changed }) : value,
    ),
  )
}

export function tickEvent(at: number): unknown {
  return { kind: "tick", name: "soak", time: new Date(at).toISOString() }
}
