import { parseArgs } from "node:util"
import { Random } from "../simulation/random.ts"
import { breakOf } from "./breaks.ts"
import { brokenBundle, bundle } from "./bundle.ts"
import { stormOf } from "./deliveries.ts"
import { problemsOf, runStorm, type StoreName, type Storm } from "./storm.ts"

// `npm run storm -- [--deliveries 10000] [--seed 1] [--processes 4] [--lanes 8] [--store sqlite] [--break NAME]`

const { values } = parseArgs({
  options: {
    deliveries: { type: "string", default: "10000" },
    seed: { type: "string", default: "1" },
    processes: { type: "string", default: "4" },
    lanes: { type: "string", default: "8" },
    store: { type: "string" },
    break: { type: "string" },
  },
})
const broken = breakOf(values.break)
const stores: StoreName[] = ["sqlite", "dynamodb"]
process.once("SIGINT", () => process.exit(130))
const made = await (broken ? brokenBundle("deliver", broken) : bundle("deliver"))
try {
  for (const store of stores.filter((one) => values.store === undefined || values.store === one)) {
    const random = new Random(Number(values.seed))
    const deliveries = stormOf(Number(values.deliveries), { random, now: Date.now() })
    const storm = await runStorm({
      bundle: made,
      store,
      deliveries,
      processes: Number(values.processes),
      lanes: Number(values.lanes),
      provisioningMs: 5_000,
    })
    print(store, storm)
  }
} finally {
  made.remove()
}

function print(store: string, storm: Storm): void {
  const { delivered, posts, orders, chain, tookMs, ends } = storm
  const entries = chain.ok ? `${chain.entries} entries, the chain verifies` : "the chain is broken"
  console.log(
    `${store}, seed ${values.seed}: ${delivered} deliveries over ${values.processes} processes in ${(tookMs / 1000).toFixed(1)} s: ${posts} POST, ${orders} order, ${entries}`,
  )
  for (const [kind, ofKind] of Object.entries(ends)) {
    const counts = Object.entries(ofKind).sort(([, a], [, b]) => b - a)
    console.log(`  ${kind}: ${counts.map(([end, count]) => `${count} ${end}`).join(", ")}`)
  }
  const problems = problemsOf(storm)
  for (const problem of problems) console.log(`  VIOLATION: ${problem}`)
  if (problems.length > 0) process.exitCode = 1
}
