import { beforeEach, describe, expect, it } from "vitest"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { sealEntry } from "../../lib/ledger/entry.ts"
import { stateOf, supernodeStream } from "../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../lib/run/result.ts"
import {
  alarmOf,
  attemptOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  ruleInput,
  SECOND,
  serverOf,
  stateWith,
  supernodeOf,
} from "../decision/builders.ts"
import { World } from "./world.ts"

// No single clock decides about money: neither ours nor the cloud's `Date`. All state that prevents a
// purchase, and every wait, is tested here with each clock wrong or missing.

const STREAM = supernodeStream(policyOf().id)
/** Longer than any state is remembered. */
const FAR = 500 * DAY

let world: World

beforeEach(async () => {
  world = await World.open()
})

/** Errors of the two clocks: our clock, and the `Date` of the cloud's responses. */
interface Clocks {
  title: string
  oursOffMs: number
  /** The cloud's `Date` minus the true time; `null` if responses have no `Date`. */
  dateOffMs: number | null
  refuses?: boolean
}

const WRONG: Clocks[] = [
  { title: "our clock far ahead, no Date", oursOffMs: FAR, dateOffMs: null },
  { title: "our clock far behind, no Date", oursOffMs: -FAR, dateOffMs: null },
  {
    title: "our clock far ahead, refused, no Date",
    oursOffMs: FAR,
    dateOffMs: null,
    refuses: true,
  },
  { title: "our clock far ahead, Date correct", oursOffMs: FAR, dateOffMs: 0 },
  {
    title: "our clock far ahead, refused, Date ok",
    oursOffMs: FAR,
    dateOffMs: 0,
    refuses: true,
  },
  { title: "our clock far behind, Date correct", oursOffMs: -FAR, dateOffMs: 0 },
  { title: "our clock correct, Date far ahead", oursOffMs: 0, dateOffMs: FAR },
  { title: "our clock correct, Date far behind", oursOffMs: 0, dateOffMs: -FAR },
  {
    title: "our clock correct, refused, Date ahead",
    oursOffMs: 0,
    dateOffMs: FAR,
    refuses: true,
  },
  { title: "our clock correct, no Date", oursOffMs: 0, dateOffMs: null },
]

/** A policy for which each state in the table below blocks a purchase. */
const POLICY = policyOf({
  rules: [ruleInput({ repeat: false })],
  limits: { actions: "1 per 30d", servers: 48 },
  schedules: [],
})

/** Runs an alarm at the true time `at`, on a machine with these clocks. */
async function runUnder({ oursOffMs, dateOffMs, refuses = false }: Clocks, at: number): Promise<RunResult> {
  world.now = at + oursOffMs
  const skewMs = dateOffMs === null ? null : dateOffMs - oursOffMs
  world.supernode = refuses
    ? { ok: false, why: "answered 401", credentials: true, skewMs }
    : { ok: true, value: supernodeOf(), skewMs }
  if (world.offers.ok) world.offers = { ...world.offers, skewMs }
  return world.run(alarmOf({ id: world.newId(), at: world.now }), { policy: POLICY })
}

async function remember(state: SupernodeState, at = NOW): Promise<void> {
  const place = { stream: STREAM, seq: 1, prev: "", at, run: "r", writer: "w" }
  await world.ledger.append(sealEntry({ ...place, kind: "observed", mode: "live", standing: state }))
}

const money = { minor: 12_000_000, currency: "CNY" }

/**
 * All state that ends: `endsBy` states what ends it, and `why` gives the reason why a wrong clock must not.
 */
