import { CLOCK_TOLERANCE_MS } from "../inputs/clock.ts"
import type { Signal } from "../inputs/signal.ts"
import { getOwn } from "../state/get-own.ts"
import type { SpentSignal, SupernodeState } from "../state/state.ts"
import { newestWithin } from "./bounded.ts"
import type { ChainEvent } from "./ledger-event.ts"

// Signals in the state, kept small: any traffic leaves the state below 16 KB.

/** An alarm or a tick is stale, 15 minutes after its own time, before it is forgotten. */
const KEEP_SIGNALS_MS = 20 * 60_000
/** Signals of Alertmanager and Grafana carry their arrival as time, and the same id for an hour. */
const KEEP_HOURLY_MS = 65 * 60_000
/** A person's request carries its own id and may be sent again much later. */
const KEEP_REQUESTS_MS = 7 * 86_400_000
/** An ALARM that an OK has overtaken is stale by its own time before the close is forgotten. */
const KEEP_EPISODES_MS = 20 * 60_000

/** Requests have a separate bound, so that many alarms cannot remove a person's request. */
const SIGNALS = { maxCount: 12, maxBytes: 2_500 }
const REQUESTS = { maxCount: 8, maxBytes: 1_500 }
const EPISODES = { maxCount: 64, maxBytes: 5_000 }

/**
 * Remembers a signal that led to an `opened` entry, whatever the outcome: it never opens another one. A
 * signal that only held is not remembered, so it is decided again.
 */
export function rememberSignal(
  state: SupernodeState,
  { signal, run, seq, at, kind }: ChainEvent,
): SupernodeState {
  if (!signal) return state
  if (kind === "decided") return rememberEpisode(state, signal, at)
  if (kind !== "opened" || getOwn(state.signals, signal.id)) return state
  const spent: SpentSignal = { run, seq, at, keepUntil: keepSignalUntil(signal, at), kind: signal.kind }
  return boundSignals({ ...state, signals: { ...state.signals, [signal.id]: spent } })
}

/** Long enough that no second delivery can be both fresh and unknown. */
function keepSignalUntil(signal: Signal, at: number): number {
  if (signal.kind === "request") return at + KEEP_REQUESTS_MS
  if (signal.kind === "alarm" && signal.source === "alertmanager") return at + KEEP_HOURLY_MS
  return Math.max(at, signal.at) + KEEP_SIGNALS_MS
}

/**
 * Drops the oldest signals that do not fit, and keeps only the newest time among them (`spentUntil`). Every alarm
 * and tick up to that time counts as stale; the next tick evaluates everything again.
 */
function boundSignals(state: SupernodeState): SupernodeState {
  const all = Object.entries(state.signals)
  const requests = newestWithin(
    Object.fromEntries(all.filter(([, one]) => one.kind === "request")),
    openedAt,
    REQUESTS,
  )
  const others = newestWithin(
    Object.fromEntries(all.filter(([, one]) => one.kind !== "request")),
    openedAt,
    SIGNALS,
  )
  const signals = { ...requests.kept, ...others.kept }
  if (others.dropped.length === 0) return { ...state, signals }
  const spentUntil = Math.max(state.spentUntil ?? 0, ...others.dropped.map(latestOwnTime))
  return { ...state, signals, spentUntil }
}

/** Upper bound of a signal's own time: `keepUntil` was counted from that time, or from the opening. */
function latestOwnTime({ at, keepUntil }: SpentSignal): number {
  return Math.max(at, Math.min(at + CLOCK_TOLERANCE_MS, keepUntil - KEEP_SIGNALS_MS))
}

function openedAt({ at }: SpentSignal): number {
  return at
}

/**
 * An OK closes its episode, unless its time is ahead of our clock by more than the tolerance. An older OK and
 * other alarm states change nothing.
 */
function rememberEpisode(state: SupernodeState, signal: Signal, at: number): SupernodeState {
  if (signal.kind !== "alarm" || signal.state !== "ok" || signal.at > at + CLOCK_TOLERANCE_MS) return state
  const { key } = signal.episode
  const known = Math.max(getOwn(state.episodes, key)?.closedAt ?? 0, state.episodesClosedAt ?? 0)
  if (signal.at <= known) return state
  const closed = { ...state.episodes, [key]: { closedAt: signal.at } }
  const { kept, dropped } = newestWithin(closed, ({ closedAt }) => closedAt ?? 0, EPISODES)
  if (dropped.length === 0) return { ...state, episodes: kept }
  const episodesClosedAt = Math.max(
    state.episodesClosedAt ?? 0,
    ...dropped.map(({ closedAt }) => closedAt ?? 0),
  )
  return { ...state, episodes: kept, episodesClosedAt }
}

function hasOldTimes({ spentUntil, episodesClosedAt, episodes }: SupernodeState, now: number): boolean {
  const isYoung = (closedAt: number | null) => closedAt !== null && closedAt > now - KEEP_EPISODES_MS
  const hasPassed = (at: number | undefined, keepMs: number) => at !== undefined && at <= now - keepMs
  return (
    hasPassed(spentUntil, KEEP_SIGNALS_MS) ||
    hasPassed(episodesClosedAt, KEEP_EPISODES_MS) ||
    !Object.values(episodes).every(({ closedAt }) => isYoung(closedAt))
  )
}

/** Forgets a time once every older signal is stale anyway. */
export function forgetOldTimes(state: SupernodeState, now: number): SupernodeState {
  if (!hasOldTimes(state, now)) return state
  const { spentUntil = 0, episodesClosedAt = 0, ...others } = state
  const episodes = Object.entries(state.episodes).flatMap(([key, { closedAt }]) =>
    closedAt !== null && closedAt > now - KEEP_EPISODES_MS ? [[key, { closedAt }] as const] : [],
  )
  return {
    ...others,
    episodes: Object.fromEntries(episodes),
    ...(spentUntil > now - KEEP_SIGNALS_MS ? { spentUntil } : {}),
    ...(episodesClosedAt > now - KEEP_EPISODES_MS ? { episodesClosedAt } : {}),
  }
}
