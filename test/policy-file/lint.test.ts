import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"
import { WARNING_IDS, WARNINGS } from "../../lib/decision/policy/warnings.ts"
import { digest } from "../../lib/digest.ts"
import { loadPolicyFile, type PolicyWarning } from "../../lib/policy-file/load.ts"
import { reversedSign, timezoneProblem } from "../../lib/policy-file/time-zones.ts"
import { policyFolder, problemsOf } from "./policy-files.ts"

/** Friday. */
const NOW = Date.parse("2026-11-27T12:00:00Z")

/** A policy without warnings; each case changes one value. */
const CLEAN = `version: 1
supernodes:
  - name: train-a
    region: cn-southwest-2
    project_id: 0123456789abcdef0123456789abcdef
    id: b4beacb6-4380-448c-a218-daa82cf03f5d
    alarms: [ { cloud-eye: al1704475580412b2a4lnr3W } ]
    rules:
      - name: npu-busy
        metric:
          cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }
        points: 3 of 5
        above: 85
    ladder:
      - { flavor: rung-1, servers: 1, price: { amount: 60, currency: CNY, per: month } }
      - { flavor: rung-2, servers: 2, price: { amount: 120, currency: CNY, per: month } }
      - { flavor: rung-4, servers: 4, price: { amount: 240, currency: CNY, per: month } }
    order: { image_id: f4059eb4-c2f5-46a8-9b33-6cbed5d3fc81, key_pair_name: KeyPair-42c4 }
    limits: { actions: 2 per 24h, servers: 48, budget: { amount: 500, currency: CNY, per: 30d } }
    schedules: [ { name: day, cron: "0 8 * * 1-5", for: 10h, at_least: 2 } ]
`

type Change = [piece: string, by: string]

function changed(...changes: Change[]): string {
  return changes.reduce((yaml, [piece, by]) => {
    if (!yaml.includes(piece)) throw new Error(`there is no ${piece}`)
    return yaml.replaceAll(piece, by)
  }, CLEAN)
}

async function lint(
  yaml: string,
): Promise<{ warnings: PolicyWarning[]; says: string[]; silenced: unknown[] }> {
  const { warnings, silenced } = await loadPolicyFile(await policyFolder({ "policy.yaml": yaml }), NOW)
  const says = warnings.map(({ line, column, path, message }) => `${line}:${column} ${path} ${message}`)
  return { warnings, says, silenced }
}

const HEAD = "version: 1\n"
const BUDGET = ", budget: { amount: 500, currency: CNY, per: 30d }"
const METRIC = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"
const ALARMS = "alarms: [ { cloud-eye: al1704475580412b2a4lnr3W } ]"
const ARN = "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:"
const END = "at_least: 2 } ]\n"
const approval = (text: string, ...names: string[]): Change[] => [
  [END, `${END}    approval: { above: { amount: 100, currency: CNY }${text} }\n`],
  [HEAD, `${HEAD}approvers: [ ${names.map((name) => `{ name: ${name} }`).join(", ")} ]\n`],
]
const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEbXHYYqkZ1l2Tn0mYvVbXkq5r8cKpN3Z2mW1xYh7uQd"
const keyless = "approvers-without-keys"
const twin = CLEAN.slice(CLEAN.indexOf("  - name")).replace("cf03f5d", "cf03f5e")

