import { describe, expect, it } from "vitest"
import type { AlarmState, Signal } from "../../../lib/decision/inputs/signal.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { alarmOf, HOUR, MINUTE, NOW, requestOf, SECOND, stateWith, tickOf } from "../builders.ts"
import { decisionOf, findingOf, outcomeAt } from "../judge.ts"

describe("signal-valid", () => {
  it.each<[AlarmState]>([["ok"], ["insufficient-data"], ["unknown"]])(
    "never buys for an alarm with state %s",
    (state) => {
      expect(outcomeAt("signal-valid", { signal: alarmOf({ state }) })).toEqual([
        false,
        "not-alarm",
        "not-alarm",
      ])
    },
  )

  it.each<[string, Signal]>([
    ["an alarm in state alarm", alarmOf()],
    ["a tick", tickOf()],
    ["a person's request", requestOf()],
  ])("may buy for %s", (_, signal) => {
    expect(decisionOf({ signal }).kind).toBe("scale-up")
  })

  it("a tick finds the evidence of a lost alarm", () => {
    const { target } = decisionOf({ signal: tickOf() })
    expect(target).toEqual(decisionOf({ signal: alarmOf() }).target)
  })

  it.each<[string, Signal]>([
    ["alarm", alarmOf({ at: Number.NaN })],
    ["tick", tickOf({ at: Number.NaN })],
    ["request", requestOf({ at: Number.NaN })],
  ])("a signal without a readable time is invalid: %s", (_, signal) => {
    expect(outcomeAt("signal-valid", { signal })).toEqual([false, "signal-invalid", "signal-invalid"])
  })
})

describe("signal-is-new", () => {
  const seenBy = (run: string): SupernodeState =>
    stateWith({ signals: { "alarm-1": { run, seq: 7, at: NOW - MINUTE, keepUntil: NOW + HOUR } } })

  it("a signal that another run recorded is a duplicate, and the finding names the signal's first entry", () => {
    expect(outcomeAt("signal-is-new", { state: seenBy("run-0") })).toEqual([false, "duplicate", "duplicate"])
    expect(findingOf("signal-is-new", { state: seenBy("run-0") }).facts).toMatchObject({
      run: "run-0",
      seq: 7,
    })
  })

  it("a restarted run does not treat its own recorded signal as a duplicate", () => {
    expect(outcomeAt("signal-is-new", { state: seenBy("run-1") })).toEqual([true, null, null])
  })

  it("a new signal of an alarm is not a duplicate of an earlier signal of that alarm", () => {
    expect(
      outcomeAt("signal-is-new", { state: seenBy("run-0"), signal: alarmOf({ id: "alarm-2" }) }),
    ).toEqual([true, null, null])
  })
})

describe("clock-agrees", () => {
  it.each<[string, number | null, boolean, string | null]>([
    ["passes while the ledger has no entry", null, true, null],
    ["passes if the newest entry is in the past", -HOUR, true, null],
    ["passes if the newest entry is 60 s ahead", 60 * SECOND, true, null],
    ["holds if the newest entry is more than 60 s ahead", 60 * SECOND + 1, false, "clock-behind-ledger"],
  ])("gate clock-agrees %s", (_, ahead, passed, reason) => {
    expect(outcomeAt("clock-agrees", { headAt: ahead === null ? null : NOW + ahead })).toEqual([
      passed,
      reason,
      reason,
    ])
  })

  it.each<[number | null, boolean, string | null]>([
    [null, false, "clock-skewed"],
    [60_000, true, null],
    [-60_000, true, null],
    [60_001, false, "clock-skewed"],
    [-60_001, false, "clock-skewed"],
  ])(
    "gate clock-agrees passes if the cloud's Date header is %s ms from our clock: %s",
    (cloudSkewMs, passed, reason) => {
      expect(outcomeAt("clock-agrees", { cloudSkewMs })).toEqual([passed, reason, reason])
    },
  )
})