const MEMORY: { what: keyof SupernodeState; endsBy: string; why: string; state: Partial<SupernodeState> }[] =
  [
    {
      what: "purchases",
      endsBy: "confirmed time, 400 days, when an attempt is opened",
      why: "a forgotten purchase would let an order exceed a cap",
      state: { purchases: [{ attempt: "a", at: NOW - DAY, cost: money, state: "booked" }] },
    },
    {
      what: "absent",
      endsBy:
        "confirmed time, 30 days, when an attempt is opened; until then, new servers count by confirmed time",
      why: "servers that appear late show that the order was taken",
      state: { absent: [attemptOf({ openedAt: NOW - DAY, acceptedAt: null })] },
    },
    {
      what: "acted",
      endsBy: "confirmed time, 400 days, when an attempt is opened",
      why: "each start of a schedule may buy only once",
      state: { acted: { "day 2024-01-12T08:00": { at: NOW - DAY, attempt: "a" } } },
    },
    {
      what: "signals",
      endsBy: "confirmed time",
      why: "a repeated signal is a duplicate",
      state: { signals: { "request-1": { run: "r0", seq: 1, at: NOW, keepUntil: NOW + 7 * DAY } } },
    },
    {
      what: "episodes",
      endsBy: "confirmed time",
      why: "an older ALARM must not reopen an episode",
      state: { episodes: { key: { closedAt: NOW } } },
    },
    {
      what: "blocked",
      endsBy: "confirmed time; the wait is judged if both clocks agree",
      why: "a refused flavor must not be ordered too early",
      state: { blocked: { "rung-4": { until: NOW + HOUR, times: 2 } } },
    },
    {
      what: "latches",
      endsBy: "M of N clear points, if both clocks agree",
      why: "a slow clock would read older points",
      state: { latches: { "npu-busy": NOW - FAR - DAY } },
    },
    {
      what: "throttle",
      endsBy: "a settlement or reset; the wait is judged if both clocks agree",
      why: "the cloud requested this wait",
      state: { throttle: { until: NOW + HOUR, times: 1 } },
    },
    {
      what: "breaker",
      endsBy: "a person",
      why: "no time ends a breaker",
      state: { breaker: { class: "quota", since: NOW, says: "s" } },
    },
    {
      what: "completedAt",
      endsBy: "nothing; the cooldown from it is judged if both clocks agree",
      why: "a shortened cooldown would buy twice",
      state: { completedAt: NOW - MINUTE },
    },
    {
      what: "told",
      endsBy: "confirmed time and count",
      why: "a notification is sent at most hourly",
      state: { told: { "breaker quota 1": { at: NOW - HOUR / 2, entry: null } } },
    },
    {
      what: "effects",
      endsBy: "count; measured if both clocks agree",
      why: "a wrong window would measure the load of other periods",
      state: {
        effects: [
          {
            rule: "npu-busy",
            metric: "m",
            before: 97,
            attempt: "a",
            completedAt: NOW,
            after: null,
            gain: null,
          },
        ],
      },
    },
  ]

describe.each(WRONG)("wrong clocks: $title", (clocks) => {
  it.each(MEMORY)(
    "a run with wrong clocks buys nothing and keeps the state's field $what: $why",
    async ({ what, state }) => {
      world.load = what === "latches" ? 10 : 97
      await remember(stateWith({ servers: ["s1", "s2"], ...state }))
      await runUnder(clocks, NOW + MINUTE)
      await runUnder(clocks, NOW + 2 * MINUTE)
      expect(stateOf(await world.ledger.head(STREAM))).toMatchObject({ [what]: state[what] })
      expect(world.orders).toEqual([])
    },
  )

  it("a run with wrong clocks calls no attempt stuck or complete too early, and starts no wait in the past", async () => {
    const accepted = attemptOf({ openedAt: NOW - MINUTE, acceptedAt: NOW - MINUTE })
    await remember(stateWith({ servers: ["s1", "s2"], attempt: accepted }))
    await runUnder(clocks, NOW)
    if (clocks.dateOffMs !== null)
      expect(stateOf(await world.ledger.head(STREAM)).attempt?.state).toBe("accepted")
    const all = ["s1", "s2", "s3", "s4"].map((id) => serverOf(id, { updateAt: NOW }))
    const skewMs = clocks.dateOffMs === null ? null : clocks.dateOffMs - clocks.oursOffMs
    world.supernode = { ok: true, value: supernodeOf({ servers: all }), skewMs }
    await world.run(alarmOf({ id: "done", at: world.now }), { policy: POLICY })
    const { completedAt } = stateOf(await world.ledger.head(STREAM))
    const isSlow = clocks.oursOffMs < 0 && clocks.dateOffMs === null
    if (completedAt !== null) expect(completedAt).toBeGreaterThanOrEqual(isSlow ? accepted.openedAt : NOW)
  })
})

