import fc from "fast-check"
import { describe, expect, it } from "vitest"
import { stringify } from "yaml"
import { digest } from "../../lib/digest.ts"
import { GOOD, good, load } from "./policy-files.ts"

const hashOf = async (yaml: string) => (await load(yaml)).supernodes[0]?.hash
const approvers = [{ name: "ann" }, { name: "bob" }, { name: "carl" }]
const LIMITS = "    limits: { actions: 2 per 24h, servers: 48 }\n"

describe("the policy's hash", () => {
  it("a policy's hash is the digest of the effective policy", async () => {
    const [loaded] = (await load(GOOD)).supernodes
    expect(loaded?.hash).toBe(digest(loaded?.policy))
    expect(loaded?.hash).toMatch(/^sha256:[0-9a-f]{64}$/)
  })

  it.each<[string, string]>([
    ["a comment", `# a word\n${GOOD}`],
    ["Windows line endings", GOOD.replaceAll("\n", "\r\n")],
    ["a byte order mark", `\uFEFF${GOOD}`],
    [
      "another style",
      good([
        "limits: { actions: 2 per 24h, servers: 48 }",
        "limits:\n      servers: 48\n      actions: 2 per 24h",
      ]),
    ],
    ["the order of keys", good([LIMITS, ""], ["    rules:", `${LIMITS}    rules:`])],
    [
      "a key with its default value",
      good([LIMITS, `${LIMITS}    cooldown: 60m\n    sold_out: hold\n    alarms: []\n`]),
    ],
    ["the same duration in another unit", good([LIMITS, `${LIMITS}    cooldown: 1h\n    warmup: 900s\n`])],
    ["the default time zone", good(["version: 1", "version: 1\ntimezone: UTC"])],
    [
      "an added supernode",
      `${GOOD}${GOOD.slice(GOOD.indexOf("  - name")).replace("train-a", "train-b").replace("cf03f5d", "cf03f5e")}`,
    ],
    ["a webhook", good(["version: 1", "version: 1\nnotify: { webhook: https://hooks.example.com/x }"])],
    [
      "topics",
      good(["version: 1", "version: 1\nsns_topics: [ arn:aws:sns:eu-central-1:123456789012:alarms ]"]),
    ],
    [
      "a value that comes from defaults",
      good([LIMITS, ""], ["supernodes:\n", `defaults:\n${LIMITS}supernodes:\n`]),
    ],
    ["an anchor", good(["region: cn-southwest-2", "region: &here cn-southwest-2"])],
  ])("a policy's hash does not change with %s", async (_, yaml) => {
    expect(await hashOf(yaml)).toBe(await hashOf(GOOD))
  })

  it.each<[string, string]>([
    ["a threshold", good(["above: 85", "above: 86"])],
    ["the kind of comparison", good(["above: 85", "at_least: 85"])],
    ["the time zone", good(["version: 1", "version: 1\ntimezone: Asia/Shanghai"])],
    ["a cap of the fleet", good(["version: 1", "version: 1\nfleet: { actions: 1 per 1d }"])],
    [
      "a default that applies to the supernode",
      good(["supernodes:", "defaults: { cooldown: 61m }\nsupernodes:"]),
    ],
    [
      "an approver's key",
      good([
        "version: 1",
        "version: 1\napprovers: [ { name: ann, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbXHYYqkZ1l2Tn0mYvVbXkq5r8cKpN3Z2mW1xYh7uQd } ]",
      ]),
    ],
    ["the list of approvers", good(["version: 1", "version: 1\napprovers: [ { name: ann } ]"])],
    ["the image", good(["f4059eb4", "f4059eb5"])],
    ["the supernode's name", good(["train-a", "train-c"])],
  ])("a policy's hash changes with %s", async (_, yaml) => {
    expect(await hashOf(yaml)).not.toBe(await hashOf(GOOD))
  })

  it("every valid policy has a hash, which does not depend on the order of keys", async () => {
    await fc.assert(
      fc.asyncProperty(supernode, fc.integer({ min: 1, max: 1_000 }), async (written, seed) => {
        const yaml = stringify({ version: 1, approvers, supernodes: [written] })
        const shuffled = stringify({ supernodes: [reordered(written, seed)], approvers, version: 1 })
        const hash = await hashOf(yaml)
        expect(hash).toMatch(/^sha256:/)
        expect(await hashOf(shuffled)).toBe(hash)
      }),
      { numRuns: 60 },
    )
  })
})

/** The same mappings with their keys in another order; lists stay. */
function reordered(value: unknown, seed: number): unknown {
  if (Array.isArray(value)) return value.map((item) => reordered(item, seed))
  if (typeof value !== "object" || value === null) return value
  const entries = Object.entries(value).map(([key, child]) => [key, reordered(child, seed)] as const)
  const turn = seed % Math.max(1, entries.length)
  return Object.fromEntries([...entries.slice(turn), ...entries.slice(0, turn)].reverse())
}

const duration = fc
  .tuple(fc.integer({ min: 1, max: 300 }), fc.constantFrom("s", "m", "h", "d"))
  .map(([n, unit]) => `${n}${unit}`)
const money = fc
  .integer({ min: 0, max: 100_000_000 })
  .map((minor) => ({ amount: minor / 100, currency: "CNY" }))
const threshold = fc.double({ noNaN: true, noDefaultInfinity: true })
const label = fc.string({ minLength: 1, unit: "grapheme" })
/** The one key that is refused by name. */
const labelName = label.filter((name) => name !== "__proto__")
const rule = fc.record(
  {
    metric: fc.oneof(
      fc.constant({ alarm: true }),
      fc.record({
        prometheus: fc.record({ url: fc.constant("http://prometheus:9090"), query: label, period: duration }),
      }),
      fc.record({ cloudwatch: fc.record({ namespace: label, name: label, period: fc.constant("5m") }) }),
    ),
    above: threshold,
    repeat: fc.boolean(),
    missing: fc.constantFrom("hold", "breaching", "not-breaching"),
  },
  { requiredKeys: ["metric", "above"] },
)

const supernode = fc.record(
  {
    name: fc.constant("train-a"),
    region: fc.constantFrom("cn-southwest-2", "cn-north-4"),
    project_id: fc.constant("0123456789abcdef0123456789abcdef"),
    id: fc.constant("b4beacb6-4380-448c-a218-daa82cf03f5d"),
    alarms: fc.array(fc.record({ alertmanager: fc.dictionary(labelName, label, { minKeys: 1 }) }), {
      maxLength: 3,
    }),
    rules: fc
      .array(rule, { minLength: 1, maxLength: 3 })
      .map((rules) => rules.map((r, i) => ({ name: `rule-${i}`, ...r }))),
    ladder: fc.array(fc.option(money, { nil: undefined }), { minLength: 1, maxLength: 4 }).map((prices) =>
      prices.map((price, i) => ({
        flavor: `flavor-${i}`,
        servers: i + 1,
        ...(price && { price: { ...price, per: "month" } }),
      })),
    ),
    order: fc.constant({
      image_id: "f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81",
      data_volume: { size: 100, type: "SSD", count: 8 },
    }),
    limits: fc.record({ actions: fc.constant("2 per 24h"), servers: fc.integer({ min: 1, max: 48 }) }),
    cooldown: duration,
    approval: fc.record({ above: money }),
    efficacy: fc.record({
      purchases: fc.integer({ min: 1, max: 20 }),
      min_gain: fc.double({ min: 1e-9, max: 1e9, noNaN: true }),
    }),
  },
  { requiredKeys: ["name", "region", "project_id", "id", "rules", "ladder", "order", "limits"] },
)
