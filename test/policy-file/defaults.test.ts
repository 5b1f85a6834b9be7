import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { mergeDefaults } from "../../lib/policy-file/merge.ts"
import { GOOD, good, load, problemsOf } from "./policy-files.ts"

const SECOND = `  - name: train-b
    id: b4beacb6-4380-448c-a218-daa82cf03f5e
`
/** The keys of GOOD as defaults; then two supernodes with only their identity. */
const ALL_BY_DEFAULT = GOOD.replace("supernodes:\n  - name: train-a\n", "defaults:\n")
  .replace("    id: b4beacb6-4380-448c-a218-daa82cf03f5d\n", "")
  .concat("supernodes:\n  - name: train-a\n    id: b4beacb6-4380-448c-a218-daa82cf03f5d\n", SECOND)

describe("defaults of all supernodes", () => {
  it("a supernode may take everything except its name and id from the policy's defaults", async () => {
    const { supernodes } = await load(ALL_BY_DEFAULT)
    const [own] = (await load(GOOD)).supernodes
    expect(supernodes[0]).toEqual(own)
    expect(supernodes[1]?.policy).toEqual({
      ...own?.policy,
      name: "train-b",
      id: "b4beacb6-4380-448c-a218-daa82cf03f5e",
    })
  })

  it("a policy's defaults merge into a supernode's maps at every depth, but its lists replace default lists", async () => {
    const yaml = `${ALL_BY_DEFAULT}    limits: { servers: 4 }
    ladder: [ { flavor: one, servers: 1 } ]
`
    const policy = (await load(yaml)).supernodes[1]?.policy
    expect(policy?.limits).toEqual({ actions: { count: 2, perMs: 86_400_000 }, servers: 4, budget: null })
    expect(policy?.ladder).toEqual([{ flavor: "one", servers: 1, price: null }])
  })

  it("a problem in a policy's defaults is reported once, at its position, however many supernodes inherit it", async () => {
    const yaml = ALL_BY_DEFAULT.replace("period: 5m", "period: 7m").replace("servers: 48", "servers: 49")
    expect(await problemsOf(yaml)).toEqual([
      expect.stringContaining("policy.yaml:8:81: defaults.rules.0.metric.cloud-eye.period: must be 1m, 5m"),
      "policy.yaml:16:44: defaults.limits.servers: must be 1 to 48 servers, not 49",
    ])
  })

  it("a policy's defaults are checked even if every supernode overrides them", async () => {
    const yaml = good(
      ["supernodes:\n", "defaults: { cooldown: soon, order: { root_volume: { size: 1 } } }\nsupernodes:\n"],
      ["    region:", "    cooldown: 1h\n    region:"],
      ["      key_pair_name:", "      root_volume: { size: 200 }\n      key_pair_name:"],
    )
    expect(await problemsOf(yaml)).toEqual([
      'policy.yaml:2:23: defaults.cooldown: must be a duration such as "90s", "15m", "1h" or "30d", not "soon"',
      "policy.yaml:2:59: defaults.order.root_volume.size: must be 100 to 1024 GB, not 1",
    ])
  })

  it("a policy's defaults may omit keys that the supernodes give, but not keys of an element of a list", async () => {
    const yaml = good([
      "supernodes:\n",
      "defaults: { limits: { servers: 4 }, ladder: [ { flavor: x } ] }\nsupernodes:\n",
    ])
    expect(await problemsOf(yaml)).toEqual([
      "policy.yaml:2:47: defaults.ladder.0.servers: is missing: must be 1 to 48 servers, a whole number",
    ])
  })

  it("a map in a policy's defaults is reported as incomplete if no supernode adds the missing key", async () => {
    const yaml = good(["supernodes:\n", "defaults: { approval: { approvers: 2 } }\nsupernodes:\n"])
    expect(await problemsOf(yaml)).toEqual([
      "policy.yaml:2:23: defaults.approval.above: is missing: must be a mapping of amount, currency",
    ])
  })

  it("a policy's defaults may not contain a name or an id, and a supernode without a name is reported", async () => {
    const yaml = good(
      ["supernodes:\n", "defaults: { name: all }\nsupernodes:\n"],
      ["  - name: train-a\n    region", "  - region"],
    )
    expect(await problemsOf(yaml)).toEqual([
      "policy.yaml:2:13: defaults.name: must not be in defaults: each supernode has its own",
      expect.stringContaining("policy.yaml:4:5: supernodes.0.name: is missing: must be 1 to 64 letters"),
    ])
  })

  it("a policy's defaults must be a mapping", async () => {
    expect(await problemsOf(good(["supernodes:\n", "defaults: [ 1 ]\nsupernodes:\n"]))).toEqual([
      "policy.yaml:2:11: defaults: must be a mapping",
    ])
  })

  it("a YAML anchor may give a value, and problems of the value are reported at the anchor", async () => {
    const yaml = good([
      "actions: 2 per 24h, servers: 48",
      "actions: &rate 2 per day, servers: 48, budget: { amount: *rate, currency: CNY, per: month }",
    ])
    expect(await problemsOf(yaml)).toEqual([
      'policy.yaml:18:30: supernodes.0.limits.actions: must be "N per D", such as "2 per 24h", not "2 per day"',
      'policy.yaml:18:30: supernodes.0.limits.budget.amount: must be a number, not "2 per day"',
    ])
  })
})

describe("merging defaults", () => {
  const json = fc.jsonValue({ maxDepth: 4 })
  const map = fc.dictionary(fc.string(), json)

  it("merging defaults changes nothing when one side is empty or the two sides are equal", () => {
    fc.assert(
      fc.property(map, (own) => {
        expect(mergeDefaults({}, own)).toEqual(own)
        expect(mergeDefaults(own, {})).toEqual(own)
        expect(mergeDefaults(own, own)).toEqual(own)
      }),
    )
  })

  it("merging defaults never loses a key, and a supernode's own scalars and lists override the defaults", () => {
    fc.assert(
      fc.property(map, map, (defaults, own) => {
        const merged = mergeDefaults(defaults, own) as Record<string, unknown>
        expect(new Set(Object.keys(merged))).toEqual(new Set([...Object.keys(defaults), ...Object.keys(own)]))
        for (const [key, value] of Object.entries(own)) {
          if (typeof value !== "object" || value === null || Array.isArray(value))
            expect(merged[key]).toBe(value)
        }
      }),
    )
  })
})
