import { FleetCloud } from "./fleet/cloud.ts"
import { FleetPlace, type FleetRan, FleetWorker } from "./fleet/place.ts"
import { atMost } from "./target.ts"

// A tick over a fleet that holds: one process, a policy whose supernodes share `defaults`, SQLite. The second
// tick counts, with all heads in the ledger and everything compiled. Targets: 1,000 supernodes within 256 MB
// resident; 10,000 under a heap of 512 MB; at most 64 sockets; CPU time grows with the number of supernodes
// to the power of at most 1.1.

const SIZES = [300, 1_000, 3_000, 10_000]

const sizes = process.argv.slice(2).map(Number)
const cloud = await FleetCloud.start()
const times = new Map<number, number>()
for (const supernodes of sizes.length > 0 ? sizes : SIZES) {
  const measured = await measure(supernodes).catch((error: unknown) => String(error).slice(-300))
  if (typeof measured === "string") {
    console.log(`${supernodes} supernodes: died: ${measured}`)
    process.exitCode = 1
    continue
  }
  times.set(supernodes, measured.second.cpuMs)
  console.log(sayTick(supernodes, measured))
}
const [smallest, largest] = [Math.min(...times.keys()), Math.max(...times.keys())]
const exponent =
  Math.log((times.get(largest) ?? 0) / (times.get(smallest) ?? 0)) / Math.log(largest / smallest)
console.log(
  `exponent of CPU time from ${smallest} to ${largest} supernodes: ${exponent.toFixed(2)} (${atMost(exponent, 1.1)})`,
)
await cloud.close()

interface Measured {
  first: FleetRan
  second: FleetRan
  sockets: number
}

/**
 * Above 1,000 supernodes the heap is limited to 512 MB. Without a limit a process may take all memory of the
 * machine.
 */
async function measure(supernodes: number): Promise<Measured> {
  const place = await FleetPlace.make(cloud, { supernodes, fleetActions: null })
  const heap = supernodes > 1_000 ? "--max-old-space-size=512" : ""
  const ticker = await FleetWorker.start(place, `${heap} ${process.env["BENCH_NODE_OPTIONS"] ?? ""}`)
  try {
    await cloud.set({ load: 10, hanging: null, delayMs: 0 })
    const first = await ticker.tick()
    const second = await ticker.tick()
    const { mostSockets: sockets } = await cloud.seen()
    return { first, second, sockets }
  } finally {
    await ticker.close()
    place.remove()
  }
}

function sayTick(supernodes: number, { first, second, sockets }: Measured): string {
  const ms = (second.cpuMs / supernodes).toFixed(2)
  const warnings = second.warnings.length > 0 ? `; ${second.warnings.join("; ")}` : ""
  return `${supernodes} supernodes: ${Math.round(first.tookMs)} ms, then ${Math.round(second.tookMs)} ms (${ms} ms of CPU each); ${Math.round(second.residentMb)} MB resident${supernodes === 1_000 ? ` (${atMost(second.residentMb, 256)})` : ""}, ${sockets} sockets (${atMost(sockets, 64)}), ${JSON.stringify(second.ends)}${warnings}`
}
