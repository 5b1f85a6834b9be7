import type { Target } from "../decision.ts"
import type { RuleEvidence } from "../evidence/evidence.ts"
import { counted } from "../policy/amounts.ts"
import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { fail, pass, type Verdict } from "../verdict.ts"
import { findRung, type Here, rungWith, sayLadder } from "./current-rung.ts"
import { type Demand, type DemandedRung, findDemand, namesRung } from "./demand.ts"
import { evaluateFloors } from "./floors.ts"
import { findOffer, NO_RUNG } from "./offering.ts"
import { bypassing } from "./proposals.ts"

/**
 * The current rung, the demand, and the rung that is allowed and on offer: one walk up the ladder. Each step
 * is the verdict of one gate.
 */
export interface Choice {
  rungKnown: Verdict
  evidence: Verdict
  aboveCurrent: Verdict
  withinServersLimit: Verdict
  offerAvailable: Verdict
  target: Target | null
  /** Evidence of all rules; empty if nothing was weighed. */
  rules: readonly RuleEvidence[]
  cleared: string[]
  /** Schedules that bypass the cooldown; null while the current rung is unknown and one of them might. */
  bypassing: string[] | null
}

export function chooseRung(situation: Situation): Choice {
  const here = findRung(situation)
  const floors = namesRung(situation) ? [] : evaluateFloors(situation)
  const demand = findDemand(situation, floors, here.at?.index ?? null)
  const { rungKnown, aboveCurrent, withinServersLimit, offerAvailable, target } = walkUp({
    situation,
    here,
    demand,
  })
  return {
    rungKnown,
    evidence: demand.verdict,
    aboveCurrent,
    withinServersLimit,
    offerAvailable,
    target,
    rules: demand.rules,
    cleared: demand.cleared,
    bypassing: bypassing(floors, here.at?.index ?? null),
  }
}

/** The verdicts of the walk, and the rung that it reached. */
type Walk = Omit<Choice, "evidence" | "rules" | "cleared" | "bypassing">

interface WalkFacts {
  situation: Situation
  here: Here
  demand: Demand
}

function walkUp({ situation, here, demand }: WalkFacts): Walk {
  const none: Walk = {
    rungKnown: here.verdict,
    aboveCurrent: NO_RUNG,
    withinServersLimit: NO_RUNG,
    offerAvailable: NO_RUNG,
    target: null,
  }
  if (here.at === null || demand.rung === null) return none

  const { ladder, limits } = situation.policy
  const demanded =
    ladder[demand.rung.kind === "servers" ? rungWith(ladder, demand.rung.servers) : demand.rung.index]
  if (!demanded) {
    const requested = demand.rung.kind === "servers" ? demand.rung.servers : 0
    const rungKnown = fail(
      "rung-unknown",
      `no rung of the ladder has ${counted(requested, "server")}: the rungs have ${sayLadder(ladder)}`,
      { asked: requested, ladder: ladder.map((rung) => rung.servers) },
    )
    return { ...none, rungKnown }
  }
  const from = here.at.servers
  if (demanded.servers <= from) {
    const aboveCurrent = fail(
      "already-there",
      `the demand is ${counted(demanded.servers, "server")}, and ${from} ${beOf(from)} already present or in progress`,
      { from, wanted: demanded.servers },
    )
    return { ...none, aboveCurrent }
  }
  const aboveCurrent = pass(`from ${from} to ${counted(demanded.servers, "server")}`, {
    from,
    wanted: demanded.servers,
  })

  const allowed = clamp({
    ladder,
    demanded,
    from,
    limit: limits.servers,
    isAsked: demand.rung.kind === "servers",
  })
  if (!allowed) {
    const withinServersLimit = fail(
      "at-limit",
      demand.rung.kind === "servers"
        ? `the request is for ${counted(demanded.servers, "server")}, but limits.servers allows at most ${limits.servers}`
        : `the demand is ${counted(demanded.servers, "server")}, but limits.servers allows at most ${limits.servers}, and no rung within that limit has more than ${from}`,
      { from, wanted: demanded.servers, limit: limits.servers },
    )
    return { ...none, aboveCurrent, withinServersLimit }
  }
  const withinServersLimit = pass(
    allowed === demanded
      ? `${demanded.servers} of at most ${counted(limits.servers, "server")}`
      : `clamped from ${demanded.servers} to ${counted(allowed.servers, "server")}: limits.servers allows at most ${limits.servers}`,
    { wanted: demanded.servers, allowed: allowed.servers, limit: limits.servers },
  )

  const offer = findOffer({
    situation,
    allowed,
    mayGoLarger: situation.policy.soldOut === "next-larger" && demand.rung.kind === "proposed",
  })
  const bought = offer.rung ?? allowed
  const target = { flavor: bought.flavor, from, to: bought.servers, ...proposersOf(demand.rung) }
  return { ...none, aboveCurrent, withinServersLimit, offerAvailable: offer.verdict, target }
}

function beOf(count: number): "is" | "are" {
  return count === 1 ? "is" : "are"
}

function proposersOf(demanded: DemandedRung): Pick<Target, "rules" | "schedules"> {
  if (demanded.kind === "servers") return { rules: [] }
  const schedules = demanded.floors.map(({ schedule, occurrence, atLeast }) => ({
    schedule,
    occurrence,
    atLeast,
  }))
  return { rules: demanded.rules, ...(schedules.length > 0 ? { schedules } : {}) }
}

interface Clamp {
  ladder: Rung[]
  demanded: Rung
  from: number
  limit: number
  isAsked: boolean
}

/** The highest allowed rung above the current one. A person's request is never clamped. */
function clamp({ ladder, demanded, from, limit, isAsked }: Clamp): Rung | undefined {
  if (demanded.servers <= limit) return demanded
  if (isAsked) return undefined
  return ladder.findLast(
    (rung) => rung.servers > from && rung.servers <= limit && rung.servers < demanded.servers,
  )
}
