import { supernodeSchema } from "../../lib/decision/policy/policy.ts"
import {
  DAY,
  HOUR,
  NOW,
  type PolicyInput,
  policyInput,
  policyOf,
  type RuleInput,
  ruleInput,
  scheduleInput,
} from "../decision/builders.ts"
import { end, offerAll, ROOMY, type Row, tick } from "./row.ts"

// Schedules that overlap or end, and mistakes in the policy.

/** Its window contains five in the afternoon of a Friday. */
const WORKDAYS = scheduleInput({ name: "workdays", cron: "0 8 * * 1-5", for: "10h", at_least: 4 })

export const CONFIGURED: Row[] = [
  {
    peer: "KEDA's cron scaler, keda#4677",
    hurts: "compares the next start with the next end, and keeps running over the weekend",
    ours: "keeps a floor for its own hours only, and not over the weekend",
    play: async (world) => {
      world.load = 10
      const policy = policyOf({ schedules: [WORKDAYS] })
      world.now = NOW + 19 * HOUR
      const saturday = await end(tick(world, { policy }))
      world.now = NOW + 3 * DAY - 2 * HOUR
      return [saturday, await end(tick(world, { policy }))]
    },
    ends: ["held: not-breaching", "accepted"],
    orders: 1,
  },
  {
    peer: "mercari/spanner-autoscaler",
    hurts: "adds overlapping schedules up, beyond the maximum",
    ours: "takes the highest of overlapping floors, and never their sum",
    play: async (world) => {
      world.load = 10
      offerAll(world)
      const { ladder, limits } = ROOMY
      const schedules = [WORKDAYS, { ...WORKDAYS, name: "launch" }]
      const policy = { ...policyOf({ schedules }), ladder, limits }
      const { plan, outcome } = await tick(world, { policy })
      return [`${plan?.from} to ${plan?.to}: ${outcome?.kind}`]
    },
    ends: ["2 to 4: accepted"],
    orders: 1,
  },
  {
    peer: "AWS step scaling (refuses it rightly)",
    hurts: "nothing responds to a load in the gap between two steps",
    ours: "refuses steps with a gap when the policy is loaded",
    play: async () => [
      loaded({ rules: [steppedRule({ from: 80, to: 90, up: 1 }, { from: 95, up: 2 })] }),
      loaded({ rules: [steppedRule({ from: 80, to: 95, up: 1 }, { from: 95, up: 2 })] }),
    ],
    ends: ["refused: steps", "taken"],
    orders: 0,
  },
  {
    peer: "autoscalers that are set up by annotations or environment variables",
    hurts: "ignores a misspelt key, and uses an unintended default",
    ours: "refuses a policy with a key that it does not know",
    play: async () => [loaded({ cool_down: "1h" }), loaded({ cooldown: "1h" })],
    ends: ["refused: cool_down", "taken"],
    orders: 0,
  },
]

type Step = NonNullable<RuleInput["steps"]>[number]

function steppedRule(...steps: Step[]): RuleInput {
  const { above: _none, ...rest } = ruleInput()
  return { ...rest, steps }
}

/** Result of loading such a policy. A refused policy runs nothing, and its message names the key. */
function loaded(over: Partial<PolicyInput> | { cool_down: string }): string {
  const { success, error } = supernodeSchema.safeParse({ ...policyInput(), ...over })
  if (success) return "taken"
  const words = JSON.stringify(error.issues)
  return `refused: ${["steps", "cool_down"].filter((key) => words.includes(`"${key}"`)).join()}`
}
