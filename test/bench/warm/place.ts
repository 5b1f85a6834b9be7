import { randomUUID } from "node:crypto"
import { setTimeout as pause } from "node:timers/promises"
import type { App } from "../../../lib/app/app.ts"
import { readSettings } from "../../../lib/app/settings.ts"
import { startApp, systemClock } from "../../../lib/app/start.ts"
import type { AlarmSignal } from "../../../lib/decision/inputs/signal.ts"
import { FleetCloud } from "../fleet/cloud.ts"
import { FleetPlace } from "../fleet/place.ts"
import { supernodeId } from "../fleet/policy.ts"

// A warm process: its supernodes have chains whose entries are at least a minute old, and its connections are
// open. Each supernode buys once, so that every alarm finds the same state.

const ALARM = "npu-busy"
/**
 * Age of the heads when they are written. With the wait below they are older than a minute, by which clocks
 * may differ.
 */
const HEADS_BEFORE_MS = 55_000
const WAIT_MS = 8_000

export const INVOCATION = {
  requestId: "bench",
  remainingMs: () => Number.POSITIVE_INFINITY,
  credentials: null,
}

export interface WarmPlace {
  cloud: FleetCloud
  app: App
  /** Alarm of the next supernode that has not bought. */
  nextAlarm(): AlarmSignal
  close(): Promise<void>
}

export async function openWarm(supernodes: number, more: Record<string, string> = {}): Promise<WarmPlace> {
  const cloud = await FleetCloud.start()
  const place = await FleetPlace.make(cloud, { supernodes, fleetActions: null, alertname: ALARM })
  const settings = readSettings((name) => ({ ...place.settings, ...more })[name], Object.keys(place.settings))
  await cloud.set({ load: 10, hanging: null, delayMs: 0 })
  const clock = { ...systemClock, now: () => Date.now() - HEADS_BEFORE_MS }
  const earlier = await startApp(settings, { clock })
  await earlier.runSignals([{ kind: "tick", id: randomUUID(), name: "first", at: clock.now() }], INVOCATION)
  await earlier.close()
  await cloud.set({ load: 97 })
  const app = await startApp(settings)
  await pause(WAIT_MS)
  let nth = 0
  return {
    cloud,
    app,
    nextAlarm: () => alarmOf(nth++),
    async close() {
      await app.close()
      await cloud.close()
      place.remove()
    },
  }
}

function alarmOf(nth: number): AlarmSignal {
  return {
    kind: "alarm",
    id: randomUUID(),
    source: "alertmanager",
    alarm: `${ALARM}-${nth}`,
    labels: { alertname: `${ALARM}-${nth}` },
    resource: {},
    state: "alarm",
    at: Date.now(),
    episode: { key: supernodeId(nth), startsAt: null },
    points: null,
    periodMs: null,
  }
}
