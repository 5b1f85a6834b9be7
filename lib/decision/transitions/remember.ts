import { latestNow } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { OpenAttempt } from "../state/attempt.ts"
import type { NotificationRecord, Observation } from "../state/observation.ts"
import { KEEP_PURCHASES_MS } from "../state/purchases.ts"
import type { SupernodeState } from "../state/state.ts"
import type { ChainEvent } from "./ledger-event.ts"
import { forgetOldTimes } from "./remember-signal.ts"

// Memory of the chain except attempts and their money, and how long each part is kept.

/** Time for which new servers may belong to an order that a person settled as absent. */
export const KEEP_ABSENT_MS = 30 * 86_400_000
/** Time for which an ended block is remembered, since it determines the length of the next one of that flavor. */
const KEEP_BLOCKED_MS = 7 * 86_400_000
/** Time for which a notification is remembered: longer than any interval between two notifications of one state. */
const KEEP_NOTIFIED_MS = 7 * 86_400_000
/** Bounds of the notification records, a few hundred bytes each; more than can be due at once. */
const MAX_NOTIFIED = 10
const MAX_NOTIFIED_ONCE = 6
/** Time for which a start is remembered: longer than any schedule is active after its start (at most 366 days). */
const KEEP_HANDLED_STARTS_MS = 400 * 86_400_000

export function rememberDecision(state: SupernodeState, { decision, plan, at }: ChainEvent): SupernodeState {
  if (!decision) return state
  const { kind, heldBy, target, cleared } = decision
  const latches =
    cleared.length === 0
      ? state.latches
      : Object.fromEntries(Object.entries(state.latches).filter(([rule]) => !cleared.includes(rule)))
  return {
    ...state,
    latches,
    lastDecision: { at, kind, heldBy, to: target?.to ?? null, planHash: plan?.hash ?? null },
  }
}

/** Records the first reading of the servers: any server that is not among them came later. */
export function rememberServers(state: SupernodeState, { situation, at }: ChainEvent): SupernodeState {
  if (
    state.servers !== null ||
    situation?.supernode.state !== "read" ||
    situation.supernode.value.servers === null
  )
    return state
  const servers = presentServers(situation.supernode.value)
  // If clocks disagree, the later time counts: the wait that the newest server starts must not be shortened.
  const latest = Math.max(at, latestNow(situation))
  const created = servers.map((server) => Math.min(server.createAt ?? latest, latest))
  return {
    ...state,
    servers: servers.map((server) => server.id),
    foreignAt: created.length > 0 ? Math.max(...created) : null,
  }
}

/**
 * Records a notification. A claim counts as notified: if its worker dies, the next try comes when the state
 * is due again.
 */
export function rememberNotification(
  state: SupernodeState,
  { kind, telling }: Observation,
  at: number,
): SupernodeState {
  // Entries of earlier releases do not name the recipients that a failed try missed.
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

/** Drops the records of independent sources about an attempt that is no longer in flight, or whose outcome is known. */
export function forgetWitness(state: SupernodeState): SupernodeState {
  if (!state.witness) return state
  const { witness, ...rest } = state
  const { attempt } = state
  return attempt?.id === witness.attempt && attempt.state === "unknown" ? state : rest
}

/** Maximum number that `efficacy.purchases` may require. */
const MAX_EFFECTS = 20

/** Records a complete purchase that rules caused: from now on its effect can be measured. */
export function rememberCompletion(
  state: SupernodeState,
  { id, cause }: OpenAttempt,
  completedAt: number,
): SupernodeState {
  if (!cause) return state
  const effect = { ...cause, attempt: id, completedAt, after: null, gain: null }
  return { ...state, effects: [...(state.effects ?? []), effect].slice(-MAX_EFFECTS) }
}

/** Records an effect once: load that grows later does not change it. */
export function rememberEffect(state: SupernodeState, { attempt, effect }: Observation): SupernodeState {
  if (!effect || !state.effects) return state
  const { after, gain } = effect
  const effects = state.effects.map((one) =>
    one.attempt === attempt && one.after === null ? { ...one, after, gain } : one,
  )
  return { ...state, effects }
}

/**
 * Forgets state that is over. State that prevents a second purchase ends only by a time that the cloud
 * confirmed in this run and that our own clock agrees with. The earlier of both counts, so that one wrong
 * clock forgets nothing. State that counts money is forgotten only when an attempt is opened: a hold, a settlement or a
 * command forgets none of it.
 */
export function prune(state: SupernodeState, { kind, at, confirmedAt = null }: ChainEvent): SupernodeState {
  const now = confirmedAt === null ? null : Math.min(confirmedAt, at)
  const notified = state.told ? { ...state, told: newestNotifications(state.told, now) } : state
  if (now === null) return notified
  const recent = pruneSignals(notified, now)
  return kind === "opened" ? pruneMoney(recent, now) : recent
}

/** Returns the same object if nothing has expired. */
function pruneSignals(state: SupernodeState, now: number): SupernodeState {
  const recent = forgetOldTimes(state, now)
  const signals = pick(state.signals, ({ keepUntil }) => keepUntil > now)
  const blocked = pick(state.blocked, ({ until }) => until > now - KEEP_BLOCKED_MS)
  const isSame = signals === state.signals && blocked === state.blocked
  return isSame ? recent : { ...recent, signals, blocked }
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
 * Drops old notifications: by age only if the time is confirmed, and always by count. States that are
 * notified once and states that repeat are counted separately, so that neither displaces the other.
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

/** Returns the same object if every member is kept. */
function pick<T>(record: Record<string, T>, keep: (value: T) => boolean): Record<string, T> {
  if (Object.values(record).every(keep)) return record
  return Object.fromEntries(Object.entries(record).filter(([, value]) => keep(value)))
}
