import { eventOf } from "../corridor/corridor.ts"
import type { Random } from "../world/random.ts"

// The deliveries of a storm: one CloudWatch alarm in its three shapes, delivered again and again; one episode
// of a Cloud Eye alarm, notified again by several resources, with OK and insufficient data in between; and
// ticks.

export type Kind = "same alarm" | "told again" | "ok" | "insufficient data" | "tick"

export interface Delivery {
  door: "alarm" | "schedule"
  kind: Kind
  event: unknown
}

/** Number of deliveries by kind and by how they ended. */
export type Ends = Partial<Record<Kind, Record<string, number>>>

export function countEnd(
  ends: Ends,
  { kind, end, count = 1 }: { kind: Kind; end: string; count?: number },
): void {
  const ofKind = ends[kind] ?? {}
  ofKind[end] = (ofKind[end] ?? 0) + count
  ends[kind] = ofKind
}

const RESOURCES = 8
const MINUTE_MS = 60_000
/** Time at which the alarm in test/events entered its state. */
const STATE_TIME = "2024-01-12T16:51:16.985+0000"

/** Random deliveries: half of them the same alarm, the others in proportion to their weights. */
export function stormOf(count: number, { random, now }: { random: Random; now: number }): Delivery[] {
  const same = sameAlarm(now)
  const others = Object.entries({
    "told again": [5, cloudEyeEvents(now, "alarm")],
    ok: [1, cloudEyeEvents(now, "ok")],
    "insufficient data": [1, cloudEyeEvents(now, "insufficient_data")],
    tick: [3, ticks(now)],
  } satisfies Partial<Record<Kind, [number, Delivery[]]>>).map(
    ([, [weight, list]]) => [weight, list] as const,
  )
  return Array.from({ length: count }, () => random.pick(random.chance(0.5) ? same : random.weighted(others)))
}

/** One change of state in its three possible shapes, all with one id. */
export function sameAlarm(now: number): Delivery[] {
  return ["eventbridge-cloudwatch-alarm", "sns-cloudwatch-alarm", "lambda-cloudwatch-alarm-action"].map(
    (name) => ({
      door: "alarm",
      kind: "same alarm",
      event: JSON.parse(
        JSON.stringify(eventOf(name)).replaceAll(
          STATE_TIME,
          new Date(now).toISOString().replace("Z", "+0000"),
        ),
      ),
    }),
  )
}

/** Notifications by each resource, one for each of some of the last minutes. */
function cloudEyeEvents(now: number, status: "alarm" | "ok" | "insufficient_data"): Delivery[] {
  const kind = { alarm: "told again", ok: "ok", insufficient_data: "insufficient data" } as const
  const minutes = { alarm: [0, 1, 2, 3, 4], ok: [2], insufficient_data: [1, 3] }[status]
  return minutes.flatMap((minute) =>
    Array.from({ length: RESOURCES }, (_, resource): Delivery => {
      const at = now - minute * MINUTE_MS - resource
      return { door: "alarm", kind: kind[status], event: cloudEyeEvent({ at, status, resource }) }
    }),
  )
}

function cloudEyeEvent({ at, status, resource }: { at: number; status: string; resource: number }): unknown {
  const event = eventOf("functiongraph-smn-cloud-eye-alarm")
  const instance = `ed5e8d39-1c3b-4a7e-9a5f-0a4b7e1f2c3${resource}`
  const changed = { time: at, alarm_status: status, dimension: `instance_id:${instance}` }
  return JSON.parse(
    JSON.stringify(event, (key, value) =>
      key === "message" ? JSON.stringify({ ...JSON.parse(value), ...changed }) : value,
    ),
  )
}

function ticks(now: number): Delivery[] {
  return Array.from({ length: 10 }, (_, i) => {
    const time = new Date(Math.floor(now / MINUTE_MS - i) * MINUTE_MS).toISOString()
    return { door: "schedule", kind: "tick", event: { ...eventOf("eventbridge-scheduler"), time } }
  })
}