const CASES: [ids: string[], changes: Change[], says: string][] = [
  [["no-budget"], [[BUDGET, ""]], "19:13 supernodes.0.limits.budget is not set, and neither is fleet.budget"],
  [
    ["no-budget", "no-price"],
    [
      [BUDGET, ""],
      [", price: { amount: 240, currency: CNY, per: month }", ""],
    ],
    "17:9 supernodes.0.ladder.2.price has no price: the maximum cost",
  ],
  [
    ["unpriced-rung"],
    [[", price: { amount: 240, currency: CNY, per: month }", ""]],
    "17:9 supernodes.0.ladder.2.price has no price: with a budget or approval set, its purchase will be held as price-unknown",
  ],
  [
    ["unpriced-rung"],
    [[", price: { amount: 60, currency: CNY, per: month }", ""]],
    "15:9 supernodes.0.ladder.0.price has no price: every purchase from this rung counts with the whole price",
  ],
  [
    ["price-not-rising"],
    [["amount: 240", "amount: 24"]],
    "17:56 supernodes.0.ladder.2.price.amount is not higher than the price of the rung with 1 server. Budgets and approval would count an order from 1 to 4 servers as 0 CNY",
  ],
  [
    ["threshold-beyond-unit"],
    [[END, `${END}    efficacy: { purchases: 2, min_gain: 500 }\n`]],
    "supernodes.0.efficacy.min_gain is more than a metric in percent can change: after 2 purchases efficacy stops automatic purchases",
  ],
  [
    ["rate-beyond-ladder"],
    [["2 per 24h", "100 per 1h"]],
    "19:24 supernodes.0.limits.actions allows 100 purchases in 1h, but the ladder has only 2 steps",
  ],
  [["nothing-to-buy"], [["2 per 24h", "0 per 24h"]], "supernodes.0.limits.actions allows no purchase"],
  [
    ["nothing-to-buy", "unreachable-rung", "unreachable-rung"],
    [
      ["servers: 48", "servers: 1"],
      [`    schedules: [ { name: day, cron: "0 8 * * 1-5", for: 10h, ${END}`, ""],
    ],
    "has one rung within limits.servers (1)",
  ],
  [
    ["unreachable-rung"],
    [["servers: 48", "servers: 2"]],
    "17:9 supernodes.0.ladder.2 is never bought: it has 4 servers, and limits.servers allows 2",
  ],
  [
    ["unreachable-rung"],
    [["amount: 500", "amount: 119"]],
    "17:9 supernodes.0.ladder.2 is never bought: its cheapest order costs 120 CNY, and limits.budget allows 119 CNY",
  ],
  [
    ["threshold-beyond-unit"],
    [["above: 85", "above: 8500"]],
    "13:16 supernodes.0.rules.0.above is never reached: the metric is in percent, 0 to 100",
  ],
  [["threshold-beyond-unit"], [["above: 85", "above: 100"]], "is never reached"],
  [["threshold-beyond-unit"], [["above: 85", "below: 0"]], "supernodes.0.rules.0.below is never reached"],
  [
    ["threshold-beyond-unit"],
    [["above: 85", "above: 0.85"]],
    "is 0.85, but the metric is in percent: did you mean 85?",
  ],
  [
    ["threshold-beyond-unit"],
    [["above: 85", "steps: [ { from: 120, up: 1 } ]"]],
    "supernodes.0.rules.0.steps is never reached",
  ],
  [["rule-always-fires"], [["above: 85", "at_least: 0"]], "is always reached"],
  [
    ["never-clears"],
    [["above: 85", "above: 0\n        repeat: false\n        clear: -1"]],
    "15:16 supernodes.0.rules.0.clear never lets the rule clear: the metric is in percent, 0 to 100",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [[METRIC, "alarm: true"]],
    "9:7 supernodes.0.rules has only rules on alarms' own points: if an alarm is lost, no tick can find",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [[METRIC, "alarm: true"]],
    "7:28 supernodes.0.alarms.0.cloud-eye has no metric, so its points do not count as evidence for rule npu-busy",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [
        ALARMS,
        "alarms: [ { cloud-eye: al1704475580412b2a4lnr3W, metric: x, namespace: AGT.ECS }, { cloud-eye: al1704475580412b2a4lnr3X, metric: y, namespace: AGT.ECS } ]",
      ],
      [METRIC, "alarm: true"],
    ],
    "supernodes.0.rules.0.metric.alarm matches points of 2 metrics, so none counts",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [ALARMS, `alarms: [ { cloudwatch: "${ARN}a" }, { cloudwatch: "${ARN}b" } ]`],
      [METRIC, "alarm: true"],
    ],
    "supernodes.0.rules.0.metric.alarm uses no points of CloudWatch, because 2 of its alarms are listed",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [ALARMS, "alarms: [ { alertmanager: { alertname: a } }, { alertmanager: { alertname: b } } ]"],
      [METRIC, "alarm: { value: B }"],
    ],
    "supernodes.0.rules.0.metric.alarm uses no points of Alertmanager or Grafana, because 2 of their alerts are listed",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [ALARMS, "alarms: [ { alertmanager: { team: npu } } ]"],
      [METRIC, "alarm: { value: B }"],
    ],
    "supernodes.0.rules.0.metric.alarm uses the values of alerts of any name",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [ALARMS, `alarms: [ { cloudwatch: "${ARN}a" } ]`],
      [METRIC, `alarm: { cloudwatch: "${ARN}b" }`],
    ],
    "supernodes.0.rules.0.metric.alarm.cloudwatch is not listed under alarms, so it never starts a run",
  ],
  [
    ["only-alarms", "unknown-alarm-points"],
    [
      [ALARMS, "alarms: [ { alertmanager: { alertname: a } } ]"],
      [METRIC, "alarm: { alertname: b }"],
    ],
    "supernodes.0.rules.0.metric.alarm.alertname is not listed under alarms, so it never starts a run",
  ],
  [
    ["only-alarms", "rule-never-fires"],
    [
      [METRIC, "alarm: true"],
      ["    alarms: [ { cloud-eye: al1704475580412b2a4lnr3W } ]\n", ""],
    ],
    "10:18 supernodes.0.rules.0.metric.alarm never has a value: the supernode lists no alarms",
  ],
  [
    ["alarm-efficacy", "unknown-alarm-points"],
    [
      [END, `${END}    efficacy: { purchases: 2, min_gain: 5 }\n`],
      ["    ladder:", "      - { name: two, metric: { alarm: true }, above: 1 }\n    ladder:"],
    ],
    "14:39 supernodes.0.rules.1.metric.alarm gets new points only when the alarm is sent again",
  ],
  [
    ["missing-buys"],
    [["above: 85", "above: 85\n        missing: breaching"]],
    "14:18 supernodes.0.rules.0.missing counts missing data as breaching",
  ],
  [
    ["single-point"],
    [["3 of 5", "1 of 5"]],
    "12:17 supernodes.0.rules.0.points lets a single point buy (1 of 5)",
  ],
  [
    ["steps-beyond-ladder"],
    [["above: 85", "steps: [ { from: 5, up: 3 } ]"]],
    "13:33 supernodes.0.rules.0.steps.0.up reaches beyond the ladder, which has only 2 rungs above its smallest",
  ],
  [
    ["boundless-dimension"],
    [["period: 5m }", 'period: 5m, dimensions: { npu: "*" } }']],
    "11:104 supernodes.0.rules.0.metric.cloud-eye.dimensions.npu matches every resource in this project",
  ],
  [
    ["cooldown-below-warmup"],
    [[END, `${END}    cooldown: 10m\n`]],
    "21:15 supernodes.0.cooldown is shorter than warmup (15m)",
  ],
  [
    ["no-key-pair"],
    [[", key_pair_name: KeyPair-42c4", ""]],
    "18:12 supernodes.0.order.key_pair_name has no key_pair_name",
  ],
  [
    ["short-floor"],
    [["for: 10h", "for: 9m"]],
    "20:57 supernodes.0.schedules.0.for is so short that no tick may run during it",
  ],
  [["floor-always-met"], [["at_least: 2", "at_least: 1"]], "is no higher than the smallest rung (1)"],
  [
    ["cron-both-days"],
    [
      ['"0 8 * * 1-5"', '"0 8 1-7 * 1"'],
      [HEAD, `${HEAD}timezone: Asia/Shanghai\n`],
    ],
    "supernodes.0.schedules.0.cron restricts days of the month and days of the week: a match of either is enough. The next starts: Mon 2026-11-30 08:00 +08:00 Asia/Shanghai (2026-11-30T00:00:00Z); Tue 2026-12-01 08:00 +08:00 Asia/Shanghai (2026-12-01T00:00:00Z); Wed 2026-12-02 08:00 +08:00 Asia/Shanghai (2026-12-02T00:00:00Z)",
  ],
  [
    ["reversed-zone-sign"],
    [[HEAD, `${HEAD}timezone: Etc/GMT+8\n`]],
    "2:11 timezone Etc/GMT+8 is UTC-8: the sign of these names is reversed. For UTC+8 write Etc/GMT-8",
  ],
  [
    ["insecure-webhook"],
    [[HEAD, `${HEAD}notify: { webhook: http://hooks.example.com/hush }\n`]],
    "2:20 notify.webhook is not https: nothing is sent over plain http to another machine",
  ],
  [
    ["names-differ-in-case"],
    [[CLEAN, CLEAN + twin.replace("train-a", "Train-A")]],
    "21:11 supernodes.1.name differs from train-a only in case",
  ],
  [
    ["unknown-currency"],
    [["CNY", "QQQ"]].concat() as Change[],
    "currency is QQQ, which ISO 4217 does not list",
  ],
  [[keyless], approval("", "ann", "bob"), "2:12 approvers has no keys"],
  [[keyless], approval("", `ann, key: ${KEY}`, "bob"), "2:12 approvers has no key for bob: "],
  [
    ["few-approvers", keyless],
    approval(", approvers: 2", "ann", "bob"),
    "needs 2 of the 2 approvers: a purchase that one of them requests can never be approved",
  ],
  [
    ["approval-expires-soon", keyless],
    approval(", expires: 10m", "ann", "bob"),
    "supernodes.0.approval.expires is 10m",
  ],
  [
    ["approval-never-asked", keyless],
    [...approval("", "ann", "bob"), ["amount: 100,", "amount: 180,"]],
    "supernodes.0.approval.above is never reached: the most expensive order costs 180 CNY",
  ],
  [["unused-approvers"], [[HEAD, `${HEAD}approvers: [ { name: ann } ]\n`]], "2:12 approvers has no use"],
  [["long-unarmed"], [[END, `${END}    arm_after: 8d\n`]], "supernodes.0.arm_after is 8d"],
  [
    ["cap-above-cap"],
    [[HEAD, `${HEAD}fleet: { actions: 2 per 24h }\n`]],
    "2:19 fleet.actions is never reached: limits.actions of all supernodes together allow only 2 purchases",
  ],
  [
    ["cap-above-cap"],
    [[HEAD, `${HEAD}fleet: { budget: { amount: 900, currency: CNY, per: 30d } }\n`]],
    "fleet.budget is never reached: limits.budget of all supernodes together allow only 500 CNY",
  ],
  [
    ["cap-above-cap"],
    [[HEAD, `${HEAD}fleet: { actions: 1 per 24h }\n`]],
    "supernodes.0.limits.actions is never reached: fleet.actions (1 per 1d) always applies first",
  ],
  [
    ["cap-above-cap"],
    [[HEAD, `${HEAD}fleet: { budget: { amount: 400, currency: CNY, per: 30d } }\n`]],
    "supernodes.0.limits.budget is never reached: fleet.budget (400 CNY per 30d) always applies first",
  ],
  [
    ["unused-silence"],
    [[END, `${END}    silence: [ { warning: no-budget, reason: trust } ]\n`]],
    "21:27 supernodes.0.silence.0.warning silences no-budget, which is not raised here: remove it",
  ],
]

