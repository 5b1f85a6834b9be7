import { monitorEventLoopDelay } from "node:perf_hooks"
import { readSettings } from "../../../lib/app/settings.ts"
import { startApp } from "../../../lib/app/start.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import type { EventAsked, FleetRan } from "./place.ts"

// One process that handles events for a whole fleet, one after the other, as often as it is told to.

/** Questions to the store for newest entries, one of many streams as one; `COUNTING` in place.ts counts them. */
const counted = globalThis as typeof globalThis & { headReads: number }
const app = await startApp(readSettings((name) => process.env[name], Object.keys(process.env)))
process.once("disconnect", () => process.exit())
process.on("message", (text: string) => void handle(JSON.parse(text) as EventAsked))
process.send?.({ kind: "started" })

async function handle({ door, event }: EventAsked): Promise<void> {
  const pauses = monitorEventLoopDelay({ resolution: 5 })
  pauses.enable()
  counted.headReads = 0
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const doneMs: number[] = []
  const ends: Record<string, number> = {}
  const takeResult = ({ decision, outcome }: RunResult) => {
    const end = outcome?.kind ?? decision.heldBy ?? "none"
    ends[end] = (ends[end] ?? 0) + 1
    doneMs.push(performance.now() - startedAt)
  }
  const { warnings } = await app.handle(event, door, {
    requestId: "bench",
    remainingMs: () => Number.POSITIVE_INFINITY,
    credentials: null,
    takeResult,
  })
  const tookMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  pauses.disable()
  const ran: FleetRan = {
    tookMs,
    cpuMs: (user + system) / 1000,
    doneMs,
    ends,
    warnings,
    headReads: counted.headReads,
    longestPauseMs: pauses.max / 1e6,
    residentMb: process.resourceUsage().maxRSS / 1024,
  }
  process.send?.(ran)
}
