import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decideAndExplain, GATES } from "../../lib/decision/decide.ts"
import type { Finding } from "../../lib/decision/decision.ts"
import type { Change, Hint } from "../../lib/decision/explain/change.ts"
import { HINTS } from "../../lib/decision/explain/hints.ts"
import { chooseRung } from "../../lib/decision/ladder/choose-rung.ts"
import { orderCost } from "../../lib/decision/money/cost.ts"
import { planScaleUp } from "../../lib/decision/plan.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import { unreadable } from "../decision/builders.ts"
import { applied } from "./apply.ts"
import { holding, holdingByMoney } from "./holding.ts"
import { PROPERTY_TIMEOUT_MS, propertyRuns } from "./runs.ts"

const FEW = 780

interface Hinted {
  finding: Finding
  hint: Hint
}

function hintsIn(so: Situation): Hinted[] {
  return decideAndExplain(so, digest).findings.flatMap((finding) => {
    const hint = finding.facts["nearest"] as Hint | undefined
    return hint ? [{ finding, hint }] : []
  })
}

/**
 * The gate's verdict after the change; null is not evaluated. A gate that depends only on time is evaluated
 * alone: its rung is the one chosen before, since load, stock and servers do not change during a wait.
 */
function verdictAfter(before: Situation, id: string, change: Change): boolean | null {
  const so = id === "evidence" && change.kind === "wait" ? withoutMetrics(before) : before
  const situation = applied(so, change)
  const gate = GATES.find((one) => one.id === id)
  if (!gate) throw new TypeError(`no gate is called ${id}`)
  const then = { ...situation, now: so.now }
  const offered = () => chooseRung({ ...then, state: { ...then.state, blocked: blocksLeft(so, situation) } })
  const choice =
    id === "evidence" ? chooseRung(situation) : id === "offer-available" ? offered() : chooseRung(then)
  const { target } = choice
  const planOf = () => target && planScaleUp(situation, target, digest)
  const cost = target && orderCost(situation.policy.ladder, target.from, target.to)
  return gate.check({ situation, choice, planOf, cost, digest }).passed
}

interface Raise {
  path: string
  value: number | string
}

/** The values that a hint's text names, read from the text alone; those of one cap or of several. */
function raisesIn({ says }: Hint): Raise[] {
  const raise = /raise ([\w.]+) to at least (?:([\d.]+) CNY|(\d+ per \w+))/g
  return [...says.matchAll(raise)].map(([, path = "", amount, rate = ""]) =>
    amount === undefined ? { path, value: rate } : { path: `${path}.amount`, value: Number(amount) },
  )
}

function waitsIn(change: Change): Change[] {
  if (change.kind === "all") return change.changes.flatMap(waitsIn)
  return change.kind === "wait" ? [change] : []
}

const asPolicy = (raises: Raise[]): Change => ({
  kind: "all",
  changes: raises.map((raise) => ({ kind: "policy", ...raise })),
})

/** Each raise left out once, and each reduced by the smallest unit of the policy. */
function tooLittle(raises: Raise[]): Raise[][] {
  return raises.flatMap((raise, i) => {
    const others = raises.toSpliced(i, 1)
    const less = oneLess({ kind: "policy", ...raise }).flatMap((one) =>
      one.kind === "policy" && typeof one.value === "number" ? [{ ...raise, value: one.value }] : [],
    )
    return [others, ...less.map((one) => [...others, one])]
  })
}

/** A wait for a schedule concerns no metric: rules propose nothing meanwhile. */
function withoutMetrics(so: Situation): Situation {
  return { ...so, readings: unreadable() }
}

/** Blocks of flavors after the change, reduced by its duration. */
function blocksLeft(before: Situation, after: Situation): Situation["state"]["blocked"] {
  return Object.fromEntries(
    Object.entries(after.state.blocked).map(([flavor, { until, times }]) => [
      flavor,
      { until: until - (after.now - before.now), times },
    ]),
  )
}

/**
 * The same change, one step short: a millisecond, a point, a server, a hundredth. Empty if it has no size.
 */
