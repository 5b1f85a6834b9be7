import { describe, expect, it } from "vitest"
import { dueNotifications } from "../../../lib/decision/explain/notifications.ts"
import type { PendingAction, PendingActionFacts } from "../../../lib/decision/explain/pending-action.ts"
import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { fold } from "../../../lib/decision/transitions/fold.ts"
import { attemptOf, DAY, effectOf, HOUR, MINUTE, NOW, stateWith } from "../builders.ts"

const HASH = `sha256:${"a".repeat(64)}`
const plan: ScaleUpPlan = {
  hash: HASH,
  flavor: "rung-4",
  from: 2,
  to: 4,
  cost: { amount: 120_000, currency: "CNY" },
  request: { method: "POST", url: "https://modelarts.test/x", body: { flavor: "rung-4", image_id: "i" } },
}
const held = (heldBy: string | null): PendingActionFacts["decision"] => ({ heldBy, findings: [] })
const breaker = { class: "balance" as const, since: NOW - HOUR, says: "400 ModelArts.1: no money" }
const wanted = stateWith({
  lastDecision: { at: NOW - MINUTE, kind: "hold", heldBy: "approval-needed", to: 4, planHash: HASH },
})

function due(state: SupernodeState, over: Partial<PendingActionFacts> = {}): PendingAction | null {
  const facts = { name: "train-a", state, decision: held(null), plan: null, now: NOW, ...over }
  return dueNotifications({ ...facts, wants: () => true, file: null })[0]?.action ?? null
}

/** The state after a notification at `at`. */
function notifiedAt(at: number, state: SupernodeState, { about } = dueAction(state)): SupernodeState {
  const observation = { kind: "telling" as const, says: "s", attempt: null, servers: [], present: null, at }
  const event = { seq: 9, run: "r", at, kind: "observed" as const }
  return fold(state, {
    ...event,
    observation: { ...observation, telling: { about, entry: { seq: 8, hash: "h" } } },
  })
}

function dueAction(state: SupernodeState, over: Partial<PendingActionFacts> = {}): PendingAction {
  const found = due(state, over)
  if (!found) throw new Error("nothing waits")
  return found
}

describe("the state that waits for a person", () => {
  it.each(["unknown", "stuck", "partial", "wrong"] as const)(
    "an attempt that is %s waits for a person, with its order and the command that settles it",
    (attemptState) => {
      const attempt = attemptOf({ state: attemptState, says: "came to a pass" })
      expect(due(stateWith({ attempt }))).toMatchObject({
        state: attemptState,
        says: "the attempt of 2024-01-12T16:00:00.000Z to go from 2 to 4 servers (rung-4, order CS2401120001) came to a pass. Nothing more is bought until a person settles it",
        todo: "supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO",
        since: NOW - HOUR,
        attempt: "attempt-1",
        orderId: "CS2401120001",
        planHash: null,
      })
    },
  )

  it.each(["open", "accepted"] as const)("an attempt that is %s does not wait for a person", (state) => {
    expect(due(stateWith({ attempt: attemptOf({ state }) }))).toBeNull()
  })

  it("a breaker waits for a person, with the cloud's message and the command that resets it", () => {
    expect(due(stateWith({ breaker }))).toMatchObject({
      state: "breaker",
      says: expect.stringContaining(
        "refused (balance) at 2024-01-12T16:00:00.000Z: 400 ModelArts.1: no money",
      ),
      todo: "supernode-autoscaler reset train-a --why TEXT --by WHO",
      since: NOW - HOUR,
      attempt: null,
    })
  })

  it("an approval waits for a person if nothing else is missing, with the plan and the command that approves it", () => {
    const finding = {
      gate: "approved",
      passed: false,
      reason: "approval-needed",
      says: "2 are needed",
      facts: {},
    }
    expect(due(wanted, { plan, decision: { heldBy: "approval-needed", findings: [finding] } })).toMatchObject(
      {
        state: "approval-needed",
        says: "the purchase from 2 to 4 servers (rung-4) needs approval: 2 are needed",
        todo: `supernode-autoscaler approve ${HASH} --by WHO`,
        since: NOW - MINUTE,
        planHash: HASH,
      },
    )
  })

  it("the notification of an attempt that waits for a person names no order if no order id is known", () => {
    const state = stateWith({ attempt: attemptOf({ state: "unknown", orderId: null, says: "is so" }) })
    expect(due(state)?.says).toContain("to go from 2 to 4 servers (rung-4) is so. ")
  })

  it("a missing approval waits for a person even if no finding explains the approval", () => {
    const finding = { gate: "cooldown-over", passed: true, reason: null, says: "over", facts: {} }
    const decision = { heldBy: "approval-needed", findings: [finding] }
    expect(due(wanted, { plan, decision })?.says).toBe(
      "the purchase from 2 to 4 servers (rung-4) needs approval: its price is above approval.above",
    )
  })

  it("an efficacy stop waits for a person only if the decision stopped because of the newest measured purchase", () => {
    const measured = (attempt: string) => effectOf({ attempt, after: 96, gain: 1 })
    const state = stateWith({ effects: [measured("a1"), measured("a2")] })
    const stopped = (newest: string, passed: boolean | null = false, isStopped = true) => ({
      ...held("efficacy"),
      findings: [
        {
          gate: "efficacy",
          passed,
          reason: "efficacy",
          says: "gained too little",
          facts: { stopped: isStopped, newest },
        },
      ],
    })
    expect(due(state, { decision: stopped("a2") })).toMatchObject({
      state: "efficacy",
      about: "efficacy a2",
      says: "gained too little",
      since: NOW - HOUR,
      attempt: "a2",
    })
    expect(due(state, { decision: stopped("a1") })).toBeNull()
    expect(due(state, { decision: stopped("a2", null) })).toBeNull()
    expect(due(state, { decision: stopped("a2", false, false) })).toBeNull()
    expect(due(stateWith({ effects: [] }), { decision: stopped("a2") })).toBeNull()
  })

  it("a missing approval waits for a person only if no other gate holds and the newest decision needs the approval", () => {
    expect(due(wanted, { plan, decision: held("paused") })).toBeNull()
    expect(due(stateWith(), { plan, decision: held("approval-needed") })).toBeNull()
  })

  it.each(["cooldown", "in-flight", "backoff", "not-breaching"])(
    "nothing waits for a person if a run merely held for %s",
    (reason) => {
      expect(due(stateWith(), { decision: held(reason) })).toBeNull()
    },
  )

  it("an attempt that waits for a person is reported instead of an open breaker", () => {
    const state = stateWith({ attempt: attemptOf({ state: "unknown" }), breaker })
    expect(due(state)?.state).toBe("unknown")
  })
})

