import { describe, expect, it } from "vitest"
import { type Control, NO_CONTROL, type Stop } from "../../lib/decision/control.ts"
import {
  alarmOf,
  HOUR,
  NOW,
  policyOf,
  read,
  requestOf,
  SUPERNODE_ID,
  tickOf,
  unreadable,
} from "./builders.ts"
import { findingOf, outcomeAt } from "./judge.ts"

const OTHER_ID = "a1beacb6-4380-448c-a218-daa82cf03f5d"
const stop = (until: number | null = null): Stop => ({
  why: "change freeze",
  by: "ops@example.com",
  at: NOW - HOUR,
  until,
})
const control = (over: Partial<Control>) => ({ control: read({ ...NO_CONTROL, ...over }) })

describe("not-paused", () => {
  it.each<[string, Partial<Control>, boolean]>([
    ["nothing is paused", {}, true],
    ["everything is paused", { pausedAll: stop() }, false],
    ["this supernode is paused", { paused: { [SUPERNODE_ID]: stop() } }, false],
    ["only another supernode is paused", { paused: { [OTHER_ID]: stop() } }, true],
    ["the pause lasts another millisecond", { pausedAll: stop(NOW + 1) }, false],
    ["the pause ended just now", { pausedAll: stop(NOW) }, true],
    [
      "everything was paused until now but this supernode still is",
      { pausedAll: stop(NOW), paused: { [SUPERNODE_ID]: stop() } },
      false,
    ],
  ])("when %s", (_, over, passed) => {
    expect(outcomeAt("not-paused", control(over))).toEqual(
      passed ? [true, null, null] : [false, "paused", "paused"],
    )
  })

  it("stops people too", () => {
    expect(outcomeAt("not-paused", { ...control({ pausedAll: stop() }), signal: requestOf() })).toEqual([
      false,
      "paused",
      "paused",
    ])
  })

  it("holds by the supernode's id, so that a rename lifts nothing", () => {
    const renamed = {
      ...control({ paused: { [SUPERNODE_ID]: stop() } }),
      policy: policyOf({ name: "train-b" }),
    }
    expect(outcomeAt("not-paused", renamed)).toEqual([false, "paused", "paused"])
  })

  it("says who paused and why", () => {
    expect(findingOf("not-paused", control({ pausedAll: stop(NOW + HOUR) })).says).toBe(
      "everything is paused: by ops@example.com at 2024-01-12T16:00:00.000Z, until 2024-01-12T18:00:00.000Z: change freeze",
    )
  })

  it("takes a control stream that cannot be read for a pause", () => {
    expect(outcomeAt("not-paused", { control: unreadable("no answer") })).toEqual([
      false,
      "control-unreadable",
      "control-unreadable",
    ])
  })
})

describe("no-hold", () => {
  it.each<[string, Partial<Control>, boolean]>([
    ["this supernode is held", { held: { [SUPERNODE_ID]: stop(NOW + 1) } }, false],
    ["the hold has expired", { held: { [SUPERNODE_ID]: stop(NOW) } }, true],
    ["only another supernode is held", { held: { [OTHER_ID]: stop(NOW + 1) } }, true],
  ])("when %s", (_, over, passed) => {
    for (const signal of [alarmOf(), tickOf()]) {
      expect(outcomeAt("no-hold", { ...control(over), signal })).toEqual(
        passed ? [true, null, null] : [false, "held", "held"],
      )
    }
  })

  it("lets people buy all the same, and says that there is a hold", () => {
    const over = { ...control({ held: { [SUPERNODE_ID]: stop(NOW + HOUR) } }), signal: requestOf() }
    expect(outcomeAt("no-hold", over)).toEqual([true, null, null])
    expect(findingOf("no-hold", over).says).toContain("change freeze")
  })
})
