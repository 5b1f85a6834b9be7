import { type Point, type RuleEvidence, warmSince, weighEvidence } from "../evidence.ts"
import { own } from "../own.ts"
import type { Rule } from "../policy.ts"
import type { Reading } from "../reading.ts"
import type { Situation } from "../situation.ts"
import { presentServers, type Server } from "../supernode.ts"
import { isOnClearSide } from "../threshold.ts"
import { counted, type Nearest, together, wait } from "./change.ts"
import { keysAccepted, readable } from "./cloud.ts"
import { breachingLevel, clearLevel, sayLevel } from "./levels.ts"
import type { Question } from "./question.ts"
import { resetBy } from "./standing.ts"

// Any one rule that proposes something is enough: of all rules the one that needs the fewest periods, and of those that
// need as many the first in the policy. What takes a wait for warm-up or a person's word comes after what does not.

interface Way {
  nearest: Nearest | null
  /** Periods, with a surcharge for what a period cannot bring. */
  dear: number
}

const WARM_UP = 1_000
const WORD = 10_000

export function moreEvidence({ situation }: Question): Nearest | null {
  const { readings, supernode, policy } = situation
  if (readings.state === "unreadable")
    return together([
      supernode.state === "read" ? null : readable("supernode"),
      readings.credentials ? keysAccepted("metrics") : readable("metrics"),
    ])
  // Not evaluated then, so that nothing failed.
  if (readings.state !== "read" || supernode.state !== "read") return null
  const servers = presentServers(supernode.value)
  // All servers are gone: no metric of theirs can say anything, whatever anybody does.
  if (servers.length === 0 && supernode.value.servers !== null) return null
  const evidence = weighEvidence(situation, readings.value, servers)
  const ways = policy.rules.flatMap((rule, index) => {
    const found = evidence.find((one) => one.rule === rule.name)
    const reading = readings.value.find((one) => one.rule === rule.name)
    return found ? [wayOf({ situation, rule, index, reading, found, servers })] : []
  })
  const [best] = ways.sort((a, b) => a.dear - b.dear)
  return best?.nearest ?? null
}

interface RuleFacts {
  situation: Situation
  rule: Rule
  index: number
  reading: Reading | undefined
  found: RuleEvidence
  servers: Server[]
}

function wayOf(facts: RuleFacts): Way {
  const { situation, rule } = facts
  const isOff = own(situation.standing.rulesOff, rule.name) === situation.policyHash
  const isLatched = !rule.repeat && own(situation.standing.latches, rule.name) !== undefined
  const { nearest, dear } = isLatched ? unlatched(facts) : breaching(facts)
  // What is held to breach because nobody speaks needs nobody to speak.
  const started = nearest && isSilenced(facts) ? reportingAgain(situation) : null
  const way = { nearest: together([started, nearest]), dear: started ? dear + WORD : dear }
  if (!isOff) return way
  const reset = { ...resetBy(situation), says: `${resetBy(situation).says}, or another policy` }
  return { nearest: together([reset, way.nearest]), dear: way.dear + WORD }
}

function reportingAgain({ supernode }: Situation): Nearest {
  return supernode.state === "read" && supernode.value.servers === null
    ? readable("supernode")
    : { says: "a server must be RUNNING", change: { kind: "cloud", what: "server-running" } }
}

/** More points on the bad side, among periods that can have one. */
function breaching(facts: RuleFacts): Way {
  const { situation, rule, found } = facts
  const assumed = countsSilence(facts) ? found.missing : 0
  const needed = rule.points.m - found.breaching - assumed
  if (needed <= 0) return { nearest: null, dear: 0 }
  if (needed <= roomFor(facts)) return { nearest: points(facts, needed), dear: needed }
  const warmAt = warmPeriodsAt(facts)
  const start = warmAt > situation.now ? wait("enough periods have begun after the warm-up at", warmAt) : null
  return { nearest: together([start, points(facts, rule.points.m)]), dear: WARM_UP + rule.points.m }
}

/** Is what is missing held to breach already? Then a point there adds nothing. */
function countsSilence({ rule, reading }: RuleFacts): boolean {
  const isSilent = reading !== undefined && !rule.metric.alarm && !reading.unasked && !reading.credentials
  return rule.missing === "breaching" && isSilent
}

