import { type Policy, supernodeSchema } from "../../lib/decision/policy/policy.ts"
import type { Clock } from "../../lib/ports.ts"

export const PROJECT = "0123456789abcdef0123456789abcdef"
export const SUPERNODE = "b4beacb6-4380-448c-a218-daa82cf03f5d"
export const NOW = Date.parse("2026-01-01T00:00:00Z")
export const KEYS = {
  ak: "HPUAEXAMPLEACCESSKEY",
  sk: "ExampleSecretKeyOf40CharactersLength0000",
  securityToken: null,
}

export const POLICY: Policy = {
  ...supernodeSchema.parse({
    name: "train-a",
    region: "cn-southwest-2",
    project_id: PROJECT,
    id: SUPERNODE,
    rules: [{ name: "busy", metric: { alarm: true }, above: 90 }],
    ladder: [{ flavor: "kat3ne-32-800t.192xlarge.8.matrix", servers: 4 }],
    order: { image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81" },
    limits: { actions: "2 per 24h", servers: 48 },
  }),
  timezone: "UTC",
  fleet: null,
  approvers: [],
}

/** A clock that does not move. */
export const STILL: Clock = {
  wait: () => Promise.resolve(),
  now: () => NOW,
  monotonic: () => 1_000,
}
