import { aggregate } from "../decision/evidence/evidence.ts"
import type { Reading } from "../decision/inputs/reading.ts"
import type { Supernode } from "../decision/inputs/supernode.ts"
import type { Policy, Rule } from "../decision/policy/policy.ts"
import type { Cloud } from "../ports.ts"
import { historyOf, type LoadHistory } from "./load-file.ts"
import { LoadSeries } from "./load-series.ts"

// Reads a load history from the meters that a policy names. Uses the metric reader of a run, but fetches many
// periods instead of only the newest few.

/** Periods per request. A long range is split, so that no response is too large. */
const PERIODS_AT_ONCE = 500

export interface MeterRange {
  policy: Policy
  /** The supernode as it is now. Its servers determine the series of the meters. */
  supernode: Supernode
  /** Epoch milliseconds. */
  from: number
  to: number
  /** Called after each part of the range. `all` is the number of rules; `done` may have a fraction. */
  onProgress?(done: number, all: number): void
}

export interface ReadHistory {
  /** `null` if no meter has any data in the range. */
  history: LoadHistory | null
  /** One sentence for each rule whose meter has no data or incomplete data. */
  problems: string[]
}

/** Reads the history of every rule that has a meter. Never throws: an unreadable part is a problem. */
export async function readMeters(
  { readMetrics }: Pick<Cloud, "readMetrics">,
  range: MeterRange,
): Promise<ReadHistory> {
  const series = new Map<string | null, LoadSeries>()
  const problems: string[] = []
  const rules = range.policy.rules.filter((rule) => periodOf(rule) !== null)
  for (const [nth, rule] of rules.entries()) {
    const onPart = (share: number) => range.onProgress?.(nth + share, rules.length)
    const { values, problem } = await readRule({ readMetrics }, range, { rule, onPart })
    if (values.length > 0) series.set(rule.name, values)
    if (problem !== null) problems.push(`rule ${rule.name}: ${problem}`)
  }
  return { history: series.size > 0 ? historyOf(series) : null, problems }
}

function periodOf({ metric }: Rule): number | null {
  return (metric["cloud-eye"] ?? metric.prometheus ?? metric.cloudwatch)?.period ?? null
}

interface Part {
  rule: Rule
  /** Called after each part, with the share (0 to 1) of the range that has been read. */
  onPart(share: number): void
}

async function readRule(
  { readMetrics }: Pick<Cloud, "readMetrics">,
  { policy, supernode, from, to }: MeterRange,
  { rule, onPart }: Part,
): Promise<{ values: LoadSeries; problem: string | null }> {
  const periodMs = periodOf(rule) ?? 1
  const [first, end] = [Math.ceil(from / periodMs) * periodMs, Math.floor(to / periodMs) * periodMs]
  const values = new LoadSeries()
  let problem: string | null = null
  for (let start = first; start < end; start += PERIODS_AT_ONCE * periodMs) {
    const count = Math.min(PERIODS_AT_ONCE, (end - start) / periodMs)
    // A run at this time would read the last period of this part as its newest one.
    const now = start + count * periodMs + rule.metric.lag
    const signal = { kind: "tick" as const, id: `history-${start}`, name: "history", at: now }
    const rules = [{ ...rule, points: { ...rule.points, n: count } }]
    const [reading] = await readMetrics({ policy: { ...policy, rules }, supernode, signal, now })
    if (reading) for (const { at, value } of overServers(reading, rule)) values.add(at, value)
    problem ??= reading?.problem ?? null
    onPart((start + count * periodMs - first) / (end - first))
  }
  return { values, problem }
}

/** One value per period, oldest first. Combines the values of the servers that reported, as the rule does. */
function overServers({ series }: Reading, { metric }: Rule): { at: number; value: number }[] {
  const ofSupernode = series.find(({ server }) => server === null)
  const byPeriod = new Map<number, number[]>()
  for (const { points } of ofSupernode ? [ofSupernode] : series)
    for (const { at, value } of points)
      if (Number.isFinite(value)) byPeriod.set(at, [...(byPeriod.get(at) ?? []), value])
  return [...byPeriod]
    .sort(([one], [other]) => one - other)
    .map(([at, values]) => ({ at, value: aggregate(values, metric.aggregate) }))
}
