import { type RuleEvidence, weighEvidence } from "../evidence/evidence.ts"
import { presentServers } from "../inputs/supernode.ts"
import { isCooling } from "../pacing/cooldown.ts"
import { counted } from "../policy/amounts.ts"
import type { Policy } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"
import { type FloorEvidence, sayFloor } from "./floors.ts"
import { highestProposal, type TopProposal as Proposed } from "./proposals.ts"

// The demand and its origin: the verdict of the evidence gate, and the proposal with which the walk up the
// ladder begins.

/** A number of servers that a person requested, or a rung that rules and schedules propose. */
export type DemandedRung = { kind: "servers"; servers: number } | ({ kind: "proposed" } & Proposed)

export interface Demand {
  verdict: Verdict
  rung: DemandedRung | null
  /** Evidence of all rules; empty if nothing was weighed. */
  rules: readonly RuleEvidence[]
  cleared: string[]
}

/** A person who names a rung needs neither evidence nor a schedule. */
export function namesRung({ signal }: Situation): boolean {
  return signal.kind === "request" && signal.servers !== null
}

/**
 * Rules and active schedules propose rungs; the highest wins, never the sum. `from`: the current rung, if
 * known.
 */
export function findDemand(situation: Situation, floors: FloorEvidence[], from: number | null): Demand {
  const { signal, readings, supernode, policy } = situation
  if (signal.kind === "request" && signal.servers !== null) {
    const verdict = pass(`${signal.requestedBy} requested ${counted(signal.servers, "server")}`, {
      requestedBy: signal.requestedBy,
      servers: signal.servers,
    })
    return { verdict, rung: { kind: "servers", servers: signal.servers }, rules: [], cleared: [] }
  }
  if (readings.state === "not-read" || (readings.state === "read" && supernode.state !== "read")) {
    return { verdict: notEvaluated("the metrics were not read"), rung: null, rules: [], cleared: [] }
  }
  const rules =
    readings.state === "read" && supernode.state === "read"
      ? weighEvidence(situation, readings.value, presentServers(supernode.value))
      : []
  const unread = readings.state === "unreadable" ? [`the metrics could not be read: ${readings.why}`] : []
  const sentences = [
    ...unread,
    ...rules.map((rule) => sayRule(rule, policy)),
    ...floors.map((floor) => sayFloor(floor, policy.timezone)),
  ].join("; ")
  const facts = factsOf(readings.state === "read" ? rules : null, floors)
  const cleared = rules.filter((rule) => rule.cleared).map((rule) => rule.rule)
  const { ladder } = policy
  const proposing = { ladder, rules, floors, isCooling: isCooling(situation), from: from ?? 0 }
  const proposed = highestProposal(proposing)
  // A floor is the operator's decision and needs no metric: an unreadable source blocks only the rules that
  // read it.
  if (proposed) {
    const rung = from === null ? null : { kind: "proposed" as const, ...proposed }
    return { verdict: pass(sentences, facts), rung, rules, cleared }
  }
  return {
    verdict: fail(whyNoEvidence(situation, rules, floors), sentences, facts),
    rung: null,
    rules,
    cleared,
  }
}

function factsOf(rules: RuleEvidence[] | null, schedules: FloorEvidence[]): Verdict["facts"] {
  if (schedules.length === 0) return rules ? { rules } : {}
  return rules ? { rules, schedules } : { schedules }
}

function whyNoEvidence({ readings }: Situation, rules: RuleEvidence[], floors: FloorEvidence[]): string {
  const isMissing = readings.state !== "read" || rules.some((rule) => rule.verdict === "missing-data")
  const isRefused =
    (readings.state === "unreadable" && readings.credentials) ||
    (readings.state === "read" && readings.value.some((reading) => reading.credentials))
  if (isMissing && isRefused) return "credentials"
  if (rules.some((rule) => rule.verdict === "latched" || rule.verdict === "off")) return "latched"
  if (floors.some((floor) => floor.verdict === "off")) return "latched"
  return isMissing ? "missing-data" : "not-breaching"
}

/** `npu-busy: 5 of 5 points above 85 (3 needed)`, with what is missing and why. */
export function sayRule(evidence: RuleEvidence, policy: Policy): string {
  const { rule, verdict, breaching, missing, m, n, points, problem } = evidence
  const compare = policy.rules.find((candidate) => candidate.name === rule)?.compare
  const threshold = compare ? ` ${compare.op.replace("_", " ")} ${compare.value}` : " on a step"
  const counted = `${breaching} of ${n} points${threshold} (${m} needed)`
  const early = points.filter((point) => point.state === "early").length
  const notes = [
    missing > 0 ? `${missing} missing` : "",
    early > 0 ? `${early} before the warm-up ended` : "",
    verdict === "latched" ? "latched until it clears" : "",
    verdict === "off" ? "switched off by a refused order until the policy changes" : "",
    problem ?? "",
  ].filter((note) => note !== "")
  return `${rule}: ${counted}${notes.length > 0 ? `, ${notes.join(", ")}` : ""}`
}