describe("a purchase with wrong clocks", () => {
  it("a run whose clock is 401 days ahead and whose cloud call fails forgets no purchase, even after a reset", async () => {
    const first = await runUnder({ title: "", oursOffMs: 0, dateOffMs: 0 }, NOW)
    expect(first.outcome?.kind).toBe("accepted")
    world.deliver(4)
    await world.run(alarmOf({ id: "seen", at: world.now }), { policy: POLICY })
    await runUnder({ title: "", oursOffMs: 401 * DAY, dateOffMs: 0, refuses: true }, NOW + HOUR)
    world.now = NOW + 2 * HOUR
    await world.say({ verb: "reset", why: "the clock is right again", by: "ann" })
    world.deliver(4)
    const again = await world.run(alarmOf({ id: "again", at: world.now }), {
      policy: policyOf({
        cooldown: "0s",
        min_interval: "0s",
        warmup: "0s",
        limits: { actions: "1 per 30d", servers: 48 },
      }),
    })
    expect(again.decision.kind).toBe("hold")
    expect(again.decision.findings.find(({ gate }) => gate === "action-rate")).toMatchObject({
      reason: "action-rate",
    })
    expect(world.orders).toHaveLength(1)
  })

  it("does not buy if the cloud's responses name no time, even if everything else passes", async () => {
    const held = await runUnder({ title: "", oursOffMs: 0, dateOffMs: null }, NOW)
    expect(held.decision.heldBy).toBe("clock-skewed")
    expect(held.decision.findings.find(({ gate }) => gate === "clock-agrees")?.says).toContain(
      "no Date header",
    )
    const bought = await runUnder({ title: "", oursOffMs: 0, dateOffMs: 0 }, NOW + SECOND)
    expect(bought.outcome?.kind).toBe("accepted")
  })

  it("an entry records the time that the cloud confirmed, and no time if our clock is unconfirmed", async () => {
    await runUnder({ title: "", oursOffMs: 0, dateOffMs: FAR }, NOW)
    await runUnder({ title: "", oursOffMs: 0, dateOffMs: 2 * SECOND }, NOW + MINUTE)
    const entries = await world.entries()
    expect(entries.map(({ kind, confirmedAt }) => [kind, confirmedAt])).toEqual([
      ["decided", null],
      ["opened", NOW + MINUTE + 2 * SECOND],
      ["settled", NOW + MINUTE + 2 * SECOND],
    ])
    // One wrong Date dates no entry ahead, so that no reset is needed afterwards.
    expect(Math.max(...entries.map(({ at }) => at))).toBe(NOW + MINUTE)
  })
})

describe("the arming of a policy", () => {
  it.each([
    ["of a slow clock", -10 * DAY],
    ["of a fast clock", 10 * DAY],
  ])(
    "arm_after starts with the first entry whose time the cloud confirmed, not with an earlier entry %s",
    async (_, oursOffMs) => {
      const policy = policyOf({ arm_after: "3h" })
      const runAt = async (at: number, skewMs: number | null) => {
        world.now = at
        world.supernode = { ok: true, value: supernodeOf(), skewMs }
        if (world.offers.ok) world.offers = { ...world.offers, skewMs }
        return world.run(alarmOf({ id: world.newId(), at }), { policy })
      }
      await runAt(NOW + oursOffMs, null)
      // After an entry from a fast clock, this run dates its own entry no earlier than that one.
      if (oursOffMs > 0) expect((await runAt(NOW, 0)).decision.heldBy).toBe("clock-behind-ledger")
      world.now = NOW
      if (oursOffMs > 0) await world.say({ verb: "reset", why: "dated ahead", by: "ann" })
      expect((await runAt(NOW + MINUTE, 0)).mode).toBe("observe")
      expect((await runAt(NOW + 2 * HOUR, 0)).mode).toBe("observe")
      const armed = await runAt(NOW + 3 * HOUR + 2 * MINUTE, 0)
      expect([armed.mode, armed.outcome?.kind]).toEqual(["live", "accepted"])
    },
  )
})
