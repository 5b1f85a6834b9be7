import { parseArgs } from "node:util"
import { breakOf } from "../storm/breaks.ts"
import { brokenBundle, bundle } from "../storm/bundle.ts"
import { runSoak, type Soak } from "./soak.ts"

// `npm run soak -- [--kills 500] [--seed 1] [--workers 3] [--supernodes 12] [--break NAME]`

const { values } = parseArgs({
  options: {
    kills: { type: "string", default: "500" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: "3" },
    supernodes: { type: "string", default: "12" },
    break: { type: "string" },
  },
})
const broken = breakOf(values.break)
process.once("SIGINT", () => process.exit(130))
const made = await (broken ? brokenBundle("soak-worker", broken) : bundle("soak-worker"))
try {
  const soak = await runSoak({
    bundle: made,
    kills: Number(values.kills),
    seed: Number(values.seed),
    workers: Number(values.workers),
    supernodes: Number(values.supernodes),
    untilViolated: broken !== null,
  })
  print(soak)
} finally {
  made.remove()
}

function print(soak: Soak): void {
  const { kills, starts, freezes, posts, orders, attempts, settled, violations } = soak
  const outcomes = Object.entries(soak.outcomes).sort(([, a], [, b]) => b - a)
  console.log(`seed ${values.seed}, ${(soak.tookMs / 1000).toFixed(1)} s
  ${kills} kills, ${freezes} freezes, ${starts} starts of a worker, ${soak.pauses} pauses, ${soak.resets} resets
  ${attempts} attempts, ${posts} POSTs, ${orders} orders; ${soak.leftOpen} attempts left open and taken for unknown
  settled by a person: ${settled.accepted} accepted, ${settled.completed} completed, ${settled.absent} absent
  outcomes: ${outcomes.map(([name, count]) => `${count} ${name}`).join(", ")}
  ${soak.entries} entries, all chains ${violations.length === 0 ? "verify" : "read"}; the latest request was handed over ${Math.abs(soak.worstLatenessMs)} ms ${soak.worstLatenessMs > 0 ? "after" : "before"} its sendBefore
  ${violations.length} violations`)
  for (const violation of violations) console.log(`VIOLATION ${violation}`)
  if (violations.length > 0) process.exitCode = 1
}
