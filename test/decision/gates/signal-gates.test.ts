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
    ["an alarm that says alarm", alarmOf()],
    ["a tick", tickOf()],
    ["a person's request", requestOf()],
  ])("may buy for %s", (_, signal) => {
    expect(decisionOf({ signal }).kind).toBe("scale-up")
  })

  it("lets a tick find the evidence of a lost alarm", () => {
    const { target } = decisionOf({ signal: tickOf() })
    expect(target).toEqual(decisionOf({ signal: alarmOf() }).target)
  })

  it.each<[string, Signal]>([
    ["alarm", alarmOf({ at: Number.NaN })],
    ["tick", tickOf({ at: Number.NaN })],
    ["request", requestOf({ at: Number.NaN })],
  ])("treats a signal without a readable time as invalid: %s", (_, signal) => {
    expect(outcomeAt("signal-valid", { signal })).toEqual([false, "signal-invalid", "signal-invalid"])
  })
})

describe("signal-is-new", () => {
  const seenBy = (run: string): SupernodeState =>
    stateWith({ signals: { "alarm-1": { run, seq: 7, at: NOW - MINUTE, keepUntil: NOW + HOUR } } })

  it("treats a signal that another run recorded as a duplicate, and names its first entry", () => {
    expect(outcomeAt("signal-is-new", { state: seenBy("run-0") })).toEqual([false, "duplicate", "duplicate"])
    expect(findingOf("signal-is-new", { state: seenBy("run-0") }).facts).toMatchObject({
      run: "run-0",
      seq: 7,
    })
  })

  it("lets a restarted run continue with its own signal", () => {
    expect(outcomeAt("signal-is-new", { state: seenBy("run-1") })).toEqual([true, null, null])
  })

  it("treats another signal of the same alarm as new", () => {
    expect(
      outcomeAt("signal-is-new", { state: seenBy("run-0"), signal: alarmOf({ id: "alarm-2" }) }),
    ).toEqual([true, null, null])
  })
})

describe("clock-agrees", () => {
  it.each<[string, number | null, boolean, string | null]>([
    ["there is no entry yet", null, true, null],
    ["the newest entry is of the past", -HOUR, true, null],
    ["the newest entry is 60 s ahead", 60 * SECOND, true, null],
    ["the newest entry is more than 60 s ahead", 60 * SECOND + 1, false, "clock-behind-ledger"],
  ])("compares with the ledger when %s", (_, ahead, passed, reason) => {
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
  ])("compares with the cloud's Date header when it is %s ms from ours", (cloudSkewMs, passed, reason) => {
    expect(outcomeAt("clock-agrees", { cloudSkewMs })).toEqual([passed, reason, reason])
  })
})

describe("signal-is-fresh", () => {
  it.each<[string, number, boolean, string | null]>([
    ["15 minutes old", -15 * MINUTE, true, null],
    ["more than 15 minutes old", -15 * MINUTE - 1, false, "stale"],
    ["a day late", -24 * HOUR, false, "stale"],
    ["60 s ahead", 60 * SECOND, true, null],
    ["more than 60 s ahead", 60 * SECOND + 1, false, "from-the-future"],
  ])("decides on a signal %s", (_, offset, passed, reason) => {
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
    [
      "older than the OK that closed its episode reopens nothing",
      { openedAt: at - HOUR, closedAt: at + 1 },
      false,
    ],
    [
      "newer than the OK that closed its episode is a new one",
      { openedAt: at - HOUR, closedAt: at - 1 },
      true,
    ],
    ["of an episode that is still open is fresh", { openedAt: at - HOUR, closedAt: null }, true],
  ])("decides on an ALARM %s", (_, episode, passed) => {
    const state = stateWith({ episodes: { [key]: episode } })
    expect(outcomeAt("signal-is-fresh", { state })).toEqual(
      passed ? [true, null, null] : [false, "stale", "stale"],
    )
  })

  it.each<[string, Partial<SupernodeState>, Signal, boolean]>([
    [
      "an alarm older than a close of merged episodes is stale",
      { episodesClosedAt: at + 1 },
      alarmOf(),
      false,
    ],
    ["an alarm as old as that close is not overtaken", { episodesClosedAt: at }, alarmOf(), true],
    [
      "an episode's own later close counts beside the merged one",
      { episodesClosedAt: at - 1, episodes: { [key]: { closedAt: at + 1 } } },
      alarmOf(),
      false,
    ],
    ["a tick has no episode", { episodesClosedAt: NOW }, tickOf(), true],
    ["a person's request has no episode", { episodesClosedAt: NOW }, requestOf(), true],
    [
      "an alarm of the time up to which signals were forgotten is stale",
      { spentUntil: at },
      alarmOf(),
      false,
    ],
    ["a tick of that time is stale, too", { spentUntil: tickOf().at }, tickOf(), false],
    ["an alarm after that time is fresh", { spentUntil: at - 1 }, alarmOf(), true],
    [
      "a restarted run is not stale by its own signal",
      { spentUntil: at, signals: { "alarm-1": { run: "run-1", seq: 7, at: NOW, keepUntil: NOW + HOUR } } },
      alarmOf(),
      true,
    ],
    [
      "another run's signal of that time is stale",
      { spentUntil: at, signals: { "alarm-2": { run: "run-1", seq: 7, at: NOW, keepUntil: NOW + HOUR } } },
      alarmOf(),
      false,
    ],
    [
      "requests have room of their own and are not stale by that time",
      { spentUntil: NOW },
      requestOf(),
      true,
    ],
  ])("remembers one time if the state has no more room: %s", (_, over, signal, passed) => {
    expect(outcomeAt("signal-is-fresh", { state: stateWith(over), signal })).toEqual(
      passed ? [true, null, null] : [false, "stale", "stale"],
    )
  })

  it("closes no episode of this alarm by an OK of another one", () => {
    const state = stateWith({ episodes: { "another alarm": { closedAt: NOW } } })
    expect(outcomeAt("signal-is-fresh", { state })).toEqual([true, null, null])
  })
})
