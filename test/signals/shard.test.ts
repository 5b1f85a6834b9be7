import { describe, expect, it } from "vitest"
import { SignalRouter } from "../../lib/signals/route.ts"
import { policyOf } from "../decision/builders.ts"
import { problemsOf, sampleWith, signalsOf } from "./sample.ts"

const TIME = "2024-01-12T16:50:00Z"
const AT = Date.parse(TIME)
const ownTick = (shard?: unknown) => ({ kind: "tick", name: "sweep", time: TIME, shard })
const timer = (text: unknown) => sampleWith("functiongraph-timer", ["user_event"], text)
/** Policies whose ids differ only in the last digits, like those of supernodes created together. */
const policies = Array.from({ length: 400 }, (_, i) =>
  policyOf({ name: `train-${i}`, id: `b4beacb6-4380-448c-a218-${String(i).padStart(12, "0")}` }),
)

function namesFor(event: unknown, all = policies): string[] {
  return signalsOf(event, "schedule").flatMap((signal) =>
    new SignalRouter(all).route(signal).map(({ policy }) => policy.name),
  )
}

describe("a tick with a shard", () => {
  it.each([1, 2, 3, 7, 16])(
    "the ticks of all %i shards together reach each supernode once and share the supernodes evenly",
    (count) => {
      const shards = Array.from({ length: count }, (_, i) => namesFor(ownTick(`${i + 1}/${count}`)))
      expect(shards.flat().sort()).toEqual(policies.map(({ name }) => name).sort())
      for (const names of shards) {
        expect(names.length).toBeGreaterThan((policies.length / count) * 0.6)
        expect(names.length).toBeLessThan((policies.length / count) * 1.5)
      }
    },
  )

  it("a shard of a tick has the same supernodes, whatever the order of the supernodes in the policy", () => {
    const turned = policies.toReversed()
    expect(namesFor(ownTick("2/5"), turned).sort()).toEqual(namesFor(ownTick("2/5")).sort())
  })

  it("a shard is read from a tick event and from the user event of FunctionGraph's TIMER", () => {
    const shard = { index: 2, count: 4 }
    expect(signalsOf(ownTick("2/4"), "schedule")).toMatchObject([{ kind: "tick", at: AT, shard }])
    expect(signalsOf(timer('{"shard":"2/4"}'), "schedule")).toMatchObject([{ kind: "tick", shard }])
  })

  it("a tick has the same id in every delivery and shard, so that a supernode does not buy twice for one time", () => {
    const ids = [ownTick("1/2"), ownTick("1/2"), ownTick("2/3"), ownTick()].map(
      (event) => signalsOf(event, "schedule")[0]?.id,
    )
    expect(new Set(ids)).toEqual(new Set([`tick|sweep|${AT}`]))
  })
})

describe("a tick without a shard", () => {
  it.each([
    ["our own tick", ownTick()],
    ["TIMER without a user event", timer(undefined)],
    ["TIMER with an empty user event", timer("")],
    ["TIMER with an empty object as user event", timer(" {} ")],
  ])("a tick without a shard reaches all supernodes: %s", (_form, event) => {
    expect(namesFor(event)).toHaveLength(policies.length)
  })
})

describe("a malformed shard", () => {
  const bad = [
    "0/4",
    "5/4",
    "-1/4",
    "1/0",
    "1",
    "1/4/2",
    "01/4",
    "1.0/4",
    " 1/4",
    "1/4 ",
    "",
    "a/b",
    1,
    null,
    {},
  ]

  it.each(bad)("a malformed shard in a tick event is refused: %j", (shard) => {
    expect(problemsOf(ownTick(shard))).toEqual([expect.stringMatching(/^shard: must be "i\/n"/)])
  })

  it.each(bad)("a malformed shard in the user event of TIMER is refused: %j", (shard) => {
    expect(problemsOf(timer(JSON.stringify({ shard })))).toEqual([
      expect.stringMatching(/^user_event\.shard: must be "i\/n"/),
    ])
  })

  it.each([
    ["1/4", "user_event: is not JSON"],
    ['{"shrad":"1/4"}', 'user_event: Unrecognized key: "shrad"'],
    ["shard=1/4", "user_event: is not JSON; leave the trigger's user event empty, or write"],
    ["[]", "user_event: must be object, not array"],
    [7, "user_event: must be string"],
  ])("a user event of TIMER that is not an object with a shard is refused: %j", (text, says) => {
    expect(problemsOf(timer(text))).toEqual([expect.stringContaining(says)])
  })
})
