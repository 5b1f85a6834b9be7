import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import { worstCase, worstCaseOfAll } from "../../lib/decision/money/worst-case.ts"
import { planScaleUp } from "../../lib/decision/plan.ts"
import { moneyOf } from "../../lib/decision/policy/money.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { NO_CONTROL } from "../../lib/decision/state/control.ts"
import type { Purchase } from "../../lib/decision/state/purchases.ts"
import { EMPTY_STATE, type SupernodeState } from "../../lib/decision/state/state.ts"
import { fold } from "../../lib/decision/transitions/fold.ts"
import type { ChainEvent } from "../../lib/decision/transitions/ledger-event.ts"
import { digest } from "../../lib/digest.ts"
import {
  DAY,
  HOUR,
  offersOf,
  type PolicyInput,
  policyOf,
  read,
  requestOf,
  serverOf,
  situationOf,
  supernodeOf,
} from "../decision/builders.ts"
import { accepted } from "../run/world.ts"
import { PROPERTY_TIMEOUT_MS, propertyRuns } from "./runs.ts"

// An adversary who controls the clock, the cloud and a person who approves everything and bypasses every
// cooldown. Servers are deleted by hand and bought again, as often as the real decision allows.

const START = Date.parse("2026-03-01T00:00:00Z")
const WAITS = [0, 1, HOUR - 1, HOUR, DAY - 1, DAY, DAY + 1, 7 * DAY, 30 * DAY]
const money = (amount: number) => ({ amount, currency: "CNY" })

const rungs = (prices: readonly (number | null)[]) =>
  prices.map((price, i) => ({
    flavor: `rung-${i + 1}`,
    servers: i + 1,
    ...(price === null ? {} : { price: { ...money(price), per: "month" as const } }),
  }))

const policies: fc.Arbitrary<Policy> = fc
  .record({
    prices: fc.array(fc.constantFrom(null, 10, 20, 35, 7), { minLength: 2, maxLength: 4 }),
    actions: fc.constantFrom("1 per 1h", "2 per 24h", "3 per 7d", "1 per 30d"),
    servers: fc.constantFrom(2, 3, 48),
    budget: fc.constantFrom(
      undefined,
      { ...money(40), per: "24h" },
      { ...money(60), per: "30d" },
      { ...money(50), per: "month" },
    ),
    timezone: fc.constantFrom("UTC", "Asia/Shanghai", "America/New_York"),
  })
  .map(({ prices, actions, servers, budget, timezone }) => {
    const limits: PolicyInput["limits"] = { actions, servers, ...(budget ? { budget } : {}) }
    return policyOf(
      { ladder: rungs(prices), limits, cooldown: "1h", min_interval: "30m", warmup: "0s" },
      { timezone },
    )
  })

interface Move {
  wait: number
  /** Present and wanted servers, as rungs of the ladder. */
  from: number
  to: number
  isPerson: boolean
}

const moves = fc.array(
  fc.record({
    wait: fc.constantFrom(...WAITS),
    from: fc.constantFrom(0, 0, 0, 1, 2),
    to: fc.constantFrom(1, 2, 3, 3),
    isPerson: fc.boolean(),
  }),
  { minLength: 10, maxLength: 50 },
)

/** All purchases that the policy allows during these moves. */
function play(policy: Policy, game: readonly Move[]): Purchase[] {
  let state: SupernodeState = EMPTY_STATE
  let now = START
  let seq = 0
  const bought: Purchase[] = []
  for (const [i, { wait, from, to }] of game.entries()) {
    now += wait
    const counts = policy.ladder.map(({ servers }) => servers)
    const present = counts[from % counts.length] ?? 1
    const wanted = counts[to % counts.length] ?? 1
    const servers = Array.from({ length: present }, (_, n) =>
      serverOf(`s${n + 1}`, { createAt: START - 30 * DAY }),
    )
    const ask = requestOf({ id: `r${i}`, at: now, servers: wanted, bypassCooldown: true, mode: "live" })
    const seen = situationOf({
      policy,
      now,
      headAt: now,
      state: { ...state, servers: null },
      control: read(NO_CONTROL),
      supernode: read(supernodeOf({ servers })),
      offers: read(offersOf(...policy.ladder.map(({ flavor }) => flavor))),
      signal: ask,
    })
    const { target } = decide(seen, digest)
    if (!target) continue
    // The person was shown this very plan.
    const plan = planScaleUp(seen, target, digest)
    const situation = { ...seen, signal: { ...ask, planHash: plan.hash } }
    const decision = decide(situation, digest)
    if (decision.kind !== "scale-up") continue
    const attempt = { id: `a${i}`, openedAt: now, sendBefore: now + 30_000, deadline: now + 90_000 }
    const common = { at: now, run: `run-${i}`, plan, attempt }
    const events: ChainEvent[] = [
      { ...common, seq: ++seq, kind: "opened", decision, situation },
      { ...common, seq: ++seq, kind: "settled", outcome: accepted },
      {
        ...common,
        seq: ++seq,
        kind: "observed",
        observation: {
          kind: "completed",
          says: "is complete",
          attempt: attempt.id,
          servers: [],
          present: [],
          at: now,
        },
      },
    ]
    state = events.reduce(fold, state)
    bought.push({ attempt: attempt.id, at: now, cost: plan.cost && moneyOf(plan.cost), state: "booked" })
  }
  return bought
}

function monthOf(timezone: string, at: number): string {
  return new Intl.DateTimeFormat("en-CA", { timeZone: timezone, year: "numeric", month: "2-digit" }).format(
    at,
  )
}

