import { FleetCloud } from "./fleet/cloud.ts"
import { FleetPlace, FleetWorker } from "./fleet/place.ts"
import { atMost, exactly } from "./target.ts"

// 200 supernodes of one process want to buy at once under `fleet` caps. Targets: all purchases that the caps
// allow are accepted; at most 6 reads of heads for each buyer (one read of many streams counts as one); no
// pause of the event loop above 200 ms.

const SUPERNODES = 200

const cloud = await FleetCloud.start()
for (const allowed of process.env["ONE"] ? [SUPERNODES] : [SUPERNODES, SUPERNODES / 2]) {
  const place = await FleetPlace.make(cloud, {
    supernodes: SUPERNODES,
    fleetActions: allowed,
    alertname: "busy",
  })
  const worker = await FleetWorker.start(place, process.env["BENCH_NODE_OPTIONS"] ?? "")
  await cloud.set({ load: 10, hanging: null, delayMs: 0, forget: true })
  // After this tick everything is compiled, and every chain has entries.
  await worker.tick()
  const { purchases: before } = await cloud.set({ load: 97 })
  const { ends, headReads, longestPauseMs, tookMs } = await worker.alarms("busy", SUPERNODES)
  const { purchases } = await cloud.seen()
  console.log(
    `${SUPERNODES} buyers at once, ${allowed} allowed: ${JSON.stringify(ends)}, ${purchases - before} orders at the cloud (${exactly(purchases - before, allowed)}), ${(headReads / SUPERNODES).toFixed(1)} head reads for each (${atMost(headReads / SUPERNODES, 6)}), longest pause ${Math.round(longestPauseMs)} ms (${atMost(longestPauseMs, 200)}), ${Math.round(tookMs)} ms`,
  )
  await worker.close()
  place.remove()
}
await cloud.close()
