import { parseArgs } from "node:util"
import { Random } from "../world/random.ts"
import { breakOf } from "./breaks.ts"
import { brokenBundle, bundle } from "./bundle.ts"
import { stormOf } from "./deliveries.ts"
import { runSoak, type Soak } from "./soak.ts"
import { STORES, type StoreName } from "./store-fixture.ts"
import { problemsOf, runStorm, type Storm } from "./storm.ts"

// npm run storm -- [--deliveries 10000] [--workers 4] [--lanes 8]       a flood of deliveries
// npm run soak  -- [--kills 500] [--workers 3] [--supernodes 12]        kill -9, freezes, and a cloud that fails
// both: [--seed 1] [--store sqlite|dynamodb|postgres] [--break NAME]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    deliveries: { type: "string", default: "10000" },
    kills: { type: "string", default: "500" },
    lanes: { type: "string", default: "8" },
    supernodes: { type: "string", default: "12" },
    workers: { type: "string" },
    seed: { type: "string", default: "1" },
    store: { type: "string" },
    break: { type: "string" },
  },
})
const broken = breakOf(values.break)
process.once("SIGINT", () => process.exit(130))
const made = await (broken ? brokenBundle("worker", broken) : bundle("worker"))
try {
  const [suite] = positionals
  if (suite === "storm") for (const store of storesAsked(["sqlite", "dynamodb"])) await storm(store)
  else if (suite === "soak") for (const store of storesAsked(["sqlite"])) await soak(store)
  else throw new RangeError(`${suite ?? "nothing"} is not a suite; choose storm or soak`)
} finally {
  made.remove()
}

function storesAsked(otherwise: readonly StoreName[]): readonly StoreName[] {
  // A broken bundle contains only the client of SQLite.
  const known: readonly StoreName[] = broken ? ["sqlite"] : STORES
  if (values.store === undefined) return broken ? known : otherwise
  const asked = known.filter((one) => one === values.store)
  if (asked.length === 0) throw new RangeError(`--store: one of ${known.join(", ")}`)
  return asked
}

async function storm(store: StoreName): Promise<void> {
  const random = new Random(Number(values.seed))
  const deliveries = stormOf(Number(values.deliveries), { random, now: Date.now() })
  const ended = await runStorm({
    bundle: made,
    store,
    deliveries,
    processes: Number(values.workers ?? 4),
    lanes: Number(values.lanes),
    provisioningMs: 5_000,
  })
  printStorm(store, ended)
  printViolations(problemsOf(ended))
}

async function soak(store: StoreName): Promise<void> {
  const ended = await runSoak({
    bundle: made,
    store,
    kills: Number(values.kills),
    seed: Number(values.seed),
    workers: Number(values.workers ?? 3),
    supernodes: Number(values.supernodes),
    untilViolated: broken !== null,
  })
  printSoak(store, ended)
  printViolations(ended.violations)
}

function printStorm(store: string, { delivered, posts, orders, chain, tookMs, ends }: Storm): void {
  const entries = chain.ok ? `${chain.entries} entries, the chain verifies` : "the chain is broken"
  console.log(
    `${store}, seed ${values.seed}: ${delivered} deliveries over several processes in ${(tookMs / 1000).toFixed(1)} s: ${posts} POST, ${orders} order, ${entries}`,
  )
  for (const [kind, ofKind] of Object.entries(ends)) {
    const counts = Object.entries(ofKind).sort(([, a], [, b]) => b - a)
    console.log(`  ${kind}: ${counts.map(([end, count]) => `${count} ${end}`).join(", ")}`)
  }
}

function printSoak(store: string, soak: Soak): void {
  const { kills, starts, freezes, posts, orders, attempts, settled, violations } = soak
  const outcomes = Object.entries(soak.outcomes).sort(([, a], [, b]) => b - a)
  console.log(`${store}, seed ${values.seed}, ${(soak.tookMs / 1000).toFixed(1)} s
  ${kills} kills, ${freezes} freezes, ${starts} starts of a worker, ${soak.pauses} pauses, ${soak.resets} resets
  ${attempts} attempts, ${posts} POSTs, ${orders} orders; ${soak.leftOpen} attempts left open and taken for unknown
  settled by a person: ${settled.accepted} accepted, ${settled.completed} completed, ${settled.absent} absent
  outcomes: ${outcomes.map(([name, count]) => `${count} ${name}`).join(", ")}
  ${soak.entries} entries, all chains ${violations.length === 0 ? "verify" : "read"}; the latest request was handed over ${Math.abs(soak.worstLatenessMs)} ms ${soak.worstLatenessMs > 0 ? "after" : "before"} its sendBefore
  ${violations.length} violations`)
}

function printViolations(violations: readonly string[]): void {
  for (const violation of violations) console.log(`VIOLATION ${violation}`)
  if (violations.length > 0) process.exitCode = 1
}
