import { describe, expect, it } from "vitest"
import { weighEvidence } from "../../../lib/decision/evidence/evidence.ts"
import { newestPeriods } from "../../../lib/decision/inputs/reading.ts"
import type { Rule } from "../../../lib/decision/policy/policy.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import { MINUTE, NOW, policyOf, type RuleInput, ruleInput, situationOf } from "../builders.ts"
import { decisionOf } from "../judge.ts"

// Compares every history with a reference that follows the specification: a missing point may have had any
// value, so the reference tries all values.

type PeriodKind = "breaching" | "ok" | "missing"
type Mode = Rule["missing"]
type Verdict = "breaching" | "not-breaching" | "missing-data"

const LONGEST = 8
const MODES: Mode[] = ["hold", "breaching", "not-breaching"]
const SERVER = "s1"
const PERIOD = 5 * MINUTE

/** Possible numbers of breaching periods, if missing periods may have any value that the mode allows. */
function worlds(history: readonly PeriodKind[], mode: Mode): Set<number> {
  let counts = new Set([0])
  for (const kind of history) {
    const may =
      kind !== "missing" ? [kind === "breaching"] : mode === "hold" ? [true, false] : [mode === "breaching"]
    counts = new Set([...counts].flatMap((count) => may.map((breaches) => count + (breaches ? 1 : 0))))
  }
  return counts
}

/** The verdict: breaching if every possible number reaches M, and missing data if only some do. */
function reference(counts: ReadonlySet<number>, m: number): Verdict {
  const breaching = [...counts].filter((count) => count >= m).length
  if (breaching === counts.size) return "breaching"
  return breaching === 0 ? "not-breaching" : "missing-data"
}

/** Every string over the three kinds. */
function* histories(length: number): Generator<PeriodKind[]> {
  if (length === 0) {
    yield []
    return
  }
  for (const rest of histories(length - 1))
    for (const kind of ["breaching", "ok", "missing"] as const) yield [kind, ...rest]
}

const COMPARISONS: { rule: Partial<RuleInput>; breaching: number; ok: number }[] = [
  { rule: { above: 85 }, breaching: 85.000001, ok: 85 },
  { rule: { above: undefined, at_least: 85 }, breaching: 85, ok: 84.999999 },
  { rule: { above: undefined, below: 10 }, breaching: 9.999999, ok: 10 },
  { rule: { above: undefined, at_most: 10 }, breaching: 10, ok: 10.000001 },
  { rule: { above: undefined, steps: [{ from: 85, up: 1 }] }, breaching: 85, ok: 84.999999 },
  { rule: { above: undefined, steps: [{ to: 10, up: 1 }] }, breaching: 9.999999, ok: 10 },
]

/** The verdict of the evidence on a history, newest first, as one server reports it. */
function verdicts({ rule: over, breaching, ok }: (typeof COMPARISONS)[number]) {
  const { above, ...bare } = ruleInput(over)
  const policy = policyOf({ rules: [above === undefined ? bare : { ...bare, above }] })
  const [rule] = policy.rules
  const situation = situationOf({ policy })
  const [server] = situation.supernode.state === "read" ? (situation.supernode.value.servers ?? []) : []
  if (!rule || !server) throw new Error("the situation has a rule and a server")
  const starts = newestPeriods({ now: NOW, periodMs: PERIOD, lagMs: MINUTE, count: LONGEST })
  return (history: readonly PeriodKind[], m: number, mode: Mode): string => {
    const points = history.flatMap((kind, i) => {
      const at = starts[i]
      return kind === "missing" || at === undefined
        ? []
        : [{ at, value: kind === "breaching" ? breaching : ok }]
    })
    const asked: Situation = {
      ...situation,
      policy: { ...policy, rules: [{ ...rule, points: { m, n: history.length }, missing: mode }] },
    }
    const reading = { rule: rule.name, periodMs: PERIOD, series: [{ server: SERVER, points }], problem: null }
    return weighEvidence(asked, [reading], [server])[0]?.verdict ?? "nothing"
  }
}

function* cases(upTo: number) {
  for (let n = 1; n <= upTo; n++)
    for (const history of histories(n))
      for (const mode of MODES) {
        const counts = worlds(history, mode)
        for (let m = 1; m <= n; m++) yield { history, m, mode, verdict: reference(counts, m) }
      }
}

function sayCase(history: readonly PeriodKind[], m: number, mode: Mode): string {
  return `${m} of ${history.length}, ${mode}: ${history.join(" ")}`
}

