import { paintOf } from "../../../functions/cli/print/paint.ts"
import { tableOf } from "../../../functions/cli/print/table.ts"
import { HOUR, MINUTE, SECOND } from "../../decision/builders.ts"
import type { Bout } from "./duel.ts"
import { LISTED_AT_ONCE_MS, LISTED_LATE_MS, LISTED_SLOWLY_MS, playAll, REFERENCES, sumsOf } from "./field.ts"
import { ours, oursAuto } from "./patterns/ours.ts"
import { SCRIPTS } from "./scripts.ts"

// `npm run bench:duel` plays the same failures for the reference patterns and for ours, and prints what each
// bought.

const paint = paintOf(process.stdout.isTTY && !process.env["NO_COLOR"])
const PATTERNS = [...REFERENCES, ours]
const HEADS = [
  "naive\nretry",
  "idempotency\nby event",
  "idempotency\nby order",
  "effect,\nthen record",
  "lock with\na TTL",
  "ours",
]
const DELAYS_MS = [LISTED_AT_ONCE_MS, 30 * SECOND, LISTED_SLOWLY_MS, LISTED_LATE_MS]

/** Bouts by delay, then by pattern, then by script. */
type Results = ReadonlyMap<number, Bout[][]>

async function play(): Promise<Results> {
  const results = new Map<number, Bout[][]>()
  for (const delayMs of DELAYS_MS) {
    const bouts: Bout[][] = []
    for (const pattern of PATTERNS) bouts.push(await playAll(pattern, delayMs))
    results.set(delayMs, bouts)
  }
  return results
}

function print(what: string, rows: string[][]): void {
  const head = [what, ...HEADS].map((cell) => cell.split("\n"))
  console.log(["", ...tableOf(rows, { head })].join("\n"))
}

function boutsAt(results: Results, delayMs: number): Bout[][] {
  return results.get(delayMs) ?? []
}

function printCauses(results: Results): void {
  const [atOnce, slowly] = [boutsAt(results, LISTED_AT_ONCE_MS), boutsAt(results, LISTED_SLOWLY_MS)]
  print(
    "purchases for the one that is due",
    SCRIPTS.map(({ cause }, i) => [
      cause,
      ...PATTERNS.map((_, p) => sayCell(atOnce[p]?.[i], slowly[p]?.[i])),
    ]),
  )
}

function sayCell(atOnce?: Bout, slowly?: Bout): string {
  if (!atOnce || !slowly) return ""
  const counts = [...new Set([atOnce.purchases, slowly.purchases])]
  const text = counts.join(" → ")
  if (counts.some((count) => count !== 1)) return paint.red(`${text} ✗`)
  return atOnce.askedPeople > 0 ? `${text} †` : text
}

function printSums(results: Results): void {
  print(
    `all ${SCRIPTS.length} causes`,
    [...results].map(([delayMs, bouts]) => [
      `extra / missing, new servers listed ${sayDelay(delayMs)}`,
      ...bouts.map(saySums),
    ]),
  )
}

/** A pattern that buys twice without any failure is unfit for such a cloud, so its faults are not counted. */
function saySums(bouts: Bout[]): string {
  if (bouts[0]?.purchases !== 1) return paint.dim("unfit *")
  const { extra, missing } = sumsOf(bouts)
  const text = `${extra} / ${missing}`
  return extra + missing > 0 ? paint.red(text) : text
}

function sayDelay(ms: number): string {
  if (ms === 0) return "at once"
  return ms < MINUTE * 2 ? `${ms / SECOND} s after the order` : `${ms / MINUTE} min after the order`
}

async function printLegend(results: Results): Promise<void> {
  const bouts = boutsAt(results, LISTED_AT_ONCE_MS).at(-1) ?? []
  const auto = await playAll(oursAuto, LISTED_AT_ONCE_MS)
  const asked = (played: Bout[]) => played.filter(({ askedPeople }) => askedPeople > 0)
  const waited = asked(bouts).filter(({ firstAfterMs }) => (firstAfterMs ?? Infinity) >= HOUR)
  console.log(`
✗ not the one purchase that is due. a → b: a if new servers are listed as soon as the order is accepted, b if they are
  listed ${LISTED_SLOWLY_MS / SECOND} s later; the documents say neither. Every reference looks at that list before it buys. The references
  are small implementations of what is documented and done (test/bench/duel/patterns), not the packages themselves.
* buys again at the next cron tick even where nothing goes wrong.
† ours held until a person said what the console shows: ${asked(bouts).length} of ${SCRIPTS.length} causes; with \`unknown_outcome: auto\`, which takes
  new servers for an answer, ${asked(auto).length}. In ${waited.length} of them nothing had been bought, and the purchase waited for the person's word.
  An operator who settles as \`absent\` an order that is still on its way makes ours buy twice, too; it then holds and says so (\`wrong\`).
All patterns get the same deliveries, the cron tick every five minutes and the platform's two redeliveries of what failed.
It is unknown whether the real cloud refuses a second order while the first is being provisioned: here it takes all.`)
}

const results = await play()
printCauses(results)
printSums(results)
await printLegend(results)
