import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { decideAndExplain } from "../../lib/decision/decide.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import { EMPTY_STATE, type SupernodeState } from "../../lib/decision/state/state.ts"
import { fold } from "../../lib/decision/transitions/fold.ts"
import { canonicalText, digest } from "../../lib/digest.ts"
import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "../../lib/ledger/next-entry.ts"
import { policySeq } from "../../lib/ledger/policy-of.ts"
import { withFinding } from "../../lib/run/hold-for.ts"
import { stateFindings } from "../../lib/run/preconditions.ts"
import { runCommand } from "../../lib/simulate/scenario/play.ts"
import { type Scenario, type Step, scenarioSchema, WAKES } from "../../lib/simulate/scenario/script.ts"
import { Stage } from "../../lib/simulate/scenario/stage.ts"
import { STAGE } from "../scenarios/default-policy.ts"
import { PROPERTY_TIMEOUT_MS, propertyRuns } from "./runs.ts"

// Random days, played through the real run(): the ledger must be enough to repeat every decision.

const POLICIES = [
  {},
  { sold_out: "next-larger", cooldown: "0s", min_interval: "0s", warmup: "0s" },
  { unknown_outcome: "auto", cooldown: "20m", efficacy: { purchases: 1, min_gain: 5 } },
  {
    cooldown: "0s",
    approval: { above: { amount: 100_000, currency: "CNY" }, approvers: 1 },
    limits: { actions: "2 per 24h", servers: 8, budget: { amount: 400_000, currency: "CNY", per: "month" } },
  },
  {
    cooldown: "0s",
    min_interval: "0s",
    schedules: [{ name: "noon", cron: "0 12 * * *", for: "3h", at_least: 8 }],
  },
]
const approvers = [{ name: "ann" }, { name: "bob" }]
const FLEETS = [{ approvers }, { approvers, fleet: { actions: "2 per 24h" } }]

const ENDINGS = [
  "accepted",
  "lost",
  "vanished",
  "not-sent",
  "throttle",
  "capacity",
  "balance",
  "invalid",
  "state-conflict",
]
const WHATS: object[] = [
  { alarm: {} },
  { alarm: {} },
  { alarm: { again: true } },
  { alarm: { state: "ok" } },
  { alarm: { age: "20m" } },
  { tick: {} },
  { tick: {} },
  { tick: {} },
  { request: { servers: 8 } },
  { request: { servers: 4, mode: "dry-run" } },
  { request: { servers: 16, by: "bob", bypass_cooldown: true } },
  { pause: { lasts: "10m" } },
  { resume: {} },
  { hold: { lasts: "30m" } },
  { approve: { by: "bob" } },
  { settle: { as: "accepted" } },
  { settle: { as: "completed" } },
  { settle: { as: "absent" } },
  { reset: {} },
  { cloud: { add: 1 } },
  { cloud: { delete: ["s3"] } },
  { cloud: { hide: ["s2"] } },
  { cloud: { show: ["s2"] } },
  { cloud: { delivers: 1 } },
  { cloud: { unreadable: ["metrics"] } },
  { cloud: { unreadable: ["offers"], refuses_keys: true } },
  { cloud: { unreadable: [] } },
  { cloud: { sold_out: ["rung-4"] } },
  { cloud: { clock_ahead: "70s" } },
  { cloud: { clock_ahead: "0s" } },
  { policy: { cooldown: "0s" } },
  { mode: "observe" },
  { mode: "live" },
  ...ENDINGS.map((next) => ({ cloud: { next: [next] } })),
]

const days: fc.Arbitrary<Scenario> = fc
  .record({
    policy: fc.constantFrom(...POLICIES),
    file: fc.constantFrom(...FLEETS),
    load: fc.array(fc.constantFrom(97, 97, 90, 70, 40, null), { minLength: 4, maxLength: 4 }),
    steps: fc.array(
      fc.record({
        what: fc.constantFrom(...WHATS),
        after: fc.constantFrom(1, 1, 4, 11, 31, 61),
        on: fc.constantFrom("train-a", "train-a", "train-b"),
      }),
      { minLength: 3, maxLength: 14 },
    ),
  })
  .map(({ policy, file, load, steps }) => {
    let minutes = 9 * 60
    const timeline = steps.map(({ what, after, on }) => {
      minutes += after
      return { at: clock(minutes), on, ...what, ...(WAKES.some((key) => key in what) ? { expect: {} } : {}) }
    })
    const supernodes = { "train-a": 2, "train-b": 2 }
    const curve = load.map((value, i) => ({ from: clock(i * 4 * 60), value }))
    const cases = {
      title: "a day as it might come",
      rule: "none",
      policy,
      file,
      supernodes,
      load: curve,
      timeline,
      orders: 0,
    }
    return scenarioSchema.parse(cases)
  })