function points({ rule, found }: RuleFacts, count: number): Nearest {
  const level = breachingLevel(rule)
  const missing = found.missing > 0 ? ` (${found.missing} of ${rule.points.n} are missing)` : ""
  return {
    says: `needs ${count} more point${count === 1 ? "" : "s"}${sayLevel(level)} for ${rule.name}${missing}`,
    change: { kind: "points", rule: rule.name, count, level },
  }
}

/** How many of the N newest periods do not breach and yet could: their servers are warm, so that somebody can report. */
function roomFor(facts: RuleFacts): number {
  const { situation, rule, reading, found } = facts
  const isOpen = ({ state, expected }: Point) =>
    state === "real" || (state === "missing" && expected > 0 && !countsSilence(facts))
  if (!rule.metric.alarm) return found.points.filter(isOpen).length - found.breaching
  // An alarm brings its own points: what it does not tell of yet it may tell of next time.
  const warmMs = situation.now - warmOf(situation)
  const fitting = Math.floor(warmMs / Math.max(1, reading?.periodMs ?? 0)) + 1
  return Math.min(rule.points.n, fitting) - found.breaching
}

function warmOf({ standing, policy }: Situation): number {
  return standing.completedAt === null ? -Infinity : standing.completedAt + policy.warmupMs
}

/** One series, or one alarm, speaks for all servers: then it matters to no point which of them run. */
function isForAll({ rule, reading }: RuleFacts): boolean {
  return Boolean(rule.metric.alarm || reading?.series.some(({ server }) => server === null))
}

/** Nobody reports but servers that run. */
function isSilenced(facts: RuleFacts): boolean {
  return !isForAll(facts) && facts.servers.every(({ status }) => status !== "RUNNING")
}

/** When M periods that began warm have ended and are old enough to be looked at. */
function warmPeriodsAt(facts: RuleFacts): number {
  const { situation, rule, reading, servers } = facts
  const { standing, policy } = situation
  const reporting = isSilenced(facts) ? servers : servers.filter(({ status }) => status === "RUNNING")
  const since = isForAll(facts) ? [] : reporting.map((server) => warmSince(server, standing, policy))
  const warm = Math.max(warmOf(situation), since.length > 0 ? Math.min(...since) : -Infinity)
  if (!Number.isFinite(warm)) return -Infinity
  const { m } = rule.points
  const periodMs = reading?.periodMs ?? 0
  if (periodMs === 0) return warm + m - 1
  if (rule.metric.alarm) return warm + (m - 1) * periodMs
  return (Math.ceil(warm / periodMs) + m) * periodMs + rule.metric.lag
}

/** First clear, then breaching again. A decision that has seen it clear lifts the latch for the signals after it. */
function unlatched(facts: RuleFacts): Way {
  const { situation, rule, index, found } = facts
  const { m } = rule.points
  const again = breaching(facts)
  if (found.cleared) {
    const next: Nearest = {
      says: `the next signal: ${rule.name} was seen clear`,
      change: { kind: "signal", what: "next" },
    }
    return { nearest: together([next, again.nearest]), dear: again.dear + 1 }
  }
  const level = clearLevel(rule)
  if (level === null) {
    const path = `rules.${index}.repeat`
    const nearest: Nearest = {
      says: `${path} would have to be true: no value of ${rule.name} is clear`,
      change: { kind: "policy", path, value: true },
    }
    return { nearest: together([nearest, again.nearest]), dear: WORD }
  }
  const latchedAt = own(situation.standing.latches, rule.name) ?? 0
  const clear = found.points.filter(
    ({ at, state, value }) =>
      state === "real" && value !== null && at >= latchedAt && isOnClearSide(rule, value),
  ).length
  const count = m - clear
  const nearest: Nearest = {
    says: `needs ${count} more point${count === 1 ? "" : "s"}${sayLevel(level)}, and then again ${counted(m, "point")}${sayLevel(breachingLevel(rule))}, for ${rule.name}`,
    change: {
      kind: "all",
      changes: [
        { kind: "clear", rule: rule.name, count, level },
        { kind: "points", rule: rule.name, count: m, level: breachingLevel(rule) },
      ],
    },
  }
  return { nearest, dear: count + m }
}