describe("the interval of notifications", () => {
  const unknown = stateWith({ attempt: attemptOf({ state: "unknown" }) })

  it.each([
    ["a moment ago is not due again", 0, false],
    ["a millisecond less than an hour ago is not due again", HOUR - 1, false],
    ["an hour ago is due again", HOUR, true],
    ["a day ago is due again", DAY, true],
    ["by a clock that was ten minutes ahead is not due again", -10 * MINUTE, false],
    ["by a clock that was a day ahead is due again", -DAY, true],
  ])("a state that was notified %s", (_, ago, isDue) => {
    expect(due(notifiedAt(NOW - ago, unknown)) !== null).toBe(isDue)
  })

  it("notifies of a new state at once, even if another state was notified within the hour", () => {
    const notified = notifiedAt(NOW, unknown)
    expect(due({ ...notified, attempt: attemptOf({ state: "stuck" }) })?.state).toBe("stuck")
    expect(due({ ...notified, attempt: attemptOf({ state: "unknown", id: "attempt-2" }) })?.attempt).toBe(
      "attempt-2",
    )
    expect(due({ ...notified, attempt: null, breaker })?.state).toBe("breaker")
  })

  it("notifies of two alternating plans once an hour each", () => {
    const other = { ...plan, hash: `sha256:${"b".repeat(64)}` }
    const decision = held("approval-needed")
    const first = notifiedAt(NOW, wanted, dueAction(wanted, { plan, decision }))
    const both = notifiedAt(NOW, first, dueAction(first, { plan: other, decision }))
    expect(due(both, { plan, decision })).toBeNull()
    expect(due(both, { plan: other, decision })).toBeNull()
  })

  it("notifies again of an attempt that was settled as accepted and is stuck once more", () => {
    const stuck = (acceptedAt: number) => stateWith({ attempt: attemptOf({ state: "stuck", acceptedAt }) })
    const { told = {} } = notifiedAt(NOW, stuck(NOW - HOUR))
    expect(due({ ...stuck(NOW - MINUTE), told })).not.toBeNull()
  })

  it("notifies again of a breaker that was reset and opened again", () => {
    const { told = {} } = notifiedAt(NOW, stateWith({ breaker }))
    expect(due(stateWith({ breaker: { ...breaker, since: NOW - MINUTE }, told }))).not.toBeNull()
  })
})

describe("the record of a notification", () => {
  const unknown = stateWith({ attempt: attemptOf({ state: "unknown" }) })

  it("the record of a notification contains the time and the entry that the notification names, and nothing else", () => {
    const { told, ...rest } = notifiedAt(NOW, unknown)
    expect(told).toEqual({ [dueAction(unknown).about]: { at: NOW, entry: { seq: 8, hash: "h" } } })
    expect(rest).toEqual(unknown)
  })

  it("the record of a notification does not change after a failed delivery, so the next try is an hour later", () => {
    const notified = notifiedAt(NOW, unknown)
    const observation = {
      kind: "not-told" as const,
      says: "s",
      attempt: null,
      servers: [],
      present: null,
      at: NOW,
    }
    expect(fold(notified, { kind: "observed", seq: 10, at: NOW, run: "r", observation })).toEqual(notified)
  })

  it("the record of a notification is forgotten after a week of confirmed time", () => {
    const later = (at: number, confirmedAt: number | null = at) =>
      fold(notifiedAt(NOW, unknown), { kind: "decided", seq: 10, at, run: "r", confirmedAt })
    expect(Object.keys(later(NOW + 7 * DAY - 1).told ?? {})).toHaveLength(1)
    expect(later(NOW + 7 * DAY).told).toEqual({})
    expect(Object.keys(later(NOW + 7 * DAY, null).told ?? {})).toHaveLength(1)
  })

  it("the state has no record of notifications if none was sent", () => {
    expect(fold(unknown, { kind: "decided", seq: 1, at: NOW, run: "r" })).not.toHaveProperty("told")
  })
})
