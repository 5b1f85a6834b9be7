import { describe, expect, it } from "vitest"
import { good, load, problemsOf } from "./policy-files.ts"

// Values that a machine reads differently than their author means.

const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"
const LIMITS = "limits: { actions: 2 per 24h, servers: 48 }"
const budget = (amount: string, currency = "CNY") =>
  `limits: { actions: 2 per 24h, servers: 48, budget: { amount: ${amount}, currency: ${currency}, per: 30d } }`
const cloudwatch = (statistic: string) =>
  `cloudwatch: { namespace: x, name: y, period: 5m, statistic: ${statistic} }`
const zone = (name: string) => good(["version: 1", `version: 1\ntimezone: ${name}`])

describe("A time zone", () => {
  it.each([
    ["CST", "Asia/Shanghai or America/Chicago"],
    ["BST", "Europe/London or Asia/Dhaka"],
    ["AST", "Asia/Riyadh or America/Halifax"],
    ["IST", "Asia/Kolkata or Europe/Dublin or Asia/Jerusalem"],
    ["PST", "America/Los_Angeles or Asia/Manila"],
    ["JST", "Asia/Tokyo"],
    ["CTT", "Asia/Shanghai"],
    ["EST", "America/New_York or America/Panama"],
    ["CET", "Europe/Berlin or Europe/Paris"],
    ["Beijing", "Asia/Shanghai"],
    ["shanghai", "Asia/Shanghai"],
    ["Asia/Shangai", "Asia/Shanghai"],
  ])(
    "the time zone %s is refused with the likely names, even if the runtime knows it",
    async (name, likely) => {
      expect(await problemsOf(zone(name))).toEqual([
        `policy.yaml:2:11: timezone: must be an IANA time zone such as Asia/Shanghai or UTC, not "${name}": did you mean ${likely}?`,
      ])
    },
  )

  it.each(["SystemV/AST4", "US/Pacific-New", "Factory", "UTC+8", "posix/Asia/Tokyo", "x".repeat(5_000)])(
    "the time zone %s is refused because the IANA list does not have it",
    async (name) => {
      expect(await problemsOf(zone(name))).toHaveLength(1)
    },
  )

  it.each([
    "Asia/Calcutta",
    "US/Eastern",
    "PRC",
    "Japan",
    "GMT",
    "Etc/UTC",
    "Etc/GMT-8",
    "America/Argentina/Ushuaia",
  ])("the time zone %s is accepted as a name or an alias of the IANA list", async (name) => {
    expect((await load(zone(name))).supernodes[0]?.policy.timezone).toBe(name)
  })
})

describe("An amount of money", () => {
  it.each([
    ["1234567890.12", 123_456_789_012],
    ["593872923.42", 59_387_292_342],
    ["999999999999.99", 99_999_999_999_999],
    ["120000.50", 12_000_050],
    ["0.1", 10],
  ])("an amount of %s in a policy is read to the hundredth as written", async (written, minor) => {
    const [loaded] = (await load(good([LIMITS, budget(written)]))).supernodes
    expect(loaded?.policy.limits.budget?.minor).toBe(minor)
  })

  it.each([
    ["1234567890.125", "CNY", "must have at most two decimals"],
    ["1e-7", "CNY", "must have at most two decimals"],
    ["1.00000000000000001", "CNY", "must have fewer digits: it would be read as 1"],
    [
      "010",
      "CNY",
      "must not begin with 0: YAML 1.1 reads 010 as octal. Write 10, or put it in quotes if it is text",
    ],
    ["0x10", "CNY", "must be written in decimal digits: 16"],
    ["120000.55", "JPY", "must have no decimals: JPY has none"],
    ["120000", "RMB", "must be CNY: RMB is not an ISO 4217 currency code"],
  ])("an amount of %s %s in a policy is refused", async (amount, currency, message) => {
    const problems = await problemsOf(good([LIMITS, budget(amount, currency)]))
    expect(problems).toEqual([
      expect.stringMatching(/^policy\.yaml:18:\d+: supernodes\.0\.limits\.budget\.\w+: /),
    ])
    expect(problems[0]).toContain(`: ${message}`)
  })

  it("an amount in yen in a policy may be any whole number", async () => {
    expect(await problemsOf(good([LIMITS, budget("120000.0", "JPY")]))).toEqual([])
  })
})

it("a problem about a number with a leading zero suggests quotes if JavaScript cannot hold all its digits", async () => {
  const problems = await problemsOf(
    good([/project_id: \S+/.exec(good())?.[0] ?? "", "project_id: 01234567890123456789012345678901"]),
  )
  expect(problems[0]).toMatch(/reads 01234567890123456789012345678901 as octal\. Put it in quotes$/)
})

