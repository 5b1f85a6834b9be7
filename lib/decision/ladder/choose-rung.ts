import type { Target } from "../decision.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { own } from "../state/own.ts"
import { fail, notEvaluated, pass, sayTime, type Verdict } from "../verdict.ts"
import { findWish, namesRung, type Wanted } from "./demand.ts"
import { judgeFloors } from "./floors.ts"
import { bypassing } from "./proposals.ts"

/**
 * Where we are, what the evidence asks for, and the rung that is allowed and on offer: one walk up the ladder,
 * whose every step is one gate's verdict.
 */
export interface Choice {
  rungKnown: Verdict
  evidence: Verdict
  aboveCurrent: Verdict
  withinServersLimit: Verdict
  offerAvailable: Verdict
  target: Target | null
  cleared: string[]
  /** Schedules that have the cooldown bypassed; null: there is one that might, and it is not known where we are. */
  bypassing: string[] | null
}

const NO_RUNG = notEvaluated("no rung was chosen")

export function chooseRung(situation: Situation): Choice {
  const here = findRung(situation)
  const floors = namesRung(situation) ? [] : judgeFloors(situation)
  const wish = findWish(situation, floors, here.at?.index ?? null)
  const none = {
    rungKnown: here.verdict,
    evidence: wish.verdict,
    cleared: wish.cleared,
    target: null,
    bypassing: bypassing(floors, here.at?.index ?? null),
  }
  const later = { aboveCurrent: NO_RUNG, withinServersLimit: NO_RUNG, offerAvailable: NO_RUNG }
  if (here.at === null || wish.wanted === null) return { ...none, ...later }

  const { ladder, limits } = situation.policy
  const wanted =
    ladder[wish.wanted.kind === "servers" ? rungWith(ladder, wish.wanted.servers) : wish.wanted.index]
  if (!wanted) {
    const asked = wish.wanted.kind === "servers" ? wish.wanted.servers : 0
    const rungKnown = fail(
      "rung-unknown",
      `no rung of the ladder has ${asked} servers: it has ${sayLadder(ladder)}`,
      { asked, ladder: ladder.map((rung) => rung.servers) },
    )
    return { ...none, ...later, rungKnown }
  }
  const from = here.at.servers
  if (wanted.servers <= from) {
    const aboveCurrent = fail(
      "already-there",
      `${from} servers are there or on their way, and ${wanted.servers} are wanted`,
      { from, wanted: wanted.servers },
    )
    return { ...none, ...later, aboveCurrent }
  }
  const aboveCurrent = pass(`from ${from} to ${wanted.servers} servers`, { from, wanted: wanted.servers })

  const allowed = clamp({
    ladder,
    wanted,
    from,
    limit: limits.servers,
    isAsked: wish.wanted.kind === "servers",
  })
  if (!allowed) {
    const withinServersLimit = fail(
      "at-limit",
      `${wanted.servers} servers are wanted, ${limits.servers} are allowed, and no rung between ${from} and ${limits.servers} is left`,
      { from, wanted: wanted.servers, limit: limits.servers },
    )
    return { ...none, ...later, aboveCurrent, withinServersLimit }
  }
  const withinServersLimit = pass(
    allowed === wanted
      ? `${wanted.servers} of at most ${limits.servers} servers`
      : `clamped from ${wanted.servers} to ${allowed.servers} servers: at most ${limits.servers} are allowed`,
    { wanted: wanted.servers, allowed: allowed.servers, limit: limits.servers },
  )

  const offer = findOffer({
    situation,
    allowed,
    mayGoLarger: situation.policy.soldOut === "next-larger" && wish.wanted.kind === "proposed",
  })
  const bought = offer.rung ?? allowed
  const target = { flavor: bought.flavor, from, to: bought.servers, ...proposersOf(wish.wanted) }
  return { ...none, aboveCurrent, withinServersLimit, offerAvailable: offer.verdict, target }
}

function proposersOf(wanted: Wanted): Pick<Target, "rules" | "schedules"> {
  if (wanted.kind === "servers") return { rules: [] }
  const schedules = wanted.floors.map(({ schedule, occurrence }) => ({ schedule, occurrence }))
  return { rules: wanted.rules, ...(schedules.length > 0 ? { schedules } : {}) }
}

interface Here {
  verdict: Verdict
  at: { index: number; servers: number } | null
}

