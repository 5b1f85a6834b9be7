import { readFileSync } from "node:fs"
import { handler } from "../../functions/alarm.ts"
import { contextOf } from "../functions/context.ts"

// One process of a storm: delivers one event many times at once through the alarm door, as its environment sets it up,
// and prints one line of JSON: how the deliveries ended.

const [file = "", times = "1"] = process.argv.slice(2)
const event: unknown = JSON.parse(readFileSync(file, "utf8"))
const ends = await Promise.allSettled(
  Array.from({ length: Number(times) }, () => handler(event, contextOf())),
)
const counts: Record<string, number> = {}
for (const end of ends) {
  const name = end.status === "rejected" ? `threw: ${String(end.reason)}` : sayEnd(end.value)
  counts[name] = (counts[name] ?? 0) + 1
}
process.stderr.write(`${JSON.stringify(counts)}\n`)

function sayEnd(answer: Awaited<ReturnType<typeof handler>>): string {
  const [result] = "results" in answer ? answer.results : []
  return result?.decision.heldBy ?? result?.outcome?.kind ?? "nothing"
}