describe("M of N", () => {
  it("M of N matches its specification for every history up to eight periods, every M and every mode", () => {
    const verdictOf = verdicts(COMPARISONS[0] as (typeof COMPARISONS)[number])
    let count = 0
    for (const { history, m, mode, verdict } of cases(LONGEST)) {
      count += 1
      const got = verdictOf(history, m, mode)
      // One assertion per history would take longer than the comparison itself.
      if (got !== verdict) expect(got, sayCase(history, m, mode)).toBe(verdict)
    }
    expect(count).toBe(221_436)
  })

  it.each(COMPARISONS)(
    "M of N gives the specified verdicts on both sides of a threshold: $breaching breaches, $ok does not, by $rule",
    (comparison) => {
      const verdictOf = verdicts(comparison)
      for (const { history, m, mode, verdict } of cases(4))
        expect(verdictOf(history, m, mode), sayCase(history, m, mode)).toBe(verdict)
    },
  )

  it("a decision by all gates follows M of N for every history of three periods", () => {
    const starts = newestPeriods({ now: NOW, periodMs: PERIOD, lagMs: MINUTE, count: 3 })
    for (const { history, m, mode, verdict } of cases(3)) {
      if (history.length !== 3) continue
      const points = history.flatMap((kind, i) => {
        const at = starts[i] ?? 0
        return kind === "missing" ? [] : [{ at, value: kind === "breaching" ? 97 : 40 }]
      })
      const series = ["s1", "s2"].map((server) => ({ server, points }))
      const decision = decisionOf({
        policy: policyOf({ rules: [ruleInput({ points: `${m} of 3`, missing: mode })] }),
        readings: { state: "read", value: [{ rule: "npu-busy", periodMs: PERIOD, series, problem: null }] },
      })
      expect(decision.heldBy).toBe(verdict === "breaching" ? null : verdict)
    }
  })
})

// The two tables of "Configuring how CloudWatch alarms treat missing data". Oldest point first: 0 is within
// the threshold, X breaches, - is missing. CloudWatch reaches back for as many real points as it evaluates.
// We never do, because an old point must not buy a rack. `missing` there is `hold` here. `ignore` has no
// counterpart, because a decision has no state to keep.
//
//   points       M  CloudWatch: missing, breaching, notBreaching    ours: hold, breaching, not-breaching
const TABLES: [string, number, string, string][] = [
  ["0 - X - X", 3, "OK                OK    OK   ", "missing-data  breaching     not-breaching"],
  ["0 - - - -", 3, "OK                OK    OK   ", "missing-data  breaching     not-breaching"],
  ["- - - - -", 3, "INSUFFICIENT_DATA ALARM OK   ", "missing-data  breaching     not-breaching"],
  ["0 X X - X", 3, "ALARM             ALARM ALARM", "missing-data  breaching     not-breaching"],
  ["- - X - -", 3, "ALARM             ALARM OK   ", "missing-data  breaching     not-breaching"],
  ["0 - X - X", 2, "ALARM             ALARM ALARM", "breaching     breaching     breaching    "],
  ["0 0 X 0 X", 2, "ALARM             ALARM ALARM", "breaching     breaching     breaching    "],
  ["0 - X - -", 2, "OK                ALARM OK   ", "missing-data  breaching     not-breaching"],
  ["- - - - 0", 2, "OK                ALARM OK   ", "missing-data  breaching     not-breaching"],
  ["- - - - X", 2, "ALARM             ALARM OK   ", "missing-data  breaching     not-breaching"],
]

/** Intended differences, by row and mode, with the reason. */
const DIFFERENCES: Record<string, string> = {
  "0 - X - X, 3, hold":
    "the newest three are X - X: the gap may have been quiet, and the older 0 is no answer",
  "0 - X - X, 3, breaching": "the operator said that a gap breaches; an older 0 does not take that back",
  "0 - - - -, 3, hold": "no server reported in the newest three periods: that is not OK",
  "0 - - - -, 3, breaching": "the operator said that silence breaches, and all three are silent",
  "0 X X - X, 3, hold": "CloudWatch takes the older X for the gap",
  "0 X X - X, 3, not-breaching": "CloudWatch takes the older X for the gap",
  "- - X - -, 3, hold": "one point is not three: CloudWatch alarms on fewer than M",
  "0 - X - -, 2, hold": "the two gaps may both have breached: no OK either",
  "- - - - 0, 2, hold": "the two gaps may both have breached: no OK either",
  "- - - - X, 2, hold": "one point is not two: CloudWatch alarms on fewer than M",
}

const MEANS: Record<string, string> = {
  ALARM: "breaching",
  OK: "not-breaching",
  INSUFFICIENT_DATA: "missing-data",
}

describe("CloudWatch's tables of missing data", () => {
  const verdictOf = verdicts(COMPARISONS[0] as (typeof COMPARISONS)[number])
  it.each(TABLES)(
    "for points %s and a rule of %i of 3, CloudWatch gives %s, and the autoscaler gives %s",
    (points, m, theirs, ours) => {
      const newestFirst = points.split(" ").reverse().slice(0, 3)
      const history = newestFirst.map(
        (mark): PeriodKind => (mark === "X" ? "breaching" : mark === "0" ? "ok" : "missing"),
      )
      const said = MODES.map((mode) => verdictOf(history, m, mode))
      expect(said).toEqual(ours.trim().split(/\s+/))
      const meant = theirs
        .trim()
        .split(/\s+/)
        .map((kind) => MEANS[kind])
      const differs = MODES.filter((_, i) => said[i] !== meant[i]).map((mode) => `${points}, ${m}, ${mode}`)
      const marked = Object.keys(DIFFERENCES).filter((row) => row.startsWith(`${points}, ${m}, `))
      expect(differs).toEqual(marked)
    },
  )
})
