import { findOffer, searchedRungs } from "../ladder/offering.ts"
import { MAX_SERVERS } from "../policy/choices.ts"
import type { Rung } from "../policy/policy.ts"
import type { Situation } from "../situation.ts"
import { getOwn } from "../state/get-own.ts"
import type { SupernodeState } from "../state/state.ts"
import { combineHints, type Hint, wait } from "./change.ts"
import { keysAccepted, readable } from "./cloud.ts"
import type { HintInputs } from "./hint-maker.ts"

// Hints about the current rung, the servers limit, and the rungs that the cloud offers.

/** Number of servers that a person requested; `null` if evidence decides. */
function requestedServers({ signal }: Situation): number | null {
  return signal.kind === "request" ? signal.servers : null
}

export function rungAdded({ situation, finding }: HintInputs): Hint | null {
  const { counted } = finding.facts
  const requested = requestedServers(situation)
  const needed = [counted, requested].filter((servers): servers is number => typeof servers === "number")
  const missing = [...new Set(needed)].filter(
    (servers) => !situation.policy.ladder.some((rung) => rung.servers === servers),
  )
  // No rung can have zero servers, or more than `MAX_SERVERS`.
  if (missing.some((servers) => servers < 1 || servers > MAX_SERVERS)) return null
  return combineHints(
    missing.map((servers) => ({
      says: `add a rung of ${servers} server${servers === 1 ? "" : "s"} to the ladder`,
      change: { kind: "rung", servers, exactly: true },
    })),
  )
}

/** `null` unless the supernode is at the top of the ladder: below the top, a larger rung already exists. */
export function rungAbove({ situation, finding, choice }: HintInputs): Hint | null {
  const { from } = finding.facts
  const top = situation.policy.ladder.at(-1)?.servers ?? 0
  if (requestedServers(situation) !== null || typeof from !== "number" || from < top || from >= MAX_SERVERS)
    return null
  // Schedules alone demand no more servers than there are: a larger rung would not help.
  if (!proposesMore(choice.evidence.facts["rules"])) return null
  return {
    says: `add a rung of more than ${from} server${from === 1 ? "" : "s"} to the ladder`,
    change: { kind: "rung", servers: from + 1, exactly: false },
  }
}

function proposesMore(rules: unknown): boolean {
  return (
    Array.isArray(rules) &&
    rules.some((rule: unknown) => {
      return typeof rule === "object" && rule !== null && "up" in rule && Number(rule.up) > 0
    })
  )
}

export function limitRaised({ situation, finding }: HintInputs): Hint | null {
  const { from, wanted } = finding.facts
  const next = situation.policy.ladder.find((rung) => rung.servers > Number(from))?.servers
  // A request needs its exact rung; any other demand accepts the next rung.
  const value = requestedServers(situation) === null ? next : Number(wanted)
  if (value === undefined) return null
  return {
    says: `raise limits.servers to at least ${value}`,
    change: { kind: "policy", path: "limits.servers", value },
  }
}

export function offered({ situation, finding, choice }: HintInputs): Hint | null {
  const { offers, policy, state, now } = situation
  if (offers.state !== "read") {
    const isRefused = offers.state === "unreadable" && offers.credentials
    const flavor = choice.target?.flavor ?? ""
    return combineHints([
      isRefused ? keysAccepted("offers") : readable("offers"),
      unblocked(flavor, state, now),
    ])
  }
  const allowed = policy.ladder.find(({ flavor }) => flavor === finding.facts["flavor"])
  // A failed finding of this gate always names a flavor of the ladder.
  if (!allowed) return null
  const first = lacks(allowed, situation)
  if (!first.isListed || requestedServers(situation) !== null) return combineHints(first.needed)
  const rivals = searchedRungs({ situation, allowed, mayGoLarger: policy.soldOut === "next-larger" })
  const soonest = soonestOf(rivals.map(({ rung }) => combineHints(lacks(rung, situation).needed)))
  if (soonest) return soonest
  if (policy.soldOut === "hold" && findOffer({ situation, allowed, mayGoLarger: true }).verdict.passed)
    return {
      says: `${allowed.flavor} must be in stock again, or set sold_out to next-larger`,
      change: { kind: "policy", path: "sold_out", value: "next-larger" },
    }
  return combineHints(first.needed)
}

interface Lacks {
  isListed: boolean
  needed: Hint[]
}

/** Conditions that keep one rung from being bought. */
function lacks({ flavor }: Rung, { offers, state, now }: Situation): Lacks {
  const found = offers.state === "read" ? offers.value.filter((offer) => offer.flavor === flavor) : []
  const block = unblocked(flavor, state, now)
  const isListed = found.length > 0
  const needed: Hint[] = []
  if (!isListed)
    needed.push({
      says: `scale-evaluations must list ${flavor}`,
      change: { kind: "cloud", what: "listed", flavor },
    })
  const inStock = { kind: "cloud", what: "in-stock", flavor } as const
  const flags = new Set(found.map(({ soldOut }) => soldOut))
  if (flags.size > 1 || flags.has(null))
    needed.push({ says: `scale-evaluations must say clearly that ${flavor} is in stock`, change: inStock })
  else if (flags.has(true)) needed.push({ says: `${flavor} must be in stock`, change: inStock })
  return { isListed, needed: block ? [...needed, block] : needed }
}

function unblocked(flavor: string, { blocked }: SupernodeState, now: number): Hint | null {
  const block = getOwn(blocked, flavor)
  return block && block.until > now ? wait(`the block of ${flavor} ends`, block.until) : null
}

/** The soonest of the hints that need only time; `null` if there is none. */
function soonestOf(hints: readonly (Hint | null)[]): Hint | null {
  const waits = hints.flatMap((hint) =>
    hint?.change.kind === "wait" ? [{ hint, until: hint.change.until }] : [],
  )
  const [first] = waits.sort((a, b) => a.until - b.until)
  return first?.hint ?? null
}
