import { describe, expect, it } from "vitest"
import { decide } from "../../../lib/decision/decide.ts"
import { planScaleUp } from "../../../lib/decision/plan.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { type Approval, NO_CONTROL, type OperatorCommand } from "../../../lib/decision/state/control.ts"
import type { Observation } from "../../../lib/decision/state/observation.ts"
import type { Outcome } from "../../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { fold } from "../../../lib/decision/transitions/fold.ts"
import type { ChainEvent } from "../../../lib/decision/transitions/ledger-event.ts"
import { digest } from "../../../lib/digest.ts"
import {
  attemptOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  read,
  readingOf,
  ruleInput,
  SECOND,
  serverOf,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
} from "../builders.ts"

// State that an attempt leaves from the moment it is opened, whatever reports its outcome, and in whichever
// order.

const attempt = attemptOf({ state: "open", acceptedAt: null, orderId: null, latching: ["npu-busy"] })
const { id, openedAt, cost } = attempt
const older = { attempt: "attempt-0", at: openedAt - DAY, cost, state: "booked" as const }
const reserved = { attempt: id, at: openedAt, cost, state: "reserved" as const }
const booked = { ...reserved, state: "booked" as const }
const open = stateWith({
  attempt,
  openedAt,
  purchases: [older, reserved],
  latches: { "npu-busy": openedAt, "queue-long": openedAt - DAY },
  servers: ["s1", "s2"],
})
const before = { purchases: [older], latches: { "queue-long": openedAt - DAY } }

const ANSWERED = { status: 200, requestId: null, raw: null }
const ACCEPTED: Outcome = { kind: "accepted", orderId: "CS9", servers: [], ...ANSWERED }
const UNKNOWN: Outcome = {
  kind: "unknown",
  reason: "timeout",
  says: "no response came",
  code: null,
  ...ANSWERED,
}
const NOT_SENT: Outcome = { kind: "not-sent", reason: "refused", says: "connection refused" }
const REFUSED: Outcome = {
  kind: "rejected",
  class: "balance",
  code: "ModelArts.1",
  message: "no money",
  retryAfterMs: null,
  ...ANSWERED,
  status: 400,
}

function event(over: Partial<ChainEvent>): ChainEvent {
  return { kind: "settled", seq: 7, at: NOW, run: "run-7", ...over }
}

function settle(
  state: SupernodeState,
  outcome: Outcome,
  of: Pick<OpenAttempt, "id"> = attempt,
): SupernodeState {
  return fold(state, event({ attempt: { ...attempt, id: of.id }, outcome }))
}

function command(state: SupernodeState, over: Partial<OperatorCommand & { verb: "settle" }>): SupernodeState {
  const said: OperatorCommand = {
    verb: "settle",
    attempt: id,
    as: "accepted",
    why: "asked the cloud",
    by: "ops",
    servers: null,
    ...over,
  }
  return fold(state, event({ kind: "said", said }))
}

function observe(state: SupernodeState, over: Partial<Observation>): SupernodeState {
  const observation: Observation = {
    kind: "accepted",
    says: "is seen to be there",
    attempt: id,
    servers: [],
    present: null,
    at: NOW - MINUTE,
    ...over,
  }
  return fold(state, event({ kind: "observed", observation }))
}

describe("an attempt that is opened", () => {
  const policy = policyOf({
    rules: [
      ruleInput({ name: "once", repeat: false }),
      ruleInput({ name: "calm-once", repeat: false, above: 99 }),
      ruleInput({ name: "again" }),
    ],
  })
  const readings = read(policy.rules.map(({ name }) => readingOf([97, 97, 97, 97, 97], { rule: name })))
  const supernode = read(supernodeOf({ servers: [...serversOf(2), serverOf("gone", { status: "DELETED" })] }))

  function openWith(approvals: Omit<Approval, "by" | "planHash">[], ofOther = false): SupernodeState {
    const situation = situationOf({ policy, readings, supernode })
    const decision = decide(situation, digest)
    const plan = decision.target && planScaleUp(situation, decision.target, digest)
    if (!plan) throw new Error("there is no plan to open")
    const planHash = ofOther ? "sha256:other" : plan.hash
    const control = { ...NO_CONTROL, approvals: approvals.map(({ at }) => ({ at, planHash, by: "boss" })) }
    const { state: _before, ...kept } = { ...situation, control: read(control) }
    const record = { id, openedAt, sendBefore: openedAt + SECOND, deadline: openedAt + MINUTE }
    return fold(
      stateWith({ purchases: [older], latches: { kept: 5 } }),
      event({ kind: "opened", attempt: record, plan, decision, situation: kept }),
    )
  }

  it("an opened attempt reserves its money, latches the rules with repeat: false, and records the servers", () => {
    expect(openWith([])).toMatchObject({
      attempt: {
        id,
        run: "run-7",
        seq: 7,
        state: "open",
        says: "is open: it was or is being sent",
        rules: ["once", "again"],
        latching: ["once"],
        before: ["s1", "s2"],
        flavor: "rung-4",
        from: 2,
        to: 4,
      },
      openedAt,
      purchases: [older, reserved],
    })
    expect(openWith([]).latches).toEqual({ once: openedAt, kept: 5 })
  })

  it("an opened attempt uses up the approvals of its plan only, even an approval that a faster clock dated later", () => {
    expect(openWith([{ at: openedAt - HOUR }]).openedAt).toBe(openedAt)
    expect(openWith([{ at: openedAt - HOUR }, { at: openedAt + 20 * SECOND }]).openedAt).toBe(
      openedAt + 20 * SECOND,
    )
    expect(openWith([{ at: openedAt + 20 * SECOND }], true).openedAt).toBe(openedAt)
  })
})

