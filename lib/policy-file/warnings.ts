import { isSecureAddress } from "../decision/policy/secure-address.ts"
import { durationMs, isRecord } from "../decision/policy/units.ts"
import { takesAlarmPoints, unknownPoints } from "./alarm-points.ts"
import { type Found, records } from "./found.ts"
import { valueAt } from "./issue-text.ts"
import { originOf, problemAt } from "./position.ts"
import type { PolicyProblem } from "./problem.ts"
import type { Source } from "./source.ts"
import type { SupernodeEntry } from "./supernode-entry.ts"

/** What is allowed but will probably surprise. Only for a policy without errors. */
export function warningsOf(main: Source, entries: readonly SupernodeEntry[]): PolicyProblem[] {
  const fleetBudget = valueAt(main.value, ["fleet", "budget"]) !== undefined
  const perSupernode = entries.flatMap((entry) =>
    surprises(entry.merged, fleetBudget).map(({ path, message }) =>
      problemAt(originOf(entry.places, path), message),
    ),
  )
  return [...insecureWebhook(main), ...perSupernode]
}

/** The address is a secret, and the message does not name it. */
function insecureWebhook(main: Source): PolicyProblem[] {
  const path = ["notify", "webhook"]
  const webhook = valueAt(main.value, path)
  if (typeof webhook !== "string" || isSecureAddress(webhook)) return []
  const message = "is not https, and plain http may not leave this machine: nobody is told"
  return [problemAt(originOf([{ source: main, path: [] }], path), message)]
}

function surprises(merged: unknown, fleetBudget: boolean): Found[] {
  const rules = records(valueAt(merged, ["rules"]))
  const ladder = records(valueAt(merged, ["ladder"]))
  const found: Found[] = []
  if (rules.every(takesAlarmPoints)) {
    const message =
      "has only rules on alarms' own points: if an alarm is lost, no tick can find what it would have said"
    found.push({ path: ["rules"], message })
  }
  if (valueAt(merged, ["order", "key_pair_name"]) === undefined) {
    const message = "has no key_pair_name: supernodes can be created only using key pairs"
    found.push({ path: ["order", "key_pair_name"], message })
  }
  return [
    ...found,
    ...unmeasurable(merged, rules),
    ...unknownPoints(merged, rules),
    ...fleetingFloors(merged),
    ...boundless(rules),
    ...uselessSteps(rules, ladder),
    ...unpriced({ merged, ladder, fleetBudget }),
  ]
}

/** An alarm rings when it is bad again, and hardly ever tells how good it was in between. */
function unmeasurable(merged: unknown, rules: readonly Record<string, unknown>[]): Found[] {
  if (valueAt(merged, ["efficacy"]) === undefined) return []
  return rules.flatMap((rule, r) => {
    if (!takesAlarmPoints(rule)) return []
    const message =
      "can be measured after a purchase only by the points of a later delivery of the alarm: until then, efficacy counts that purchase as no gain"
    return [{ path: ["rules", r, "metric", "alarm"], message }]
  })
}

/** Ticks usually come every five minutes. */
const FLEETING_MS = 10 * 60_000

function fleetingFloors(merged: unknown): Found[] {
  return records(valueAt(merged, ["schedules"])).flatMap((schedule, i) => {
    const forMs = durationMs(String(schedule["for"])) ?? Number.POSITIVE_INFINITY
    if (forMs >= FLEETING_MS) return []
    const message = "is so short that no tick may come in time: one every five minutes is usual"
    return [{ path: ["schedules", i, "for"], message }]
  })
}

function uselessSteps(rules: readonly Record<string, unknown>[], ladder: readonly unknown[]): Found[] {
  const most = ladder.length - 1
  return rules.flatMap((rule, r) =>
    records(rule["steps"]).flatMap(({ up }, s) =>
      typeof up === "number" && up > most
        ? [
            {
              path: ["rules", r, "steps", s, "up"],
              message: `reaches beyond the ladder, which has ${most} above its smallest rung`,
            },
          ]
        : [],
    ),
  )
}

interface Pricing {
  merged: unknown
  ladder: readonly Record<string, unknown>[]
  fleetBudget: boolean
}

function unpriced({ merged, ladder, fleetBudget }: Pricing): Found[] {
  const guarded =
    fleetBudget ||
    valueAt(merged, ["limits", "budget"]) !== undefined ||
    valueAt(merged, ["approval"]) !== undefined
  if (!guarded) return []
  return ladder.flatMap((rung, i) => {
    if (rung["price"] !== undefined) return []
    const message =
      i === 0
        ? "has no price: every purchase from here will count with the whole price of the larger rung"
        : "has no price: with a budget or approval set, its purchase will be held as price-unknown"
    return [{ path: ["ladder", i, "price"], message }]
  })
}

/** A "*" beside nothing that says whose: the load of others would buy for this supernode. */
function boundless(rules: readonly Record<string, unknown>[]): Found[] {
  return rules.flatMap((rule, r) => {
    const path = ["metric", "cloud-eye", "dimensions"]
    const dimensions = valueAt(rule, path)
    const names = isRecord(dimensions) ? Object.keys(dimensions) : []
    const [wild] = names
    if (wild === undefined || names.some((name) => valueAt(dimensions, [name]) !== "*")) return []
    const message =
      "means everybody's in this project: no other dimension says whose, and all their load counts"
    return [{ path: ["rules", r, ...path, wild], message }]
  })
}
