import type { Budget, Policy } from "../../lib/decision/policy/policy.ts"
import { type PolicyInput, policyOf, type RuleInput } from "../decision/builders.ts"
import { Random } from "../world/random.ts"

const SIZES = [1, 2, 3, 4, 6, 8, 12] as const
const IDS = ["b4beacb6-4380-448c-a218-daa82cf03f5d", "0f2d4c11-9d7b-4f0e-8a55-3d2c1b0a9e8f"] as const

/** Policy keys that are drawn from a separate source, so that earlier seeds keep their worlds. */
type Aside = Pick<PolicyInput, "efficacy">

export function drawAside(random: Random): Aside {
  if (!random.chance(0.2)) return {}
  return { efficacy: { purchases: random.whole(1, 3), min_gain: random.pick([3, 10]) } }
}

/** A random policy for one of the supernodes: each feature is on in some seeds and off in others. */
export function drawPolicy(random: Random, which: 0 | 1, aside: Aside = {}): Policy {
  const isPriced = random.chance(0.7)
  const isApproved = isPriced && random.chance(0.15)
  return policyOf({
    ...aside,
    name: which === 0 ? "train-a" : "train-b",
    id: IDS[which],
    rules: drawRules(random),
    ladder: SIZES.map((servers) => ({
      flavor: `rung-${servers}`,
      servers,
      ...(isPriced ? { price: { amount: servers * 1_000, currency: "CNY", per: "month" as const } } : {}),
    })),
    limits: {
      actions: random.pick(["1 per 6h", "2 per 12h", "3 per 24h", "2 per 4h", "6 per 24h"]),
      servers: random.pick([4, 7, 12, 48, 48]),
      ...(isPriced && random.chance(0.6) ? { budget: drawBudget(random) } : {}),
    },
    sold_out: random.pick(["hold", "next-larger"]),
    unknown_outcome: random.pick(["human", "auto"]),
    cooldown: random.pick(["15m", "60m", "2h"]),
    min_interval: random.pick(["5m", "30m", "90m"]),
    warmup: random.pick(["0s", "5m", "15m"]),
    arm_after: random.pick(["0s", "0s", "0s", "3h"]),
    ...(isApproved
      ? {
          approval: {
            above: { amount: 1_500, currency: "CNY" },
            approvers: random.whole(1, 2),
            expires: "4h",
          },
        }
      : {}),
  })
}

/** Caps across all supernodes in some worlds. Drawn separately, so that the other worlds stay the same. */
export function drawFleet(seed: number): Policy["fleet"] {
  const random = new Random(seed + 2 ** 42)
  if (random.chance(0.6)) return null
  const count = random.pick([1, 1, 1, 2, 3])
  const perMs = random.pick([1, 2, 3, 6, 12]) * 3_600_000
  const budget = { minor: random.pick([3_000, 6_000, 12_000]) * 100, currency: "CNY", per: perMs }
  return { actions: { count, perMs }, budget: random.chance(0.4) ? budget : null }
}

function drawBudget(random: Random) {
  return {
    amount: random.pick([2_000, 4_000, 6_000, 12_000]),
    currency: "CNY",
    per: random.pick(["12h", "24h", "30d"]),
  }
}

/** Window of a random budget, milliseconds. */
export function rollingMs(per: Budget["per"]): number {
  if (per === "month") throw new TypeError("no budget is drawn per calendar month")
  return per
}

function drawRules(random: Random): RuleInput[] {
  const busy: RuleInput = {
    name: "npu-busy",
    metric: drawMetric(random),
    above: 85,
    clear: 70,
    points: random.pick(["1 of 1", "2 of 3", "3 of 5"]),
    missing: random.pick(["hold", "not-breaching"]),
    repeat: random.chance(0.75),
  }
  if (random.chance(0.6)) return [busy]
  const steps = [
    { from: 85, to: 95, up: 1 },
    { from: 95, up: 2 },
  ]
  return [
    busy,
    { name: "npu-full", metric: drawMetric(random), steps, points: "2 of 2", repeat: random.chance(0.75) },
  ]
}

function drawMetric(random: Random): RuleInput["metric"] {
  return {
    "cloud-eye": {
      namespace: "AGT.ECS",
      name: "npu_util_rate_ai_core",
      period: random.pick(["1m", "5m", "5m"]),
    },
    quorum: random.pick(["100%", "50%"]),
  }
}