describe("signal-is-fresh", () => {
  it.each<[string, number, boolean, string | null]>([
    ["15 minutes old is fresh", -15 * MINUTE, true, null],
    ["more than 15 minutes old is stale", -15 * MINUTE - 1, false, "stale"],
    ["a day late is stale", -24 * HOUR, false, "stale"],
    ["60 s ahead is fresh", 60 * SECOND, true, null],
    ["more than 60 s ahead is from the future", 60 * SECOND + 1, false, "from-the-future"],
  ])("a signal %s", (_, offset, passed, reason) => {
    for (const signal of [
      alarmOf({ at: NOW + offset }),
      tickOf({ at: NOW + offset }),
      requestOf({ at: NOW + offset }),
    ]) {
      expect(outcomeAt("signal-is-fresh", { signal })).toEqual([passed, reason, reason])
    }
  })

  const { key } = alarmOf().episode
  const at = alarmOf().at

  it.each<[string, { openedAt: number | null; closedAt: number | null }, boolean]>([
    ["older than the OK that closed its episode is stale", { openedAt: at - HOUR, closedAt: at + 1 }, false],
    ["newer than the OK that closed its episode is fresh", { openedAt: at - HOUR, closedAt: at - 1 }, true],
    ["of an open episode is fresh", { openedAt: at - HOUR, closedAt: null }, true],
  ])("an alarm %s", (_, episode, passed) => {
    const state = stateWith({ episodes: { [key]: episode } })
    expect(outcomeAt("signal-is-fresh", { state })).toEqual(
      passed ? [true, null, null] : [false, "stale", "stale"],
    )
  })

  it.each<[string, Partial<SupernodeState>, Signal, boolean]>([
    [
      "an alarm older than the common close of merged episodes is stale",
      { episodesClosedAt: at + 1 },
      alarmOf(),
      false,
    ],
    [
      "an alarm as old as the common close of merged episodes is fresh",
      { episodesClosedAt: at },
      alarmOf(),
      true,
    ],
    [
      "an episode's own later close counts beside the common close",
      { episodesClosedAt: at - 1, episodes: { [key]: { closedAt: at + 1 } } },
      alarmOf(),
      false,
    ],
    ["a tick is never stale by the common close", { episodesClosedAt: NOW }, tickOf(), true],
    ["a person's request is never stale by the common close", { episodesClosedAt: NOW }, requestOf(), true],
    ["an alarm as old as the newest forgotten signal is stale", { spentUntil: at }, alarmOf(), false],
    ["a tick as old as the newest forgotten signal is stale", { spentUntil: tickOf().at }, tickOf(), false],
    ["an alarm newer than the newest forgotten signal is fresh", { spentUntil: at - 1 }, alarmOf(), true],
    [
      "a restarted run's own signal is fresh",
      { spentUntil: at, signals: { "alarm-1": { run: "run-1", seq: 7, at: NOW, keepUntil: NOW + HOUR } } },
      alarmOf(),
      true,
    ],
    [
      "an alarm is stale even if this run recorded another signal",
      { spentUntil: at, signals: { "alarm-2": { run: "run-1", seq: 7, at: NOW, keepUntil: NOW + HOUR } } },
      alarmOf(),
      false,
    ],
    [
      "a person's request is never stale by that time of forgotten signals",
      { spentUntil: NOW },
      requestOf(),
      true,
    ],
  ])("if one time represents all forgotten signals or merged episodes, %s", (_, over, signal, passed) => {
    expect(outcomeAt("signal-is-fresh", { state: stateWith(over), signal })).toEqual(
      passed ? [true, null, null] : [false, "stale", "stale"],
    )
  })

  it("an OK of another alarm does not close this alarm's episode", () => {
    const state = stateWith({ episodes: { "another alarm": { closedAt: NOW } } })
    expect(outcomeAt("signal-is-fresh", { state })).toEqual([true, null, null])
  })
})