function clock(minutes: number): string {
  const [day, rest] = [Math.floor(minutes / 1_440), minutes % 1_440]
  const time = `${String(Math.floor(rest / 60)).padStart(2, "0")}:${String(rest % 60).padStart(2, "0")}`
  return day > 0 ? `+${day}d ${time}` : time
}

/** The chains of such a day, as a store keeps them. */
async function chainsOf(scenario: Scenario): Promise<LedgerEntry[][]> {
  const stage = await Stage.open(scenario, STAGE)
  try {
    for (const step of scenario.timeline) await live(stage, step)
    const chains: LedgerEntry[][] = []
    for await (const stream of stage.ledger.streams()) {
      if (stream === CONTROL_STREAM || stream === FLEET_STREAM) continue
      const chain: LedgerEntry[] = []
      for await (const entry of stage.ledger.read(stream)) chain.push(JSON.parse(entryText(entry)))
      chains.push(chain)
    }
    return chains
  } finally {
    await stage.close()
  }
}

/** Every policy is in its chain once, in the first entry that used it. */
function policyIn(chain: readonly LedgerEntry[], i: number): Policy {
  const entry = chain[i]
  const holders = chain.filter(({ policy, policyHash }) => policy && policyHash === entry?.policyHash)
  expect(holders.map(({ seq }) => seq)).toEqual([entry && policySeq(entry)])
  const [holder] = holders
  if (!holder?.policy || holder.seq > i + 1) throw new Error(`#${i + 1} names a policy that is not there yet`)
  return holder.policy
}

async function live(stage: Stage, step: Step): Promise<void> {
  const on = stage.nameOf(step)
  stage.moveTo(step.at)
  if (step.cloud) stage.changeCloud(on, step.cloud)
  if (step.policy) await stage.changePolicy(step.policy)
  if (step.mode) stage.setMode(step.mode)
  await runCommand(stage, step)
  if (WAKES.some((key) => step[key] !== undefined)) await stage.wake(on, stage.signalOf(step))
}

describe("a ledger", () => {
  it("a ledger contains everything that is needed to repeat each decision, byte for byte", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, async () => {
    let replayed = 0
    await fc.assert(
      fc.asyncProperty(days, async (day) => {
        for (const chain of await chainsOf(day)) {
          for (const [i, { situation, decision }] of chain.entries()) {
            if (!situation || !decision) continue
            const state = (chain[i - 1]?.standing ?? EMPTY_STATE) as SupernodeState
            const policy = policyIn(chain, i)
            expect(digest(policy)).toBe(situation.policyHash)
            const again = { ...situation, policy, state }
            const decided = stateFindings(again).reduce(withFinding, decideAndExplain(again, digest))
            expect(canonicalText(decided)).toBe(canonicalText(decision))
            replayed += 1
          }
        }
      }),
      propertyRuns(25),
    )
    expect(replayed).toBeGreaterThan(25)
  })

  it("applying a ledger's entries gives the state in each entry, and in any order or repetition a valid state", {
    timeout: PROPERTY_TIMEOUT_MS,
  }, async () => {
    const disorders = fc.array(fc.nat(1_000), { maxLength: 40 })
    await fc.assert(
      fc.asyncProperty(days, disorders, async (day, disorder) => {
        for (const chain of await chainsOf(day)) {
          let state: SupernodeState = EMPTY_STATE
          for (const entry of chain) {
            state = fold(state, entry)
            expect(canonicalText(state)).toBe(canonicalText(entry.standing))
          }
          let odd: SupernodeState = EMPTY_STATE
          for (const nth of disorder) {
            const entry = chain[nth % Math.max(1, chain.length)]
            if (entry) odd = fold(odd, entry)
          }
          expect(JSON.parse(canonicalText(odd))).toEqual(odd)
        }
      }),
      propertyRuns(20),
    )
  })
})
