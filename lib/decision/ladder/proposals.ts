import type { RuleEvidence } from "../evidence/evidence.ts"
import type { Rung } from "../policy/policy.ts"
import type { FloorEvidence } from "./floors.ts"

// Rules and schedules propose rungs, and the highest wins, never the sum.
//
// While cooling down only a schedule with `cooldown: bypass` may buy. If something that must wait wants a higher rung, the
// bypassing floor is what is wanted now, and the rest waits as it would have waited alone. Otherwise more load would lead
// to fewer servers: without it the floor would have been bought, and with it all would wait.

/** A wish for a rung of the ladder, by its place on it. */
interface Proposal {
  index: number
  rule?: string
  floor?: FloorEvidence
}

export interface Proposing {
  ladder: Rung[]
  /** Where we are on it. */
  from: number
  rules: readonly RuleEvidence[]
  floors: readonly FloorEvidence[]
  isCooling: boolean
}

/** The rung that is wanted, and who is answered by it. */
export interface TopProposal {
  index: number
  rules: string[]
  floors: FloorEvidence[]
}

/** null: nobody proposes anything. */
export function highestProposal({ ladder, from, rules, floors, isCooling }: Proposing): TopProposal | null {
  const top = ladder.length - 1
  const all: Proposal[] = [
    ...rules.flatMap(({ rule, up }) => (up > 0 ? [{ index: Math.min(from + up, top), rule }] : [])),
    ...floors.flatMap((floor) => (floor.verdict === "wanted" ? [{ index: floor.index, floor }] : [])),
  ]
  const now = isCooling ? mayCountNow(all, from) : all
  if (now.length === 0) return null
  const index = Math.max(...now.map((proposal) => proposal.index))
  // Where only a schedule wants that much, the purchase is no rule's doing, and a modest rule is not latched by it.
  const isByRule = now.some((proposal) => proposal.index === index && proposal.rule !== undefined)
  return {
    index,
    // All that asked for more are answered by this purchase, the modest ones too.
    rules: isByRule ? now.flatMap(({ rule }) => (rule === undefined ? [] : [rule])) : [],
    floors: now.flatMap(({ floor }) => (floor && floor.index > from ? [floor] : [])),
  }
}

/** While cooling down: what may bypass it, if something that wants more must wait; else everything, to be held as a whole. */
function mayCountNow(all: Proposal[], from: number): Proposal[] {
  const bypassing = all.filter(({ floor, index }) => floor?.mayBypassCooldown && index > from)
  const highest = Math.max(...all.map(({ index }) => index))
  return bypassing.length === 0 || bypassing.some(({ index }) => index === highest) ? all : bypassing
}

/** The schedules that have the cooldown bypassed; null while it is not known where we are, and there is one that might. */
export function bypassing(floors: readonly FloorEvidence[], from: number | null): string[] | null {
  const able = floors.filter(({ verdict, mayBypassCooldown }) => verdict === "wanted" && mayBypassCooldown)
  if (from === null) return able.length === 0 ? [] : null
  const above = able.filter(({ index }) => index > from)
  const most = Math.max(...above.map(({ index }) => index))
  return above.filter(({ index }) => index === most).map(({ schedule }) => schedule)
}
