import { whyNotSettled } from "../../functions/cli/commands/settling.ts"
import { loadPolicyFile } from "../../lib/policy-file/load.ts"
import type { ScenarioPolicy, StageOptions } from "../../lib/simulate/scenario/stage.ts"
import { policyInput } from "../decision/builders.ts"

// The policy of this repository's own scenarios. It has every supernode that a scenario names.

const LADDER = [1, 2, 4, 8, 16].map((servers) => ({
  flavor: `rung-${servers}`,
  servers,
  price: { amount: servers * 60_000, currency: "CNY", per: "month" as const },
}))

const defaultPolicy: ScenarioPolicy = {
  supernodes: { "train-a": 2 },
  // Loaded as a real policy file, so that a scenario has only policies that an operator could write.
  async load({ names, policy, file }) {
    const supernodes = names.map((name, i) => ({
      ...policyInput({ ladder: LADDER, limits: { actions: "10 per 24h", servers: 16 } }),
      ...policy,
      name,
      id: `b4beacb6-4380-448c-a218-daa82cf03f${i + 10}`,
    }))
    const text = JSON.stringify({ version: 1, ...file, supernodes })
    return (await loadPolicyFile("policy.yaml", null, Buffer.from(text))).supernodes
  },
}

export const STAGE: StageOptions = { policy: defaultPolicy, whyNotSettled }
