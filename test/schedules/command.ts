import { Cron } from "croner"
import { type Around, CLOSE, compareAt, type Difference, everyTransition, shapesAt } from "./oracle.ts"
import { DAY, HOUR, matcher, minutesShown, type Transition } from "./reference.ts"

// `npm run oracle:schedules`: every zone by itself, more than a day around each change of its clocks; then how a cron
// library does by the same rules.

const WIDE: Around = { beforeMs: 30 * HOUR, afterMs: 30 * HOUR }

const began = performance.now()
const { zones, all, distinct } = everyTransition(DAY)
console.log(
  `${zones} zones, ${all.length} changes of clocks from 2024 to 2037, ${distinct.length} in different histories (time zone data ${process.versions["tz"]})`,
)
let starts = 0
const differences: Difference[] = []
for (const transition of all) {
  const compared = compareAt(transition, WIDE)
  starts += compared.starts
  differences.push(...compared.differences)
}
for (const { zone, text, occurrence, says } of differences.slice(0, 50))
  console.log(`  ${zone}: "${text}" at ${occurrence} is ${says}`)
const counted = (says: Difference["says"]) => differences.filter((one) => one.says === says).length
console.log(
  `ours: ${all.length * 14} expressions at changes, ${starts} starts: ${counted("lost")} lost, ${counted("doubled")} doubled, ${counted("at another instant")} at another instant, ${counted("not expected")} not expected`,
)
if (differences.length > 0) process.exitCode = 1

const croner = { starts: 0, lost: 0, extra: 0, zones: new Set<string>() }
for (const transition of distinct) for (const text of shapesAt(transition)) countCroner(transition, text)
console.log(
  `croner, the ${distinct.length} alone: ${croner.starts} instants, ${croner.lost} lost (in ${[...croner.zones].join(", ") || "no zone"}), ${croner.extra} more than by our rules (it runs intervals in both passes of a repeated hour)`,
)
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`)

/** Instants only: of several starts at one instant, which a gap can cause, croner tells one. */
function countCroner({ zone, at }: Transition, text: string): void {
  const [from, to] = [at - CLOSE.beforeMs, at + CLOSE.afterMs]
  const matches = matcher(text)
  const shown = minutesShown(zone, { from, to, leadMs: 1.5 * HOUR })
  const expected = new Set(shown.filter(({ wall }) => matches(wall)).map((minute) => minute.at))
  const cron = new Cron(text, { timezone: zone, paused: true })
  const runs = new Set<number>()
  for (let next = cron.nextRun(new Date(from - 1)); next && next.getTime() < to; next = cron.nextRun(next))
    runs.add(next.getTime())
  const lost = [...expected].filter((instant) => !runs.has(instant))
  croner.starts += expected.size
  croner.lost += lost.length
  croner.extra += [...runs].filter((instant) => !expected.has(instant)).length
  if (lost.length > 0) croner.zones.add(zone)
}
