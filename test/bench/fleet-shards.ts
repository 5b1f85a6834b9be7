import { PostgresServer, SERVER_PROGRAMS } from "../ledger/postgres/server.ts"
import { FleetCloud } from "./fleet/cloud.ts"
import { FleetPlace, type FleetRan, FleetWorker } from "./fleet/place.ts"
import { exactly } from "./target.ts"

// The same fleet ticks in one process, and in four processes with one shard each, over one PostgreSQL. The
// cloud responds late, so that a tick mostly waits, as in a real region. Figures: the time until the last
// shard is done, and the number of ticks in which each supernode ran once. Then all supernodes want to buy
// while a tick for all and the four shards run for the same minute, as during a change of the number of
// schedules. Target: exactly one purchase for each supernode.

const SUPERNODES = Number(process.env["BENCH_SUPERNODES"] ?? 400)
const SHARDS = 4
const ROUNDS = 3
/** Delay of each response. With 32 reads at a time, one process waits more than 9 ms for each supernode. */
const CLOUD_MS = Number(process.env["BENCH_CLOUD_MS"] ?? 300)
const MINUTE_MS = 60_000

if (SERVER_PROGRAMS === null)
  console.log("shards over one PostgreSQL: not measured, no PostgreSQL is installed in /usr/lib/postgresql")
else await measureShards()

interface Buyers {
  workers: readonly FleetWorker[]
  /** Worker that ticks for all supernodes. */
  whole: FleetWorker
}

interface Ticked {
  tookMs: number
  runs: FleetRan[]
}

async function measureShards(): Promise<void> {
  const server = new PostgresServer()
  server.init()
  await server.start()
  const cloud = await FleetCloud.start()
  const ledger = server.urlOf(await server.newDatabase())
  const place = await FleetPlace.make(cloud, { supernodes: SUPERNODES, fleetActions: null }, ledger)
  const workers = await Promise.all(Array.from({ length: SHARDS }, () => FleetWorker.start(place)))
  const whole = await FleetWorker.start(place)
  try {
    await compareTimes(cloud, workers)
    await buyOnce(cloud, { workers, whole })
  } finally {
    await Promise.all([whole, ...workers].map((worker) => worker.close()))
    await cloud.close()
    await server.stop()
    place.remove()
  }
}

/**
 * One shard and all shards take turns, so that a busy machine slows both. Everything is compiled and in the
 * ledger.
 */
async function compareTimes(cloud: FleetCloud, workers: readonly FleetWorker[]): Promise<void> {
  await cloud.set({ load: 10, hanging: null, delayMs: 0, forget: true })
  let minute = Math.floor(Date.now() / MINUTE_MS) - 2 * ROUNDS - 4
  const next = () => minute++ * MINUTE_MS
  // After this tick each process has compiled everything and opened its connections.
  for (const worker of workers) await tickIn([worker], next())
  await cloud.set({ delayMs: CLOUD_MS })
  const [alone, sharded]: [Ticked[], Ticked[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    alone.push(await tickIn(workers.slice(0, 1), next()))
    sharded.push(await tickIn(workers, next()))
  }
  const [aloneMs, shardedMs] = [median(alone.map(tookMs)), median(sharded.map(tookMs))]
  const notOnce = [...alone, ...sharded].filter(({ runs }) => !isEachOnce(runs)).length
  console.log(
    `${SUPERNODES} supernodes over PostgreSQL, a cloud that answers after ${CLOUD_MS} ms: ${Math.round(aloneMs)} ms in 1 shard, ${Math.round(shardedMs)} ms in ${SHARDS}: ${(aloneMs / shardedMs).toFixed(1)} times as fast; CPU ${Math.round(median(alone.map(cpuMs)))} and ${Math.round(median(sharded.map(cpuMs)))} ms in all; each supernode ran once in ${2 * ROUNDS - notOnce} ticks (${exactly(2 * ROUNDS - notOnce, 2 * ROUNDS)})`,
  )
}

/**
 * Runs a tick for all and each shard for the same minute at the same time, while every supernode wants to
 * buy.
 */
async function buyOnce(cloud: FleetCloud, { workers, whole }: Buyers): Promise<void> {
  const { purchases: before } = await cloud.set({ load: 97, delayMs: 20 })
  const at = (Math.floor(Date.now() / MINUTE_MS) - 1) * MINUTE_MS
  const runs = await Promise.all([
    ...workers.map((worker, nth) => worker.tickAt(at, `${nth + 1}/${workers.length}`)),
    whole.tickAt(at),
  ])
  const { purchases, mostOrdersOfOne } = await cloud.seen()
  const ends: Record<string, number> = {}
  for (const run of runs)
    for (const [end, count] of Object.entries(run.ends)) ends[end] = (ends[end] ?? 0) + count
  console.log(
    `${SUPERNODES} supernodes want to buy while a tick for all and ${workers.length} shards run for the same minute: ${purchases - before} orders at the cloud, at most ${mostOrdersOfOne} for one supernode (${exactly(mostOrdersOfOne, 1)}); results, of which a duplicate repeats the first: ${JSON.stringify(ends)}`,
  )
}

/** Runs all shards of one tick at the same time, each in its own process. */
async function tickIn(workers: readonly FleetWorker[], at: number): Promise<Ticked> {
  const startedAt = performance.now()
  const runs = await Promise.all(
    workers.map((worker, nth) => worker.tickAt(at, `${nth + 1}/${workers.length}`)),
  )
  return { tookMs: performance.now() - startedAt, runs }
}

function isEachOnce(runs: readonly FleetRan[]): boolean {
  const names = runs.flatMap(({ supernodes }) => supernodes)
  return names.length === SUPERNODES && new Set(names).size === SUPERNODES
}

function tookMs(ticked: Ticked): number {
  return ticked.tookMs
}

function cpuMs({ runs }: Ticked): number {
  return runs.reduce((sum, run) => sum + run.cpuMs, 0)
}

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}