/** The most expensive 24 hours, and the most expensive calendar month. */
function fullest(bought: readonly Purchase[], timezone: string) {
  const stretches = {
    day: bought.map(({ at }) => bought.filter((other) => other.at > at - DAY && other.at <= at)),
    month: bought.map(({ at }) =>
      bought.filter((other) => monthOf(timezone, other.at) === monthOf(timezone, at)),
    ),
  }
  const most = (groups: Purchase[][]) => ({
    purchases: Math.max(0, ...groups.map((group) => group.length)),
    minor: Math.max(
      0,
      ...groups.map((group) => group.reduce((sum, { cost }) => sum + (cost?.minor ?? 0), 0)),
    ),
  })
  return { day: most(stretches.day), month: most(stretches.month) }
}

describe("the worst-case bill", () => {
  it("the worst-case bill is never exceeded, whatever an adversary does", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, () => {
    let purchases = 0
    fc.assert(
      fc.property(policies, moves, (policy, game) => {
        const bought = play(policy, game)
        purchases += bought.length
        const bill = worstCase(policy)
        const seen = fullest(bought, policy.timezone)
        for (const window of ["day", "month"] as const) {
          expect(seen[window].purchases).toBeLessThanOrEqual(bill[window].purchases)
          if (bill[window].spend) expect(seen[window].minor).toBeLessThanOrEqual(bill[window].spend.minor)
        }
        if (!bill.day.spend) expect(policy.ladder.some(({ price }) => price === null)).toBe(true)
      }),
      propertyRuns(60),
    )
    // An adversary without a purchase proves nothing.
    expect(purchases).toBeGreaterThan(200)
  })

  it("the worst-case bill of a day is reached if the most expensive step is bought whenever the caps allow it", () => {
    const policy = policyOf({ ladder: rungs([10, 20, 35]), limits: { actions: "2 per 24h", servers: 48 } })
    const hourly = Array.from({ length: 31 * 24 }, () => ({ wait: HOUR, from: 0, to: 2, isPerson: true }))
    const seen = fullest(play(policy, hourly), "UTC")
    expect(worstCase(policy).day).toMatchObject({ purchases: 2, spend: { minor: 5_000, currency: "CNY" } })
    expect(seen.day).toEqual({ purchases: 2, minor: 5_000 })
    // A month with an extra hour, as when clocks are set back, could begin one more span of 24 hours.
    expect(worstCase(policy).month.purchases).toBe(64)
    expect(seen.month.purchases).toBe(62)
  })

  it("the worst-case bill is limited by the budget, and by two months' budgets for a day that spans two months", () => {
    const limits = { actions: "9 per 1h", servers: 48, budget: { ...money(50), per: "month" as const } }
    const bill = worstCase(policyOf({ ladder: rungs([10, 35]), limits }))
    expect(bill.day.spend).toEqual({ minor: 10_000, currency: "CNY" })
    expect(bill.month.spend).toEqual({ minor: 5_000, currency: "CNY" })
  })

  it("the worst-case bill names the cap that limits it, and shows the calculation", () => {
    const limits = { actions: "2 per 24h", servers: 48, budget: { ...money(40), per: "30d" } }
    const bill = worstCase(policyOf({ ladder: rungs([10, 35]), limits }))
    expect(bill.day.says).toBe("limits.budget: 40 CNY per 30d")
    expect(bill.month.says).toBe("limits.budget: 40 CNY per 30d, 2 times in a month")
    const free = policyOf({ ladder: rungs([10, 35]), limits: { actions: "2 per 24h", servers: 48 } })
    expect(worstCase(free).month.says).toBe(
      "64 purchases (limits.actions: 2 per 1d, 32 times in a month) of 25 CNY for 1 -> 2 servers",
    )
    expect(worstCaseOfAll([free, free]).day.says).toBe("the sum of 2 supernodes")
    const fleet = { actions: { count: 3, perMs: DAY }, budget: null }
    expect(
      worstCaseOfAll([
        { ...free, fleet },
        { ...free, fleet },
      ]).day.says,
    ).toBe("3 purchases (fleet.actions: 3 per 1d) of 25 CNY for 1 -> 2 servers")
  })

  it("without a budget, a rung without a price makes the worst-case bill unknown, except the number of purchases", () => {
    const bill = worstCase(
      policyOf({ ladder: rungs([10, null]), limits: { actions: "1 per 1h", servers: 48 } }),
    )
    expect(bill.day).toMatchObject({ purchases: 24, spend: null })
  })

  it("the worst-case bill of several supernodes is their sum, limited by their fleet caps", () => {
    const one = policyOf({ ladder: rungs([10, 35]), limits: { actions: "2 per 24h", servers: 48 } })
    expect(worstCaseOfAll([one, one]).day).toMatchObject({
      purchases: 4,
      spend: { minor: 10_000, currency: "CNY" },
    })
    const fleet = {
      actions: { count: 3, perMs: DAY },
      budget: { minor: 6_000, currency: "CNY", per: 30 * DAY },
    }
    const shared = { ...one, fleet }
    expect(worstCaseOfAll([shared, shared]).day).toMatchObject({
      purchases: 3,
      spend: { minor: 6_000, currency: "CNY" },
    })
    expect(worstCaseOfAll([shared, shared]).month).toMatchObject({
      purchases: 96,
      spend: { minor: 12_000, currency: "CNY" },
    })
  })
})