/** The current rung is the ladder's with as many servers as the supernode has. */
function findRung({ supernode, standing, policy }: Situation): Here {
  if (supernode.state !== "read" || supernode.value.servers === null) {
    return { verdict: notEvaluated("the supernode's servers were not read"), at: null }
  }
  const seen = presentServers(supernode.value).length
  // What is ordered and not complete counts as present, so that nobody orders it again.
  const servers = Math.max(seen, standing.attempt?.to ?? 0)
  const index = rungWith(policy.ladder, servers)
  const facts = { seen, counted: servers, ladder: policy.ladder.map((rung) => rung.servers) }
  if (index < 0) {
    return {
      verdict: fail(
        "rung-unknown",
        `the supernode has ${servers} servers; the ladder knows ${sayLadder(policy.ladder)}`,
        facts,
      ),
      at: null,
    }
  }
  return {
    verdict: pass(`${servers} servers: ${policy.ladder[index]?.flavor}`, facts),
    at: { index, servers },
  }
}

interface Clamp {
  ladder: Rung[]
  wanted: Rung
  from: number
  limit: number
  isAsked: boolean
}

/** The highest rung allowed, if it is still above where we are. A person's request is never clamped. */
function clamp({ ladder, wanted, from, limit, isAsked }: Clamp): Rung | undefined {
  if (wanted.servers <= limit) return wanted
  if (isAsked) return undefined
  return ladder.findLast(
    (rung) => rung.servers > from && rung.servers <= limit && rung.servers < wanted.servers,
  )
}

interface OfferQuestion {
  situation: Situation
  allowed: Rung
  mayGoLarger: boolean
}

/** The allowed rung if it is listed, in stock and not blocked; else, where the policy says so, the next larger one. */
function findOffer({ situation, allowed, mayGoLarger }: OfferQuestion): {
  verdict: Verdict
  rung: Rung | null
} {
  const { offers, policy } = situation
  if (offers.state === "not-read") return { verdict: notEvaluated("the offers were not read"), rung: null }
  if (offers.state === "unreadable") {
    const reason = offers.credentials ? "credentials" : "offers-unreadable"
    return { verdict: fail(reason, `scale-evaluations could not be read: ${offers.why}`), rung: null }
  }
  const candidates = policy.ladder.filter(
    (rung) =>
      rung === allowed ||
      (mayGoLarger && rung.servers > allowed.servers && rung.servers <= policy.limits.servers),
  )
  const verdicts = candidates.map((rung) => ({ rung, verdict: offerVerdict(rung, situation) }))
  const first = verdicts[0]
  // Only stock leads to a larger rung: a flavor that is not listed at all is a mistake in the ladder.
  const available =
    first?.verdict.reason === "not-offered" ? undefined : verdicts.find(({ verdict }) => verdict.passed)
  if (available && available !== first) {
    const says = `${allowed.flavor} cannot be had (${first?.verdict.reason}); the next larger one can: ${available.rung.flavor}`
    return {
      verdict: pass(says, {
        wanted: allowed.flavor,
        because: first?.verdict.reason ?? null,
        flavor: available.rung.flavor,
      }),
      rung: available.rung,
    }
  }
  return { verdict: first?.verdict ?? NO_RUNG, rung: available?.rung ?? null }
}

function offerVerdict(rung: Rung, { offers, standing, now }: Situation): Verdict {
  const listed = offers.state === "read" ? offers.value.filter((offer) => offer.flavor === rung.flavor) : []
  const facts = { flavor: rung.flavor, listed: listed.length > 0 }
  if (listed.length === 0) return fail("not-offered", `scale-evaluations does not list ${rung.flavor}`, facts)
  // Listed twice with different words: the worse one counts.
  if (listed.some((offer) => offer.soldOut))
    return fail("sold-out", `${rung.flavor} is sold out`, { ...facts, soldOut: true })
  const block = own(standing.blocked, rung.flavor)
  if (block && block.until > now) {
    return fail(
      "flavor-blocked",
      `${rung.flavor} was refused for capacity; blocked until ${sayTime(block.until)}`,
      { ...facts, until: block.until, times: block.times },
    )
  }
  return pass(`${rung.flavor} is offered`, { ...facts, soldOut: false })
}

function rungWith(ladder: Rung[], servers: number): number {
  return ladder.findIndex((rung) => rung.servers === servers)
}

function sayLadder(ladder: Rung[]): string {
  return `${ladder.map((rung) => rung.servers).join(", ")} servers`
}