describe("the warnings of validate", () => {
  it("validate has no warnings about a careful policy", async () => {
    expect((await lint(CLEAN)).says).toEqual([])
  })

  it.each(CASES)("validate warns of %j (case %#)", async (ids, changes, says) => {
    const found = await lint(changed(...changes))
    expect([...new Set(found.warnings.map(({ id }) => id))].sort()).toEqual([...new Set(ids)].sort())
    expect(found.says.join("\n")).toContain(says)
  })

  const alarmRule = (alarm: string, above: string): Change => [
    "    ladder:",
    `      - { name: two, metric: { alarm: ${alarm} }, above: ${above} }\n    ladder:`,
  ]
  const NAMED = "alarms: [ { cloud-eye: al1704475580412b2a4lnr3W, metric: cpu_usage, namespace: AGT.ECS } ]"

  it.each<[of: string, changes: Change[], says: string | null]>([
    [
      "an alarm's metric that the alarm's entry names",
      [[ALARMS, NAMED], alarmRule("true", "8500")],
      "rules.1.above is never",
    ],
    [
      "an alarm's metric that the rule names",
      [alarmRule("{ metric: mem_usedPercent }", "101")],
      "rules.1.above is never",
    ],
    ["an alarm's points in %", [alarmRule('{ value: B, unit: "%" }', "0.9")], "did you mean 90?"],
    [
      "an alarm's points in another unit, without a warning",
      [alarmRule("{ metric: cpu_usage, unit: ms }", "8500")],
      null,
    ],
    [
      "a further step",
      [["above: 85", "steps: [ { from: 80, to: 200, up: 1 }, { from: 200, up: 2 } ]"]],
      "steps.1.from is never",
    ],
    [
      "a further step of low values",
      [["above: 85", "steps: [ { to: 0, up: 2 }, { from: 0, to: 5, up: 1 } ]"]],
      "steps.0.to is never",
    ],
    [
      "steps written as fractions",
      [["above: 85", "steps: [ { from: 0.8, to: 0.9, up: 1 }, { from: 0.9, up: 2 } ]"]],
      "did you mean 80?",
    ],
    [
      "`clear` written as a fraction",
      [["above: 85", "above: 85\n        clear: 0.7"]],
      "rules.0.clear is 0.7",
    ],
    [
      "another documented metric in percent",
      [
        ["npu_util_rate_ai_core", "gpu_usage_mem"],
        ["above: 85", "above: 850"],
      ],
      "above is never",
    ],
    ["the lowest possible value, without a warning", [["above: 85", "at_most: 0"]], null],
  ])("validate compares a threshold with the unit of its metric: %s", async (_, changes, says) => {
    const found = (await lint(changed(...changes))).warnings.filter(
      ({ id }) => id === "threshold-beyond-unit",
    )
    expect(found.map(({ path, message }) => `${path} ${message}`)).toEqual(
      says === null ? [] : [expect.stringContaining(says)],
    )
  })

  it("a policy warning never suggests a time zone that a policy may not have", () => {
    for (const sign of ["+", "-"])
      for (let hours = 1; hours <= 14; hours += 1) {
        const [, suggested] = / write (Etc\/\S+), or/.exec(reversedSign(`Etc/GMT${sign}${hours}`) ?? "") ?? []
        if (suggested !== undefined) expect(timezoneProblem(suggested)).toBeNull()
      }
  })

  it("every id of a policy warning has a test", () => {
    const shown = new Set(CASES.flatMap(([ids]) => ids))
    expect(WARNING_IDS.filter((id) => !shown.has(id))).toEqual([])
  })

  it("a policy warning about a default appears once, at that default, however many supernodes inherit it", async () => {
    const yaml = changed(["    limits:", "    cooldown: 5m\n    limits:"])
    const shared = yaml
      .replace("    cooldown: 5m\n", "")
      .replace("supernodes:", "defaults: { cooldown: 5m }\nsupernodes:")
    const two = shared + twin.replace("train-a", "train-b")
    expect((await lint(two)).says).toEqual([
      expect.stringContaining("2:23 defaults.cooldown is shorter than warmup"),
    ])
  })

  it("validate has no warnings about unusual but plausible values", async () => {
    const fine: Change[][] = [
      [["at_least: 2", "at_least: 4"]],
      [
        ["above: 85", "above: 0.85"],
        ["name: npu_util_rate_ai_core", "name: queue_length"],
      ],
      [["above: 85", "steps: [ { from: 80, to: 95, up: 1 }, { from: 95, up: 2 } ]"]],
      [["above: 85", "below: 15"]],
      [["above: 85", "above: 85\n        repeat: false\n        clear: 70"]],
      [[HEAD, `${HEAD}notify: { webhook: "http://127.0.0.1:8065/hush" }\n`]],
      [["period: 5m }", 'period: 5m, dimensions: { instance_id: "{server.id}", npu: "*" } }']],
      [[HEAD, `${HEAD}timezone: Etc/GMT-0\n`]],
      [[METRIC, "prometheus: { url: http://prometheus:9090, query: up, period: 1m }"]],
    ]
    for (const changes of fine) expect((await lint(changed(...changes))).says).toEqual([])
  })
})