describe("the answer to an attempt", () => {
  it.each([
    ["not sent", NOT_SENT],
    ["refused", REFUSED],
  ])("an attempt that was %s releases its own money and latches only", (_, outcome) => {
    const next = settle(open, outcome)
    expect(next).toMatchObject({ attempt: null, purchases: before.purchases })
    expect(next.latches).toEqual(before.latches)
  })

  it("an accepted attempt books its own money only", () => {
    expect(settle(open, ACCEPTED)).toMatchObject({
      attempt: { state: "accepted", says: "was accepted and is being provisioned", acceptedAt: NOW },
      purchases: [older, booked],
      latches: open.latches,
    })
  })

  it("an accepted attempt does not latch again a rule that has cleared meanwhile", () => {
    expect(settle({ ...open, latches: {} }, ACCEPTED).latches).toEqual({})
  })

  it("an unknown outcome gives its reason, even after a tick has recorded the missing response", () => {
    const noticed = observe(open, { kind: "unknown", says: "is open past its deadline" })
    expect(noticed.attempt).toMatchObject({ state: "unknown", says: "is open past its deadline" })
    expect(settle(noticed, UNKNOWN).attempt).toMatchObject({
      state: "unknown",
      says: "has an unknown outcome: no response came",
    })
  })

  it.each(["accepted", "stuck", "partial", "wrong"] as const)(
    "an unknown outcome does not overwrite a known one: %s",
    (state) => {
      const found = { ...open, attempt: { ...attempt, state } }
      expect(settle(found, UNKNOWN)).toEqual(found)
    },
  )

  it("an outcome changes nothing if its attempt is neither open nor settled as absent", () => {
    const state = { ...open, absent: [attemptOf({ id: "attempt-a" })] }
    for (const outcome of [ACCEPTED, REFUSED, NOT_SENT, UNKNOWN])
      expect(settle(state, outcome, { id: "stranger" })).toEqual(state)
  })
})

describe("the late answer to an attempt that a person had settled as absent", () => {
  const [mine, other] = [attempt, attemptOf({ id: "attempt-a", openedAt: openedAt - HOUR })]
  const absent = stateWith({ ...before, absent: [other, mine] })

  it("an attempt that was settled as absent and accepted late holds as wrong, counts its money and latches its rules", () => {
    const next = settle(absent, ACCEPTED)
    expect(next).toMatchObject({
      attempt: {
        id,
        state: "wrong",
        says: "was settled as absent, and the cloud accepted it after all",
        orderId: "CS9",
        acceptedAt: NOW,
      },
      absent: [other],
      purchases: [older, booked],
    })
    expect(next.latches).toEqual(open.latches)
  })

  it("an attempt that was settled as absent and accepted during another attempt counts its money at once", () => {
    const newer = attemptOf({ id: "attempt-2" })
    const next = settle({ ...absent, attempt: newer }, ACCEPTED)
    expect(next.attempt).toEqual(newer)
    expect(next.absent).toEqual([other, { ...mine, orderId: "CS9", acceptedAt: NOW }])
    expect(next.purchases).toEqual([older, booked])
  })

  it("an attempt that was settled as absent is forgotten once its outcome shows that no order was sent", () => {
    expect(settle(absent, NOT_SENT)).toEqual({ ...absent, absent: [other] })
  })

  it("an attempt that was settled as absent is forgotten once the cloud refuses it, and the refusal opens the breaker", () => {
    expect(settle(absent, REFUSED)).toEqual({
      ...absent,
      absent: [other],
      breaker: { class: "balance", since: NOW, says: "400 ModelArts.1: no money" },
    })
  })

  it("a refusal without a message reports the code alone", () => {
    const { breaker } = settle(absent, { ...REFUSED, message: null })
    expect(breaker?.says).toBe("400 ModelArts.1")
  })

  it("an attempt that was settled as absent does not change if its outcome arrives as unknown", () => {
    expect(settle(absent, UNKNOWN)).toEqual(absent)
  })
})

