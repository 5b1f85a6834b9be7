import { latestNow } from "../inputs/clock.ts"
import type { Signal } from "../inputs/signal.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { StandingAttempt } from "../state/attempt.ts"
import type { Observation } from "../state/observation.ts"
import { own } from "../state/own.ts"
import type { Standing } from "../state/state.ts"
import type { ChainEvent } from "./ledger-event.ts"

// What the chain remembers besides attempts and their money, and for how long.

/** A signal that is remembered no longer than this past its own time is stale before it is forgotten. */
const KEEP_SIGNALS_MS = 20 * 60_000
/** Alertmanager's and Grafana's carry their arrival as time, and the same id for an hour. */
const KEEP_HOURLY_MS = 65 * 60_000
/** A person's request carries its own id and may be sent again much later. */
const KEEP_REQUESTS_MS = 7 * 86_400_000
/** For so long new servers are taken for those of an order that a person settled as absent. */
export const KEEP_ABSENT_MS = 30 * 86_400_000
const KEEP_EPISODES_MS = 7 * 86_400_000
/** Longer than any pause between two tellings of the same. */
const KEEP_TOLD_MS = 7 * 86_400_000
/** Longer than any window that counts purchases (at most 366 days). */
const KEEP_PURCHASES_MS = 400 * 86_400_000

/** Longer than any schedule is active after its start (at most 366 days). */
const KEEP_ACTED_MS = 400 * 86_400_000

/** Signals from further ahead than clocks may differ are not believed in what they say of an episode. */
const AHEAD_MS = 60_000

export function rememberSignal(standing: Standing, { signal, run, seq, at, kind }: ChainEvent): Standing {
  // What a run merely noticed on its way is no result that a repeated signal could be answered with.
  if (!signal || kind === "observed" || own(standing.signals, signal.id)) return standing
  const keepUntil = keepSignalUntil(signal, at)
  return {
    ...rememberEpisode(standing, signal, at),
    signals: { ...standing.signals, [signal.id]: { run, seq, at, keepUntil } },
  }
}

/** Long enough that no second delivery can be fresh and unknown at once, and no longer: an alarm storm is thousands. */
function keepSignalUntil(signal: Signal, at: number): number {
  if (signal.kind === "request") return at + KEEP_REQUESTS_MS
  if (signal.kind === "alarm" && signal.source === "alertmanager") return at + KEEP_HOURLY_MS
  return Math.max(at, signal.at) + KEEP_SIGNALS_MS
}

/** An older OK closes no newer episode, an older ALARM reopens no closed one, insufficient data does neither. */
function rememberEpisode(standing: Standing, signal: Signal, at: number): Standing {
  if (signal.kind !== "alarm" || (signal.state !== "alarm" && signal.state !== "ok")) return standing
  if (signal.at > at + AHEAD_MS) return standing
  const { key, startsAt } = signal.episode
  const { openedAt, closedAt } = own(standing.episodes, key) ?? { openedAt: null, closedAt: null }
  const isOpen = openedAt !== null && (closedAt === null || closedAt < openedAt)
  const episode =
    signal.state === "ok"
      ? { openedAt, closedAt: Math.max(closedAt ?? signal.at, signal.at) }
      : {
          openedAt: isOpen || signal.at < (closedAt ?? -Infinity) ? openedAt : (startsAt ?? signal.at),
          closedAt,
        }
  return { ...standing, episodes: { ...standing.episodes, [key]: episode } }
}

/** As many policies are found again by their hash; one that comes back after more others is written out once more. */
const MAX_POLICIES = 8

export function rememberPolicy(standing: Standing, event: ChainEvent): Standing {
  const { policyHash, policy, seq, at, confirmedAt = null } = event
  if (policyHash === undefined) return standing
  const named = policy ? { ...standing, policies: withPolicy(standing.policies, policyHash, seq) } : standing
  const { policySeen } = standing
  const isKnown = policySeen?.hash === policyHash && !(policySeen.unconfirmed && confirmedAt !== null)
  if (isKnown) return named
  // An entry that a slow clock dated would arm the policy too early: it counts from the first confirmed one.
  const since = Math.max(at, confirmedAt ?? at)
  const unconfirmed = confirmedAt === null ? { unconfirmed: true as const } : {}
  return { ...named, policySeen: { hash: policyHash, since, ...unconfirmed } }
}

function withPolicy(policies: Standing["policies"] = {}, hash: string, seq: number): Record<string, number> {
  const all = Object.entries({ ...policies, [hash]: seq }).sort(([, one], [, other]) => one - other)
  return Object.fromEntries(all.slice(-MAX_POLICIES))
}

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
  return { ...standing, told: { ...standing.told, [about]: { at, entry } } }
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
    ...standing,
    signals: pick(standing.signals, ({ keepUntil }) => keepUntil > now),
    episodes: pick(
      standing.episodes,
      ({ openedAt, closedAt }) => Math.max(openedAt ?? 0, closedAt ?? 0) > now - KEEP_EPISODES_MS,
    ),
    blocked: pick(standing.blocked, ({ until }) => until > now - KEEP_EPISODES_MS),
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
