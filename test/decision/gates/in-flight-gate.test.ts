import { describe, expect, it } from "vitest"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { RejectionClass } from "../../../lib/decision/state/outcome.ts"
import {
  alarmOf,
  attemptOf,
  MINUTE,
  NOW,
  read,
  requestOf,
  serversOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

const GATE = "no-attempt-in-flight"

describe("no-attempt-in-flight", () => {
  it.each<[string, Partial<OpenAttempt>, string]>([
    ["open and may still be sent", { state: "open", deadline: NOW + 1 }, "in-flight"],
    ["open and exactly at its deadline", { state: "open", deadline: NOW }, "in-flight"],
    [
      "open past sendBefore and the request's timeout",
      { state: "open", deadline: NOW - 1 },
      "outcome-unknown",
    ],
    ["accepted and not complete", { state: "accepted" }, "in-flight"],
    ["unknown", { state: "unknown" }, "outcome-unknown"],
    ["stuck", { state: "stuck" }, "stuck"],
    ["partial", { state: "partial" }, "partial"],
    ["wrong", { state: "wrong" }, "wrong"],
  ])("holds every signal while an attempt is %s", (_, attempt, reason) => {
    const state = stateWith({ attempt: attemptOf(attempt) })
    for (const signal of [alarmOf(), tickOf(), requestOf(), requestOf({ bypassCooldown: true })]) {
      expect(outcomeAt(GATE, { state, signal })).toEqual([false, reason, reason])
    }
  })

  it("holds because of an unknown outcome until a person settles it", () => {
    const attempt = attemptOf({ state: "unknown", openedAt: NOW - 365 * 24 * 60 * MINUTE })
    expect(outcomeAt(GATE, { state: stateWith({ attempt }) })).toEqual([
      false,
      "outcome-unknown",
      "outcome-unknown",
    ])
  })

  it("gate no-attempt-in-flight names the attempt and its order", () => {
    const { facts, says } = findingOf(GATE, {
      state: stateWith({ attempt: attemptOf({ state: "unknown" }) }),
    })
    expect(facts).toMatchObject({
      attempt: "attempt-1",
      state: "unknown",
      orderId: "CS2401120001",
      from: 2,
      to: 4,
    })
    expect(says).toContain("CS2401120001")
  })

  it.each<[RejectionClass]>([["quota"], ["balance"], ["auth"], ["not-found"]])(
    "holds because of the breaker after a rejection for %s, however long ago",
    (why) => {
      const state = stateWith({ breaker: { class: why, since: 0, says: "403 ModelArts.0000" } })
      expect(outcomeAt(GATE, { state })).toEqual([false, "breaker", "breaker"])
    },
  )

  it.each<[string, number, boolean]>([
    ["holds while the wait after too many requests lasts another millisecond", NOW + 1, false],
    ["passes when the wait after too many requests is over", NOW, true],
  ])("gate no-attempt-in-flight %s", (_, until, passed) => {
    const state = stateWith({ throttle: { until, times: 1 } })
    expect(outcomeAt(GATE, { state })).toEqual(passed ? [true, null, null] : [false, "backoff", "backoff"])
  })

  it("an attempt is reported before a breaker, because the attempt may have cost money", () => {
    const state = stateWith({
      attempt: attemptOf({ state: "unknown" }),
      breaker: { class: "quota", since: NOW, says: "403" },
      throttle: { until: NOW + MINUTE, times: 1 },
    })
    expect(decisionOf({ state }).heldBy).toBe("outcome-unknown")
  })

  it("gate no-attempt-in-flight passes after a completed attempt", () => {
    const state = stateWith({ completedAt: NOW - 24 * 60 * MINUTE, openedAt: NOW - 25 * 60 * MINUTE })
    const supernode = read(supernodeOf({ servers: serversOf(2) }))
    expect(outcomeAt(GATE, { state, supernode })).toEqual([true, null, null])
  })
})