describe("the observation of an attempt", () => {
  it("an attempt that is observed as accepted books its money", () => {
    expect(observe(open, { kind: "accepted" })).toMatchObject({
      attempt: { id, state: "accepted", says: "is seen to be there", acceptedAt: NOW },
      purchases: [older, booked],
    })
  })

  it("an attempt that was settled as absent holds as wrong and counts its money if its servers appear", () => {
    const other = attemptOf({ id: "attempt-a" })
    const absent = stateWith({ ...before, absent: [other, attempt] })
    expect(observe(absent, { kind: "wrong", says: "came after all" })).toMatchObject({
      attempt: { id, state: "wrong", says: "came after all" },
      absent: [other],
      purchases: [older, booked],
      latches: open.latches,
    })
  })

  it.each(["completed", "accepted", "partial", "stuck", "unknown", "wrong"] as const)(
    "an observation as %s changes nothing if the attempt has been closed meanwhile",
    (kind) => {
      expect(observe(open, { kind, attempt: "closed" })).toEqual(open)
    },
  )

  it("external servers count with their newest time for the cooldown, even if one of them is gone again", () => {
    const arrival = {
      kind: "out-of-band" as const,
      attempt: null,
      servers: ["n1", "n2"],
      present: ["s1", "n1"],
    }
    expect(observe({ ...open, foreignAt: NOW - HOUR }, arrival)).toMatchObject({
      foreignAt: NOW - MINUTE,
      servers: ["s1", "n1"],
    })
    expect(observe({ ...open, foreignAt: NOW }, arrival).foreignAt).toBe(NOW)
    expect(observe({ ...open, foreignAt: null }, arrival).foreignAt).toBe(NOW - MINUTE)
  })

  it("external servers that are observed without a full list of servers are not added to the known servers", () => {
    const unlisted = { kind: "out-of-band" as const, attempt: null, servers: ["n1"], present: null }
    expect(observe({ ...open, servers: ["s1", "n1"], foreignAt: null }, unlisted)).toMatchObject({
      servers: ["s1", "n1"],
      foreignAt: NOW - MINUTE,
    })
    expect(observe({ ...open, servers: null, foreignAt: null }, unlisted)).toMatchObject({
      servers: [],
      foreignAt: null,
    })
  })
})

describe("an operator command about an attempt", () => {
  const unknown = settle(open, UNKNOWN)

  it("an attempt settled as accepted names the person and the reason", () => {
    expect(command(unknown, { as: "accepted" }).attempt).toMatchObject({
      state: "accepted",
      says: "was settled as accepted by ops: asked the cloud",
      acceptedAt: NOW,
    })
  })

  it.each(["accepted", "completed", "absent"] as const)(
    "a settlement as %s that names an attempt that is not open changes nothing",
    (as) => {
      expect(command(unknown, { as, attempt: "other" })).toEqual(unknown)
      expect(command({ ...unknown, attempt: null }, { as })).toEqual({ ...unknown, attempt: null })
    },
  )

  it.each([
    ["that were seen", ["s1", "s2", "n1"], ["s1", "s2"], ["s1", "s2", "n1"], ["n1"]],
    ["that were known, if the list was unreadable", null, ["s1", "s2", "n2"], ["s1", "s2", "n2"], ["n2"]],
    ["from before the purchase, if none are known", null, null, ["s1", "s2"], []],
  ])("settling an attempt as completed uses the servers %s", (_, seen, known, servers, newServers) => {
    expect(command({ ...unknown, servers: known }, { as: "completed", servers: seen })).toMatchObject({
      attempt: null,
      completedAt: NOW,
      servers,
      newServers,
      purchases: [older, booked],
    })
  })

  it.each([
    ["seen now", ["s1", "s2", "n1"], ["s1", "s2", "n1"], ["s1", "s2", "n1"]],
    ["known before an unreadable list", null, ["s1", "s2"], ["s1", "s2"]],
  ])(
    "an attempt settled as absent is released, and the servers %s are not its own",
    (_, seen, notItsDoing, servers) => {
      const next = command(unknown, { as: "absent", servers: seen })
      expect(next).toMatchObject({ attempt: null, ...before, servers })
      expect(next.absent).toMatchObject([{ id, acceptedAt: null, before: notItsDoing }])
    },
  )
})
