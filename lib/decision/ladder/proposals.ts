import type { RuleEvidence } from "../evidence/evidence.ts"
import type { Rung } from "../policy/policy.ts"
import type { FloorEvidence } from "./floors.ts"

// Rules and schedules propose rungs, and the highest wins, never the sum.
//
// While cooling down only a schedule with `cooldown: bypass` may buy. If a higher proposal must wait, the bypassing floor
// is bought now, and the higher proposal waits as it would alone. Otherwise more load would lead to fewer servers: without
// the higher proposal the floor would be bought, and with it everything would wait.

/** A proposal of a rung, by its index on the ladder. */
interface Proposal {
  index: number
  rule?: string
  floor?: FloorEvidence
}

export interface Proposing {
  ladder: Rung[]
  /** Index of the current rung. */
  from: number
  rules: readonly RuleEvidence[]
  floors: readonly FloorEvidence[]
  isCooling: boolean
}

/** The demanded rung, and the rules and schedules that it satisfies. */
export interface TopProposal {
  index: number
  rules: string[]
  floors: FloorEvidence[]
}

/** null: no rule and no schedule proposes a rung. */
export function highestProposal({ ladder, from, rules, floors, isCooling }: Proposing): TopProposal | null {
  const top = ladder.length - 1
  const all: Proposal[] = [
    ...rules.flatMap(({ rule, up }) => (up > 0 ? [{ index: Math.min(from + up, top), rule }] : [])),
    ...floors.flatMap((floor) => (floor.verdict === "wanted" ? [{ index: floor.index, floor }] : [])),
  ]
  const now = isCooling ? mayCountNow(all, from) : all
  if (now.length === 0) return null
  const index = Math.max(...now.map((proposal) => proposal.index))
  // If only a schedule wants that rung, no rule caused the purchase, and a rule with a smaller proposal is
  // not latched by it.
  const isByRule = now.some((proposal) => proposal.index === index && proposal.rule !== undefined)
  return {
    index,
    // This purchase satisfies all that proposed a higher rung, including the smaller proposals.
    rules: isByRule ? now.flatMap(({ rule }) => (rule === undefined ? [] : [rule])) : [],
    floors: now.flatMap(({ floor }) => (floor && floor.index > from ? [floor] : [])),
  }
}

/**
 * While cooling down: the bypassing proposals if a higher proposal must wait; else all, to be held as a
 * whole.
 */
function mayCountNow(all: Proposal[], from: number): Proposal[] {
  const bypassing = all.filter(({ floor, index }) => floor?.mayBypassCooldown && index > from)
  const highest = Math.max(...all.map(({ index }) => index))
  return bypassing.length === 0 || bypassing.some(({ index }) => index === highest) ? all : bypassing
}

/** Schedules that bypass the cooldown; null while the current rung is unknown and one of them might. */
export function bypassing(floors: readonly FloorEvidence[], from: number | null): string[] | null {
  const able = floors.filter(({ verdict, mayBypassCooldown }) => verdict === "wanted" && mayBypassCooldown)
  if (from === null) return able.length === 0 ? [] : null
  const above = able.filter(({ index }) => index > from)
  const most = Math.max(...above.map(({ index }) => index))
  return above.filter(({ index }) => index === most).map(({ schedule }) => schedule)
}
