import { describe, expect, it } from "vitest"
import { planScaleUp } from "../../../lib/decision/plan.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import { digest } from "../../../lib/digest.ts"
import {
  alarmOf,
  type PolicyInput,
  policyOf,
  read,
  readingOf,
  requestOf,
  serverOf,
  situationOf,
  supernodeOf,
  tickOf,
} from "../builders.ts"
import { decisionOf, outcomeAt } from "../judge.ts"

const GATE = "plan-as-shown"
const TARGET = { flavor: "rung-4", from: 2, to: 4, rules: [] }

function planOf(over: Partial<Situation> = {}, target = TARGET) {
  return planScaleUp(situationOf(over), target, digest)
}
const live = (planHash: string | null) => requestOf({ mode: "live", planHash })

describe("plan-as-shown", () => {
  it.each<[string, Partial<Situation>, boolean]>([
    ["passes for an alarm, because no plan was shown for it", { signal: alarmOf() }, true],
    ["passes for a tick, because no plan was shown for it", { signal: tickOf() }, true],
    ["passes for a dry run, because the dry run itself shows the plan", { signal: requestOf() }, true],
    ["passes if a live request names the current plan", { signal: live(planOf().hash) }, true],
    ["holds if a live request names another plan", { signal: live("sha256:other") }, false],
    ["holds if a live request names no plan", { signal: live(null) }, false],
    [
      "holds if the servers have changed since the plan was shown",
      {
        signal: live(planOf().hash),
        supernode: read(supernodeOf({ servers: [serverOf("s1"), serverOf("s9")] })),
      },
      false,
    ],
    [
      "holds if the price has changed since the plan was shown",
      {
        signal: live(planOf().hash),
        policy: policyOf({
          ladder: [
            { flavor: "rung-2", servers: 2 },
            { flavor: "rung-4", servers: 4 },
          ],
        }),
      },
      false,
    ],
    [
      "holds if the disks have changed since the plan was shown",
      {
        signal: live(planOf().hash),
        policy: policyOf({
          order: { image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81", root_volume: { size: 200 } },
        }),
      },
      false,
    ],
  ])("gate plan-as-shown %s", (_, over, passed) => {
    expect(outcomeAt(GATE, over)).toEqual(
      passed ? [true, null, null] : [false, "plan-changed", "plan-changed"],
    )
  })

  it("gate plan-as-shown has no verdict if no rung was chosen, and nothing is bought", () => {
    const signal = requestOf({ mode: "live", servers: null, planHash: planOf().hash })
    const over = { signal, readings: read([readingOf([10, 10, 10, 10, 10])]) }
    expect(outcomeAt(GATE, over)).toEqual([null, null, "not-breaching"])
  })

  it("gate plan-as-shown holds if a larger rung than the shown one would be bought", () => {
    const ladder = [2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    const policy = policyOf({ ladder, sold_out: "next-larger" })
    const signal = requestOf({ mode: "live", servers: null, planHash: planOf({ policy }).hash })
    const offers = read([
      { flavor: "rung-4", soldOut: true },
      { flavor: "rung-8", soldOut: false },
    ])
    expect(decisionOf({ policy, signal, offers })).toMatchObject({ kind: "hold", heldBy: "plan-changed" })
  })
})

describe("the plan", () => {
  const ORDER: PolicyInput["order"] = {
    image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
    key_pair_name: "KeyPair-42c4",
    root_volume: { size: 200, type: "ESSD" },
    data_volume: { size: 1000, type: "GPSSD", count: 2 },
    userdata: { sha256: `sha256:${"0".repeat(64)}`, bytes: 9 },
  }

  it("a plan contains the exact request, with userdata by its hash and size only", () => {
    const plan = planOf({ policy: policyOf({ order: ORDER }) })
    expect(plan).toMatchObject({
      flavor: "rung-4",
      from: 2,
      to: 4,
      cost: { amount: 120_000, currency: "CNY" },
    })
    expect(plan.request).toEqual({
      method: "POST",
      url: "https://modelarts.cn-southwest-2.myhuaweicloud.com/v1/0123456789abcdef0123456789abcdef/dev-servers/hyperinstance/b4beacb6-4380-448c-a218-daa82cf03f5d/live-scale-up",
      body: { flavor: "rung-4", ...ORDER },
    })
  })

  it("a plan's request body has no key for a setting that the policy does not have", () => {
    expect(planOf().request.body).toEqual({
      flavor: "rung-4",
      image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
    })
  })

  it.each<[string, Partial<Situation>]>([
    ["time", { now: Date.parse("2024-01-12T17:03:00Z") }],
    ["readings", { readings: read([]) }],
    ["offers", { offers: read([]) }],
    ["signal", { signal: tickOf() }],
    ["order of the servers", { supernode: read(supernodeOf({ servers: [serverOf("s2"), serverOf("s1")] })) }],
    [
      "deleted servers",
      {
        supernode: read(
          supernodeOf({ servers: [serverOf("s1"), serverOf("s2"), serverOf("s9", { status: "DELETED" })] }),
        ),
      },
    ],
    ["cooldown in the policy", { policy: policyOf({ cooldown: "2h" }) }],
  ])("the hash of a plan does not depend on the %s", (_, over) => {
    expect(planOf(over).hash).toBe(planOf().hash)
  })

  it.each<[string, Partial<Situation>, Partial<typeof TARGET>]>([
    ["flavor", {}, { flavor: "rung-8" }],
    ["number of servers before", {}, { from: 1 }],
    ["number of servers after", {}, { to: 8 }],
    [
      "set of present servers",
      { supernode: read(supernodeOf({ servers: [serverOf("s1"), serverOf("s3")] })) },
      {},
    ],
    ["endpoint", { endpoint: "http://127.0.0.1:9000" }, {}],
    ["project", { policy: policyOf({ project_id: "another" }) }, {}],
    ["supernode", { policy: policyOf({ id: "a1beacb6-4380-448c-a218-daa82cf03f5d" }) }, {}],
    ["body", { policy: policyOf({ order: ORDER }) }, {}],
  ])("the hash of a plan depends on the %s", (_, over, target) => {
    expect(planOf(over, { ...TARGET, ...target }).hash).not.toBe(planOf().hash)
  })
})
