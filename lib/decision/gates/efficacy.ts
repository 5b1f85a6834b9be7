import { type CountedEffect, countedEffects, sayNumber } from "../evidence/efficacy.ts"
import { fail, pass, sayTime, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

/**
 * Holds automatic purchases if none of the last k purchases by rules improved its rule's metric enough: another
 * one would not help either. An unmeasured effect counts as no gain. People may still buy.
 * After the command `reset`, the count of purchases starts again.
 */
export function efficacy({ situation, digest }: GateFacts): Verdict {
  const { policy, state, signal, now } = situation
  if (!policy.efficacy) return pass("the policy has no efficacy setting")
  const { purchases, minGain } = policy.efficacy
  const counted = countedEffects(situation, digest)
  const row = counted.slice(-purchases)
  const ignored = (state.effects ?? []).length - counted.length
  const newest = state.effects?.at(-1)?.attempt ?? null
  const measured = row.map(factsOf)
  const facts = { purchases, minGain, ignored, newest, row: measured }
  const gone =
    ignored > 0
      ? `; ${ignored} more are not counted: their rule no longer exists or now measures something else`
      : ""
  if (row.length < purchases)
    return pass(`${row.length} of ${purchases} purchases by rules are complete${gone}`, facts)
  const moved = `${sayLast(purchases)} ${sayRow(row, now)}${gone}`
  if (row.some(({ gain }) => gain !== null && gain >= minGain))
    return pass(`${moved}; a gain of ${sayNumber(minGain)} is enough`, facts)

  const waiting = row.filter((effect) => canStillBeMeasured(effect, now))
  const until = waiting.length > 0 ? Math.max(...waiting.map(({ dueAt }) => dueAt)) : null
  const required = `${moved}; at least ${sayNumber(minGain)} is required`
  const follows =
    until === null
      ? "Automatic purchases stop until an operator runs the command `reset`"
      : `Automatic purchases wait until the effect can be measured, after ${sayTime(until)}`
  const stopped = until === null
  const stopFacts = { purchases, minGain, ignored, newest, row: measured, until, stopped }
  if (signal.kind === "request") return pass(`${required}. This stops automatic purchases only`, stopFacts)
  return fail("efficacy", `${required}. ${follows}`, stopFacts)
}

function factsOf({ attempt, rule, before, after, gain, completedAt, dueAt }: CountedEffect) {
  return { attempt, rule, before, after, gain, completedAt, dueAt: gain === null ? dueAt : null }
}

function canStillBeMeasured({ before, gain, dueAt }: CountedEffect, now: number): boolean {
  return before !== null && gain === null && now < dueAt
}

function sayLast(count: number): string {
  return count === 1 ? "the last purchase" : `the last ${count} purchases`
}

/** `moved npu-busy by 1.2 and 0.4`: consecutive effects of one rule share its name. */
function sayRow(row: readonly CountedEffect[], now: number): string {
  const changes = row.map((effect, i) => {
    const name = row[i - 1]?.rule === effect.rule ? "" : `${effect.rule} `
    return `${name}${sayGain(effect, now)}`
  })
  return `moved ${changes.join(" and ")}`
}

function sayGain(effect: CountedEffect, now: number): string {
  const { before, gain, dueAt } = effect
  if (gain !== null) return `by ${sayNumber(gain)}`
  if (before === null)
    return "by an unknown amount (missing data caused the purchase, so there is no earlier value)"
  return canStillBeMeasured(effect, now)
    ? `by a still unknown amount (to be measured after ${sayTime(dueAt)})`
    : `by a still unknown amount (its measurement has been due since ${sayTime(dueAt)})`
}