function oneLess(change: Change): Change[] {
  switch (change.kind) {
    case "wait":
      return [{ ...change, until: change.until - 1 }]
    case "points":
      return [{ ...change, count: change.count - 1 }]
    case "person":
      return change.verb === "approve" ? [{ ...change, count: change.count - 1 }] : []
    case "signal":
      return change.what === "newer" ? [{ ...change, from: change.from - 1 }] : []
    case "effect":
      return [{ ...change, gain: change.gain - 0.001 }]
    case "policy": {
      const { path, value } = change
      if (typeof value !== "number") return []
      return [{ ...change, value: path.endsWith(".amount") ? Math.round(value * 100 - 1) / 100 : value - 1 }]
    }
    case "clear":
    case "rung":
    case "cloud":
    case "attempt":
    case "clock":
    case "settings":
    case "all":
      return []
    default:
      return change satisfies never
  }
}

/** An unknown plan cannot be sent along; the gate then says that there is no plan to compare. */
function mayStayOpen(change: Change): boolean {
  return change.kind === "person" && change.verb === "dry-run" && change.planHash === null
}

describe("the hint of a failing gate", () => {
  it("the hint of a failing gate makes that gate pass, and no smaller change does, for every hold reason", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    const met = new Set<string | null>()
    fc.assert(
      fc.property(holding, (so) => {
        for (const { finding, hint } of hintsIn(so)) {
          met.add(finding.reason)
          const { gate } = finding
          const after = verdictAfter(so, gate, hint.change)
          const explained = `${gate} (${finding.reason}): ${hint.says} ${JSON.stringify(hint.change)}`
          if (mayStayOpen(hint.change)) expect(after, explained).not.toBe(false)
          else expect(after, explained).toBe(true)
          // The hint about an unreadable time has no smaller change.
          if (finding.reason === "signal-invalid") continue
          for (const less of oneLess(hint.change)) {
            expect(
              verdictAfter(so, gate, less),
              `${explained}: less is enough, ${JSON.stringify(less)}`,
            ).not.toBe(true)
          }
        }
      }),
      propertyRuns(FEW),
    )
    // A property that never met a reason would prove nothing about its hint.
    expect(Object.keys(HINTS).filter((reason) => !met.has(reason))).toEqual([])
  })

  it("a hint about caps names values that make the gate pass as written, even under several caps", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    const met = new Map<string, number>()
    fc.assert(
      fc.property(holdingByMoney, (so) => {
        for (const { finding, hint } of hintsIn(so)) {
          const { gate, reason } = finding
          const raises = raisesIn(hint)
          const isBudget = reason === "over-budget"
          // A change that one cap allows only after a wait has no value to raise in its text.
          if (!isBudget && !(reason === "action-rate" && hint.change.kind !== "wait")) continue
          const explained = `${gate}: ${hint.says}`
          expect(raises.length, explained).toBeGreaterThan(0)
          const kind = `${reason} ${raises.length}`
          met.set(kind, (met.get(kind) ?? 0) + 1)
          // A rate that only needs a wait may be combined with one that must be raised.
          const waits = isBudget ? [] : waitsIn(hint.change)
          const change = (some: Raise[]): Change => ({ kind: "all", changes: [asPolicy(some), ...waits] })
          expect(verdictAfter(so, gate, change(raises)), explained).toBe(true)
          for (const less of tooLittle(raises))
            expect(verdictAfter(so, gate, change(less)), `${explained}: ${JSON.stringify(less)}`).toBe(false)
        }
      }),
      propertyRuns(FEW / 2),
    )
    expect([...met.keys()]).toEqual(
      expect.arrayContaining(["over-budget 1", "over-budget 2", "action-rate 1", "action-rate 2"]),
    )
  })

  it("a decision with hints is plain JSON and always the same, so the decision can be repeated byte for byte", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    fc.assert(
      fc.property(holding, (so) => {
        const decision = decideAndExplain(so, digest)
        const text = JSON.stringify(decision)
        expect(JSON.stringify(decideAndExplain(structuredClone(so), digest))).toBe(text)
        for (const { facts } of decision.findings) {
          if (facts["nearest"] !== undefined)
            expect(JSON.parse(JSON.stringify(facts["nearest"]))).toStrictEqual(facts["nearest"])
        }
      }),
      propertyRuns(FEW / 6),
    )
  })
})