describe("a silence", () => {
  const reason = "the data center's owner approves each order by contract"
  const item = (id: string) => `{ warning: ${id}, reason: "${reason}" }`
  const both = [[BUDGET, ""] as Change, ["2 per 24h", "9 per 24h"] as Change]

  it.each<[string, Change]>([
    ["of a supernode", [END, `${END}    silence: [ ${item("no-budget")} ]\n`]],
    ["of the file", [HEAD, `${HEAD}silence: [ ${item("no-budget")} ]\n`]],
    ["of the defaults", [HEAD, `${HEAD}defaults: { silence: [ ${item("no-budget")} ] }\n`]],
  ])(
    "a silence %s removes a warning from the warnings and lists it as silenced, with its reason",
    async (_, change) => {
      const { warnings, silenced } = await lint(changed(...both, change))
      expect(warnings.map(({ id }) => id)).toEqual(["rate-beyond-ladder"])
      expect(silenced).toMatchObject([{ id: "no-budget", reason, path: "supernodes.0.limits.budget" }])
    },
  )

  it("a silence for one supernode does not remove the same warning about another supernode", async () => {
    const two = changed(both[0] ?? ["", ""], [END, `${END}    silence: [ ${item("no-budget")} ]\n`])
    const other = twin.replace("train-a", "train-b").replace(BUDGET, "")
    const { warnings } = await lint(two + other)
    expect(warnings).toMatchObject([{ id: "no-budget", path: "supernodes.1.limits.budget" }])
  })

  it.each<[string, string]>([
    [
      "{ warning: no-buget, reason: trust }",
      "silence.0.warning: is not the id of a warning; did you mean no-budget?",
    ],
    ['{ warning: no-budget, reason: " " }', "silence.0.reason: must be a reason in words"],
    ["{ warning: no-budget }", "silence.0.reason: is missing: must be a reason in words"],
    ["no-budget", "silence.0: must be a mapping of warning, reason"],
  ])("a silence of a warning is refused if it is %s", async (written, message) => {
    const problems = await problemsOf(changed([HEAD, `${HEAD}silence: [ ${written} ]\n`]))
    expect(problems).toEqual([expect.stringMatching(/^policy\.yaml:2:\d+: /)])
    expect(problems[0]).toContain(message)
  })

  it("a silence of a warning changes neither the policy's hash nor its content", async () => {
    const hashOf = async (yaml: string) => {
      const [loaded] = (await loadPolicyFile(await policyFolder({ "policy.yaml": yaml }))).supernodes
      expect(loaded?.policy).not.toHaveProperty("silence")
      return [loaded?.hash, digest(loaded?.policy)]
    }
    const loud = changed(both[0] ?? ["", ""])
    const quiet = changed(both[0] ?? ["", ""], [END, `${END}    silence: [ ${item("no-budget")} ]\n`])
    expect(await hashOf(quiet)).toEqual(await hashOf(loud))
  })
})

it("docs/lint.md lists every policy warning with the text of the code, and no other warning", () => {
  const rows = readFileSync("docs/lint.md", "utf8").matchAll(/^\| `([a-z-]+)` \| ([^|]+) \|/gm)
  expect(Object.fromEntries([...rows].map(([, id, says]) => [id, says]))).toEqual(WARNINGS)
})
