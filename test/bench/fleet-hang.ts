import { FleetCloud } from "./fleet/cloud.ts"
import { FleetPlace, FleetWorker } from "./fleet/place.ts"
import { supernodeId } from "./fleet/policy.ts"
import { atMost } from "./target.ts"

// The cloud never responds about one of 100 supernodes. Targets: the other 99 are done within 1.5 times the
// time of a tick in which none hangs, and the whole tick within 13 s.

const SUPERNODES = 100
const ROUNDS = 5

const cloud = await FleetCloud.start()
const place = await FleetPlace.make(cloud, { supernodes: SUPERNODES, fleetActions: null })
const worker = await FleetWorker.start(place)
await cloud.set({ load: 10, hanging: null, delayMs: 0 })
await worker.tick()
const [undisturbed, others, whole]: [number[], number[], number[]] = [[], [], []]
// Both kinds of tick take turns, so that a busy machine slows both.
for (let round = 0; round < ROUNDS; round++) {
  await cloud.set({ hanging: null })
  undisturbed.push((await worker.tick()).tookMs)
  await cloud.set({ hanging: supernodeId(SUPERNODES / 2) })
  const { doneMs, tookMs } = await worker.tick()
  others.push(doneMs[SUPERNODES - 2] ?? Number.NaN)
  whole.push(tookMs)
}
const [usualMs, othersMs] = [median(undisturbed), median(others)]
console.log(
  `one of ${SUPERNODES} supernodes hangs: the others are done in ${Math.round(othersMs)} ms, ${(othersMs / usualMs).toFixed(2)} times the ${Math.round(usualMs)} ms without (${atMost(othersMs / usualMs, 1.5)}); the whole tick takes ${(Math.max(...whole) / 1000).toFixed(1)} s (${atMost(Math.max(...whole) / 1000, 13)})`,
)
await worker.close()
await cloud.close()
place.remove()

function median(numbers: readonly number[]): number {
  return numbers.toSorted((a, b) => a - b)[numbers.length >> 1] ?? Number.NaN
}
