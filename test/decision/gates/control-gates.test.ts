import { describe, expect, it } from "vitest"
import {
  type Control,
  foldControl,
  NO_CONTROL,
  type OperatorCommand,
  type Stop,
} from "../../../lib/decision/state/control.ts"
import {
  alarmOf,
  DAY,
  HOUR,
  NOW,
  policyOf,
  read,
  requestOf,
  SUPERNODE_ID,
  tickOf,
  unreadable,
} from "../builders.ts"
import { findingOf, outcomeAt } from "../judge.ts"

const OTHER_ID = "a1beacb6-4380-448c-a218-daa82cf03f5d"
const stop = (until: number | null = null): Stop => ({
  why: "change freeze",
  by: "ops@example.com",
  at: NOW - HOUR,
  until,
})
const control = (over: Partial<Control>) => ({ control: read({ ...NO_CONTROL, ...over }) })

describe("operator commands", () => {
  const said = { why: "w", by: "b" }
  const pause = (supernode: string | null): OperatorCommand => ({
    verb: "pause",
    supernode,
    until: null,
    ...said,
  })
  const resume = (supernode: string | null): OperatorCommand => ({ verb: "resume", supernode, ...said })
  const after = (...words: OperatorCommand[]) =>
    words.reduce((state, command) => foldControl(state, command, NOW), NO_CONTROL)

  it("a pause of all supernodes and a pause of one supernode are separate, and each needs its own resume", () => {
    const both = after(pause(null), pause(SUPERNODE_ID), pause(OTHER_ID))
    expect(both).toMatchObject({ pausedAll: { at: NOW }, paused: { [SUPERNODE_ID]: {}, [OTHER_ID]: {} } })
    const one = foldControl(both, resume(SUPERNODE_ID), NOW)
    expect(one.pausedAll).not.toBeNull()
    expect(Object.keys(one.paused)).toEqual([OTHER_ID])
    const all = foldControl(both, resume(null), NOW)
    expect(all.pausedAll).toBeNull()
    expect(Object.keys(all.paused)).toEqual([SUPERNODE_ID, OTHER_ID])
  })

  it("the control stream keeps the newest hundred approvals, whatever their times", () => {
    const said = (i: number): OperatorCommand => ({ verb: "approve", planHash: `plan-${i}`, by: "b" })
    const afterSaying = (count: number) =>
      Array.from({ length: count }, (_, i) => i).reduce(
        (control, i) => foldControl(control, said(i), NOW + (i === 0 ? -500 : i % 2) * DAY),
        NO_CONTROL,
      )
    const hashes = (count: number) => afterSaying(count).approvals.map(({ planHash }) => planHash)
    expect(hashes(100)).toHaveLength(100)
    expect(hashes(101)).toHaveLength(100)
    expect([hashes(100)[0], hashes(101)[0], hashes(101).at(-1)]).toEqual(["plan-0", "plan-1", "plan-100"])
  })

  it.each<OperatorCommand>([
    { verb: "settle", attempt: "a", as: "absent", servers: null, ...said },
    { verb: "reset", ...said },
  ])("the control stream rejects commands about an attempt or a breaker: $verb", (command) => {
    expect(() => foldControl(NO_CONTROL, command, NOW)).toThrow(
      `"${command.verb}" belongs to the supernode's own stream, not to control`,
    )
  })
})

describe("not-paused", () => {
  it.each<[string, Partial<Control>, boolean]>([
    ["passes if no pause is active", {}, true],
    ["holds if everything is paused", { pausedAll: stop() }, false],
    ["holds if this supernode is paused", { paused: { [SUPERNODE_ID]: stop() } }, false],
    ["passes if only another supernode is paused", { paused: { [OTHER_ID]: stop() } }, true],
    ["holds if the pause lasts another millisecond", { pausedAll: stop(NOW + 1) }, false],
    ["passes if the pause ended just now", { pausedAll: stop(NOW) }, true],
    [
      "holds if the pause of everything has ended but this supernode is still paused",
      { pausedAll: stop(NOW), paused: { [SUPERNODE_ID]: stop() } },
      false,
    ],
  ])("gate not-paused %s", (_, over, passed) => {
    expect(outcomeAt("not-paused", control(over))).toEqual(
      passed ? [true, null, null] : [false, "paused", "paused"],
    )
  })

  it("a pause also holds a person's request", () => {
    expect(outcomeAt("not-paused", { ...control({ pausedAll: stop() }), signal: requestOf() })).toEqual([
      false,
      "paused",
      "paused",
    ])
  })

  it("a pause applies to the supernode's id, so a rename does not end the pause", () => {
    const renamed = {
      ...control({ paused: { [SUPERNODE_ID]: stop() } }),
      policy: policyOf({ name: "train-b" }),
    }
    expect(outcomeAt("not-paused", renamed)).toEqual([false, "paused", "paused"])
  })

  it("gate not-paused names the person who paused, and the reason", () => {
    expect(findingOf("not-paused", control({ pausedAll: stop(NOW + HOUR) })).says).toBe(
      "all supernodes are paused: by ops@example.com at 2024-01-12T16:00:00.000Z, until 2024-01-12T18:00:00.000Z: change freeze",
    )
  })

  it("an unreadable control stream counts as a pause", () => {
    expect(outcomeAt("not-paused", { control: unreadable("no answer") })).toEqual([
      false,
      "control-unreadable",
      "control-unreadable",
    ])
  })
})

describe("no-hold", () => {
  it.each<[string, Partial<Control>, boolean]>([
    ["holds if this supernode is held", { held: { [SUPERNODE_ID]: stop(NOW + 1) } }, false],
    ["passes if the hold has expired", { held: { [SUPERNODE_ID]: stop(NOW) } }, true],
    ["passes if only another supernode is held", { held: { [OTHER_ID]: stop(NOW + 1) } }, true],
  ])("gate no-hold %s", (_, over, passed) => {
    for (const signal of [alarmOf(), tickOf()]) {
      expect(outcomeAt("no-hold", { ...control(over), signal })).toEqual(
        passed ? [true, null, null] : [false, "held", "held"],
      )
    }
  })

  it("gate no-hold lets a person buy, and mentions the hold", () => {
    const over = { ...control({ held: { [SUPERNODE_ID]: stop(NOW + HOUR) } }), signal: requestOf() }
    expect(outcomeAt("no-hold", over)).toEqual([true, null, null])
    expect(findingOf("no-hold", over).says).toContain("change freeze")
  })
})
