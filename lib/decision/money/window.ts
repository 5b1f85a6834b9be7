import { sayDuration } from "../policy/amounts.ts"
import type { Budget } from "../policy/policy.ts"
import { firstInstantAt, wallTime } from "../schedule/zone.ts"
import type { Purchase } from "../state/purchases.ts"

/** Window of a cap on money: a calendar month in the policy's zone, or that many milliseconds up to now. */
export type WindowLength = Budget["per"]

/**
 * First instant that counts, epoch milliseconds, inclusive: the start of the local month of `now`, or the
 * first instant less than `per` ago. The window has no end: times that another clock has dated ahead of ours
 * count too.
 */
export function windowStart(per: WindowLength, timezone: string, now: number): number {
  if (per !== "month") return now - per + 1
  const today = new Date(wallTime(timezone, now))
  return firstInstantAt(timezone, Date.UTC(today.getUTCFullYear(), today.getUTCMonth(), 1))
}

/** Purchases requested at that instant or later: reserved and booked alike. */
export function purchasesSince(purchases: readonly Purchase[], start: number): Purchase[] {
  return purchases.filter(({ at }) => at >= start)
}

/** `in 30d`, `in 2026-11 (Asia/Shanghai)`: the window of `now`, for sentences. */
export function sayWindow(per: WindowLength, timezone: string, now: number): string {
  if (per !== "month") return `in ${sayDuration(per)}`
  return `in ${new Date(wallTime(timezone, now)).toISOString().slice(0, 7)} (${timezone})`
}

/** First instant at which a purchase of `at` no longer counts, epoch milliseconds. */
export function leavesWindowAt(per: WindowLength, timezone: string, at: number): number {
  if (per !== "month") return at + per
  const day = new Date(wallTime(timezone, at))
  return firstInstantAt(timezone, Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1))
}
