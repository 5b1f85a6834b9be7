import { latestNow } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { StandingAttempt } from "../state/attempt.ts"
import type { Observation } from "../state/observation.ts"
import type { Standing } from "../state/state.ts"
import { newestWithin } from "./bounded.ts"
import type { ChainEvent } from "./ledger-event.ts"
import { forgetOldTimes } from "./remember-signal.ts"

// What the chain remembers besides attempts and their money, and for how long.

/** For so long new servers are taken for those of an order that a person settled as absent. */
export const KEEP_ABSENT_MS = 30 * 86_400_000
/** A block that is over still says how long the next one of that flavor is. */
const KEEP_BLOCKED_MS = 7 * 86_400_000
/** Longer than any pause between two tellings of the same. */
const KEEP_TOLD_MS = 7 * 86_400_000
/** Notifications whose times are remembered. Those before them would be repeated too early, which costs nothing. */
const TOLD = { most: 12, mostBytes: 4_000 }
/** Longer than any window that counts purchases (at most 366 days). */
const KEEP_PURCHASES_MS = 400 * 86_400_000

/** Longer than any schedule is active after its start (at most 366 days). */
const KEEP_ACTED_MS = 400 * 86_400_000

export function rememberDecision(standing: Standing, { decision, plan, at }: ChainEvent): Standing {
  if (!decision) return standing
  const { kind, heldBy, target, cleared } = decision
  const latches = Object.fromEntries(
    Object.entries(standing.latches).filter(([rule]) => !cleared.includes(rule)),
  )
  return {
    ...standing,
    latches,
    lastDecision: { at, kind, heldBy, to: target?.to ?? null, planHash: plan?.hash ?? null },
  }
}

/** The first look at the servers: from here on, what is not among them came later. */
export function rememberServers(standing: Standing, { situation, at }: ChainEvent): Standing {
  if (
    standing.servers !== null ||
    situation?.supernode.state !== "read" ||
    situation.supernode.value.servers === null
  )
    return standing
  const servers = presentServers(situation.supernode.value)
  // Of two clocks that disagree the later one: the wait that the newest server starts must not be shortened.
  const latest = Math.max(at, latestNow(situation))
  const created = servers.map((server) => Math.min(server.createAt ?? latest, latest))
  return {
    ...standing,
    servers: servers.map((server) => server.id),
    foreignAt: created.length > 0 ? Math.max(...created) : null,
  }
}

/** What could not be told counts as told: a webhook that is down is not asked again before the next hour. */
export function rememberTold(standing: Standing, { kind, telling }: Observation, at: number): Standing {
  if (kind !== "telling" || !telling) return standing
  const { about, entry } = telling
  const told = newestWithin({ ...standing.told, [about]: { at, entry } }, ({ at: toldAt }) => toldAt, TOLD)
  return { ...standing, told: told.kept }
}

/** As many as `efficacy.purchases` may ask for, and as many again whose rule may be gone by then. */
const MOST_EFFECTS = 40

/** A purchase that rules caused is complete: from now on it can be told whether it helps. */
export function rememberCompletion(
  standing: Standing,
  { id, cause }: StandingAttempt,
  completedAt: number,
): Standing {
  if (!cause) return standing
  const effect = { ...cause, attempt: id, completedAt, after: null, gain: null }
  return { ...standing, effects: [...(standing.effects ?? []), effect].slice(-MOST_EFFECTS) }
}

/** Measured once, and never again: load that grows later is no fault of that purchase. */
export function rememberEffect(standing: Standing, { attempt, effect }: Observation): Standing {
  if (!effect || !standing.effects) return standing
  const { after, gain } = effect
  const effects = standing.effects.map((one) =>
    one.attempt === attempt && one.after === null ? { ...one, after, gain } : one,
  )
  return { ...standing, effects }
}

/**
 * Forgets what is over. What keeps a purchase from happening twice is over only by a time that the cloud confirmed in
 * this run and that our own clock agrees with, the earlier of both: one wrong clock forgets nothing. What counts money,
 * only where an attempt is opened, too: a hold, a settlement or a command forgets none of it.
 */
export function prune(standing: Standing, { kind, at, confirmedAt = null }: ChainEvent): Standing {
  const told = standing.told ? { told: pick(standing.told, (one) => one.at > at - KEEP_TOLD_MS) } : {}
  const heard = { ...standing, ...told }
  if (confirmedAt === null) return heard
  const now = Math.min(confirmedAt, at)
  const recent = pruneSignals(heard, now)
  return kind === "opened" ? pruneMoney(recent, now) : recent
}

function pruneSignals(standing: Standing, now: number): Standing {
  return {
    ...forgetOldTimes(standing, now),
    signals: pick(standing.signals, ({ keepUntil }) => keepUntil > now),
    blocked: pick(standing.blocked, ({ until }) => until > now - KEEP_BLOCKED_MS),
  }
}

function pruneMoney(standing: Standing, now: number): Standing {
  return {
    ...standing,
    purchases: standing.purchases.filter(({ at }) => at > now - KEEP_PURCHASES_MS),
    absent: standing.absent.filter(({ openedAt }) => openedAt > now - KEEP_ABSENT_MS),
    ...(standing.acted ? { acted: pick(standing.acted, ({ at }) => at > now - KEEP_ACTED_MS) } : {}),
  }
}

function pick<T>(record: Record<string, T>, keep: (value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => keep(value)))
}
