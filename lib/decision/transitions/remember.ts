import { latestNow } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import type { NotificationRecord, Observation } from "../state/observation.ts"
import type { SupernodeState } from "../state/state.ts"
import type { ChainEvent } from "./ledger-event.ts"
import { forgetOldTimes } from "./remember-signal.ts"

// What the chain remembers besides attempts and their money, and for how long.

/** For so long new servers are taken for those of an order that a person settled as absent. */
export const KEEP_ABSENT_MS = 30 * 86_400_000
/** A block that is over still says how long the next one of that flavor is. */
const KEEP_BLOCKED_MS = 7 * 86_400_000
/** Longer than any pause between two tellings of the same. */
const KEEP_NOTIFIED_MS = 7 * 86_400_000
/** Of a few hundred bytes each; more than can be due at once. */
const MAX_NOTIFIED = 10
const MAX_NOTIFIED_ONCE = 6
/** Longer than any window that counts purchases (at most 366 days). */
const KEEP_PURCHASES_MS = 400 * 86_400_000

/** Longer than any schedule is active after its start (at most 366 days). */
const KEEP_HANDLED_STARTS_MS = 400 * 86_400_000

export function rememberDecision(state: SupernodeState, { decision, plan, at }: ChainEvent): SupernodeState {
  if (!decision) return state
  const { kind, heldBy, target, cleared } = decision
  const latches = Object.fromEntries(
    Object.entries(state.latches).filter(([rule]) => !cleared.includes(rule)),
  )
  return {
    ...state,
    latches,
    lastDecision: { at, kind, heldBy, to: target?.to ?? null, planHash: plan?.hash ?? null },
  }
}

/** The first look at the servers: from here on, what is not among them came later. */
export function rememberServers(state: SupernodeState, { situation, at }: ChainEvent): SupernodeState {
  if (
    state.servers !== null ||
    situation?.supernode.state !== "read" ||
    situation.supernode.value.servers === null
  )
    return state
  const servers = presentServers(situation.supernode.value)
  // Of two clocks that disagree the later one: the wait that the newest server starts must not be shortened.
  const latest = Math.max(at, latestNow(situation))
  const created = servers.map((server) => Math.min(server.createAt ?? latest, latest))
  return {
    ...state,
    servers: servers.map((server) => server.id),
    foreignAt: created.length > 0 ? Math.max(...created) : null,
  }
}

/** A claim counts as told: a worker that dies before its try leaves the next one to the time when it is due again. */
export function rememberNotification(
  state: SupernodeState,
  { kind, telling }: Observation,
  at: number,
): SupernodeState {
  // Entries of older programs say nothing of whom a failed try missed.
  if (!telling || (kind === "not-told" && !telling.failed)) return state
  const { about, entry, failed } = telling
  const record: NotificationRecord = {
    at,
    entry,
    ...(failed ? { failed } : {}),
    ...(kind === "told" ? { delivered: true } : {}),
  }
  return { ...state, told: { ...state.told, [about]: record } }
}

export function rememberBlindness(state: SupernodeState, { blind }: Observation): SupernodeState {
  if (!blind) return state
  const { blind: _before, ...rest } = state
  return Object.keys(blind).length > 0 ? { ...rest, blind } : rest
}

/** As many as `efficacy.purchases` may ask for. */
const MAX_EFFECTS = 20

/** A purchase that rules caused is complete: from now on it can be told whether it helps. */
export function rememberCompletion(
  state: SupernodeState,
  { id, cause }: OpenAttempt,
  completedAt: number,
): SupernodeState {
  if (!cause) return state
  const effect = { ...cause, attempt: id, completedAt, after: null, gain: null }
  return { ...state, effects: [...(state.effects ?? []), effect].slice(-MAX_EFFECTS) }
}

/** Measured once, and never again: load that grows later is no fault of that purchase. */
export function rememberEffect(state: SupernodeState, { attempt, effect }: Observation): SupernodeState {
  if (!effect || !state.effects) return state
  const { after, gain } = effect
  const effects = state.effects.map((one) =>
    one.attempt === attempt && one.after === null ? { ...one, after, gain } : one,
  )
  return { ...state, effects }
}

/**
 * Forgets what is over. What keeps a purchase from happening twice is over only by a time that the cloud confirmed in
 * this run and that our own clock agrees with, the earlier of both: one wrong clock forgets nothing. What counts money,
 * only where an attempt is opened, too: a hold, a settlement or a command forgets none of it.
 */
export function prune(state: SupernodeState, { kind, at, confirmedAt = null }: ChainEvent): SupernodeState {
  const now = confirmedAt === null ? null : Math.min(confirmedAt, at)
  const notified = state.told ? { ...state, told: newestNotifications(state.told, now) } : state
  if (now === null) return notified
  const recent = pruneSignals(notified, now)
  return kind === "opened" ? pruneMoney(recent, now) : recent
}

function pruneSignals(state: SupernodeState, now: number): SupernodeState {
  return {
    ...forgetOldTimes(state, now),
    signals: pick(state.signals, ({ keepUntil }) => keepUntil > now),
    blocked: pick(state.blocked, ({ until }) => until > now - KEEP_BLOCKED_MS),
  }
}

function pruneMoney(state: SupernodeState, now: number): SupernodeState {
  return {
    ...state,
    purchases: state.purchases.filter(({ at }) => at > now - KEEP_PURCHASES_MS),
    absent: state.absent.filter(({ openedAt }) => openedAt > now - KEEP_ABSENT_MS),
    ...(state.acted ? { acted: pick(state.acted, ({ at }) => at > now - KEEP_HANDLED_STARTS_MS) } : {}),
  }
}

/**
 * By age only where the time is confirmed, and always by count. What is notified once and what repeats are counted apart,
 * so that neither pushes the other out.
 */
function newestNotifications(
  records: Record<string, NotificationRecord>,
  now: number | null,
): Record<string, NotificationRecord> {
  const kept = Object.entries(records)
    .filter(([, { at }]) => now === null || at > now - KEEP_NOTIFIED_MS)
    .sort(([, a], [, b]) => b.at - a.at)
  const [once, repeated] = [true, false].map((isOnce) =>
    kept.filter(([, one]) => (one.delivered ?? false) === isOnce),
  )
  return Object.fromEntries([
    ...(once ?? []).slice(0, MAX_NOTIFIED_ONCE),
    ...(repeated ?? []).slice(0, MAX_NOTIFIED),
  ])
}

function pick<T>(record: Record<string, T>, keep: (value: T) => boolean): Record<string, T> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => keep(value)))
}
