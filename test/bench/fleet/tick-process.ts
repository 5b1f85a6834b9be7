import { readSettings } from "../../../lib/app/settings.ts"
import { startApp } from "../../../lib/app/start.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import type { EventAsked, FleetRan } from "./place.ts"
import { profiled } from "./profile.ts"

// One process that handles events for a whole fleet, one for each message of its parent.

/**
 * Number of reads of heads from the store; one read of many streams counts as one. `COUNTING` in place.ts
 * counts them.
 */
const counted = globalThis as typeof globalThis & { headReads: number }
const app = await startApp(readSettings((name) => process.env[name], Object.keys(process.env)))
process.once("disconnect", () => process.exit())
process.on("message", (text: string) => {
  handle(JSON.parse(text) as EventAsked).catch((error: unknown) => {
    // Only the beginning: of a fleet's many errors the bench would otherwise see only the end.
    process.stderr.write(String(error).slice(0, 1_000), () => process.exit(1))
  })
})
process.send?.({ kind: "started" })

async function handle({ door, event }: EventAsked): Promise<void> {
  const longestPauseMs = watchPauses()
  counted.headReads = 0
  const startedAt = performance.now()
  const cpu = process.cpuUsage()
  const doneMs: number[] = []
  const ends: Record<string, number> = {}
  const supernodes: string[] = []
  const takeResult = ({ decision, outcome, supernode }: RunResult) => {
    supernodes.push(supernode)
    const end = outcome?.kind ?? decision.heldBy ?? "none"
    ends[end] = (ends[end] ?? 0) + 1
    doneMs.push(performance.now() - startedAt)
  }
  const invocation = { requestId: "bench", remainingMs: () => Number.POSITIVE_INFINITY, credentials: null }
  const { warnings, results } = await profiled(() => app.handle(event, door, { ...invocation, takeResult }))
  // Alarms return their results only at the end.
  for (const result of results) takeResult(result)
  const tookMs = performance.now() - startedAt
  const { user, system } = process.cpuUsage(cpu)
  const ran: FleetRan = {
    tookMs,
    cpuMs: (user + system) / 1000,
    doneMs,
    ends,
    supernodes,
    warnings,
    headReads: counted.headReads,
    longestPauseMs: longestPauseMs(),
    residentMb: process.resourceUsage().maxRSS / 1024,
  }
  process.send?.(ran)
}

/** Measures CPU time, not time: on a busy machine the event loop also pauses without our doing. */
function watchPauses(): () => number {
  const usedMs = () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1_000
  }
  let before = usedMs()
  let longest = 0
  const timer = setInterval(() => {
    const now = usedMs()
    longest = Math.max(longest, now - before)
    before = now
  }, 5)
  return () => {
    clearInterval(timer)
    return longest
  }
}