it("an availability zone is refused where a region is needed, and the problem names the region", async () => {
  expect(await problemsOf(good(["region: cn-southwest-2", "region: cn-southwest-2a"]))).toEqual([
    "policy.yaml:4:13: supernodes.0.region: must be a region: cn-southwest-2a is an availability zone of cn-southwest-2",
  ])
})

describe("CloudWatch's own spelling of a statistic", () => {
  it.each([
    ["Average", "average"],
    ["Maximum", "max"],
    ["Minimum", "min"],
    ["Sum", "sum"],
    ["P99", "p99"],
    ["p99.9", "p99.9"],
  ])("CloudWatch's own spelling of a statistic is accepted: %s is read as %s", async (written, read) => {
    const [loaded] = (await load(good([CLOUD_EYE, cloudwatch(written)]))).supernodes
    expect(loaded?.policy.rules[0]?.metric.cloudwatch?.statistic).toBe(read)
  })

  it.each(["tm90", "p95.123", "SampleCount", "iqm"])(
    "an unsupported CloudWatch statistic in a policy is reported with the supported ones: %s",
    async (written) => {
      expect(await problemsOf(good([CLOUD_EYE, cloudwatch(written)]))).toEqual([
        `policy.yaml:10:71: supernodes.0.rules.0.metric.cloudwatch.statistic: must be average, max, min, sum or a percentile with at most two decimals such as p99 or p99.9 (others are not supported here), not "${written}"`,
      ])
    },
  )
})

describe("approvers of a policy", () => {
  const withPeople = (people: string, approval = "{ above: { amount: 1, currency: CNY } }") =>
    good(["version: 1", `version: 1\n${people}`], [LIMITS, `${LIMITS}\n    approval: ${approval}`])

  it.each([
    [
      "missing if a supernode needs approval",
      "timezone: UTC",
      "policy.yaml:20:15: supernodes.0.approval: needs people who may approve: list at least 1 under approvers, such as approvers: [ { name: ann } ]",
    ],
    [
      "with two names that look alike",
      "approvers: [ { name: Ann Lee }, { name: аnn LEE } ]",
      'policy.yaml:2:41: approvers.1.name: must not look like another approver\'s name: "Ann Lee" is listed already',
    ],
    [
      "with two names that differ only in 1 and l",
      "approvers: [ { name: dev1 }, { name: devl } ]",
      'policy.yaml:2:38: approvers.1.name: must not look like another approver\'s name: "dev1" is listed already',
    ],
    [
      "with invisible characters in a name",
      'approvers: [ { name: "ann\\uFE0F" } ]',
      "policy.yaml:2:22: approvers.0.name: must be 1 to 64 letters, digits, spaces or . _ @ + ' -, with a letter or digit first",
    ],
    [
      "with a malformed key",
      "approvers: [ { name: ann, key: ssh-ed25519 AAAA } ]",
      "policy.yaml:2:32: approvers.0.key: must be an SSH public key such as ssh-ed25519 AAAA…: ed25519, ECDSA or RSA",
    ],
    [
      "with one key for two people, because one person could approve under both names",
      "approvers: [ { name: ann, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbXHYYqkZ1l2Tn0mYvVbXkq5r8cKpN3Z2mW1xYh7uQd ann@host }, { name: bob, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbXHYYqkZ1l2Tn0mYvVbXkq5r8cKpN3Z2mW1xYh7uQd } ]",
      "approvers.1.key: must not be the key of another approver: approvers.0 has it",
    ],
    [
      "with a key that can verify no signature",
      "approvers: [ { name: ann, key: ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAGAcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBw== } ]",
      "approvers.0.key: must be an SSH public key that signatures can be verified with: ",
    ],
  ])("a policy's list of approvers is refused: %s", async (_, people, message) => {
    const problems = await problemsOf(withPeople(people))
    expect(problems).toHaveLength(1)
    expect(problems[0]).toContain(message)
  })

  it("a policy must list at least as many approvers as any of its supernodes needs", async () => {
    const two = "{ above: { amount: 1, currency: CNY }, approvers: 2 }"
    expect(await problemsOf(withPeople("approvers: [ { name: ann } ]", two))).toEqual([
      "policy.yaml:20:65: supernodes.0.approval.approvers: must be at most 1: the file lists only 1 person under approvers",
    ])
    expect(await problemsOf(withPeople("approvers: [ { name: ann }, { name: 王芳 } ]", two))).toEqual([])
  })
})
