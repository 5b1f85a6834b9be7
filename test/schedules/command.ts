import { Cron } from "croner"
import {
  type Around,
  CLOSE,
  compareAt,
  type Difference,
  everyTransition,
  FIXED_TIME,
  LEAD_MS,
  shapesAt,
} from "./oracle.ts"
import { DAY, HOUR, matcher, minutesShown, type Transition } from "./reference.ts"

// `npm run oracle:schedules` compares every zone separately, for more than a day around each change of its
// clocks. Then it compares a cron library by the same rules.

const WIDE: Around = { beforeMs: 30 * HOUR, afterMs: 30 * HOUR }

const began = performance.now()
const { zones, all, distinct } = everyTransition(DAY)
console.log(
  `${zones} zones, ${all.length} changes of clocks from 2024 to 2037, ${distinct.length} in different histories (time zone data ${process.versions["tz"]})`,
)
let [starts, expressions] = [0, 0]
const differences: Difference[] = []
for (const transition of all) {
  const compared = compareAt(transition, WIDE)
  starts += compared.starts
  expressions += shapesAt(transition).length
  differences.push(...compared.differences)
}
for (const { zone, text, occurrence, says } of differences.slice(0, 50))
  console.log(`  ${zone}: "${text}" at ${occurrence} is ${says}`)
const counted = (says: Difference["says"]) => differences.filter((one) => one.says === says).length
console.log(
  `ours: ${expressions} expressions at changes, ${starts} starts: ${counted("lost")} lost, ${counted("doubled")} doubled, ${counted("at another instant")} at another instant, ${counted("not expected")} not expected`,
)
if (differences.length > 0) process.exitCode = 1

const fixed = { starts: 0, lost: 0, extra: 0 }
const every = { starts: 0, lost: 0, extra: 0 }
for (const transition of distinct) {
  const shapes = shapesAt(transition)
  for (const text of shapes) {
    const found = byCroner(transition, text)
    for (const sum of text === shapes[FIXED_TIME] ? [every, fixed] : [every]) {
      sum.starts += found.starts
      sum.lost += found.lost
      sum.extra += found.extra
    }
  }
}
const said = ({ starts: of, lost, extra }: typeof every) => `${of} instants, ${lost} lost, ${extra} too many`
console.log(`croner at the ${distinct.length} by our rules, one time of day: ${said(fixed)}`)
console.log(
  `croner, all expressions: ${said(every)} (it runs intervals in both passes of a repeated hour, and not for what a gap leaves out)`,
)
console.log(`${((performance.now() - began) / 1000).toFixed(0)} s`)

/** Compares instants only: a gap can cause several starts at one instant, and croner reports one of them. */
function byCroner({ zone, at }: Transition, text: string): { starts: number; lost: number; extra: number } {
  const [from, to] = [at - CLOSE.beforeMs, at + CLOSE.afterMs]
  const matches = matcher(text)
  const shown = minutesShown(zone, { from, to, leadMs: LEAD_MS })
  const expected = new Set(shown.filter(({ wall }) => matches(wall)).map((minute) => minute.at))
  const cron = new Cron(text, { timezone: zone, paused: true })
  const runs = new Set<number>()
  for (let next = cron.nextRun(new Date(from - 1)); next && next.getTime() < to; next = cron.nextRun(next))
    runs.add(next.getTime())
  const lost = [...expected].filter((instant) => !runs.has(instant)).length
  const extra = [...runs].filter((instant) => !expected.has(instant)).length
  return { starts: expected.size, lost, extra }
}
