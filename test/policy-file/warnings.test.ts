import { describe, expect, it } from "vitest"
import { good, warningsOf } from "./policy-files.ts"

const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"
const LIMITS = "limits: { actions: 2 per 24h, servers: 48 }"
const RULE = "        above: 85\n"
const PROMETHEUS = "prometheus: { url: http://prometheus:9090, query: up, period: 1m }"
const CLOUDWATCH = "cloudwatch: { namespace: x, name: y, period: 5m }"
const floorFor = (duration: string) =>
  `schedules: [ { name: day, cron: "0 8 * * 1-5", for: ${duration}, at_least: 2 } ]`
const BUDGET = "limits: { actions: 2 per 24h, servers: 48, budget: { amount: 9, currency: CNY, per: month } }"

describe("What is allowed but will surprise is a warning", () => {
  it("and a plain policy has none", async () => {
    expect(await warningsOf(good())).toEqual([])
  })

  it.each<[string, [string, string], string[]]>([
    [
      "only rules on alarms' own points",
      [CLOUD_EYE, "alarm: true"],
      [
        "policy.yaml:8:7: supernodes.0.rules: has only rules on alarms' own points: if an alarm is lost, no tick can find what it would have said",
      ],
    ],
    [
      "no key pair",
      ["      key_pair_name: KeyPair-42c4\n", ""],
      [
        "policy.yaml:16:7: supernodes.0.order.key_pair_name: has no key_pair_name: supernodes can be created only using key pairs",
      ],
    ],
    [
      "a step over the end of the ladder",
      [RULE, "        steps: [ { from: 5, up: 2 } ]\n"],
      [
        "policy.yaml:11:33: supernodes.0.rules.0.steps.0.up: reaches beyond the ladder, which has 1 above its smallest rung",
      ],
    ],
    ["a floor for two ticks: none", [LIMITS, `${LIMITS}\n    ${floorFor("10m")}`], []],
    ["a step to the end of the ladder: none", [RULE, "        steps: [ { from: 5, up: 1 } ]\n"], []],
    [
      "a budget without prices",
      [LIMITS, BUDGET],
      [
        "policy.yaml:13:9: supernodes.0.ladder.0.price: has no price: every purchase from here will count with the whole price of the larger rung",
        "policy.yaml:14:9: supernodes.0.ladder.1.price: has no price: with a budget or approval set, its purchase will be held as price-unknown",
      ],
    ],
    [
      "an approval without prices",
      [LIMITS, `${LIMITS}\n    approval: { above: { amount: 1, currency: CNY } }`],
      [
        expect.stringContaining("supernodes.0.ladder.0.price"),
        expect.stringContaining("held as price-unknown"),
      ],
    ],
    [
      "a webhook: none",
      ["version: 1", "version: 1\nnotify: { webhook: https://hooks.example.com/hush }"],
      [],
    ],
    [
      "a webhook on this machine: none",
      ["version: 1", 'version: 1\nnotify: { webhook: "http://127.0.0.1:8065/hush" }'],
      [],
    ],
    [
      "a webhook by plain http, whose address is not named",
      ["version: 1", "version: 1\nnotify: { webhook: http://hooks.example.com/hush }"],
      [
        "policy.yaml:2:20: notify.webhook: is not https, and plain http may not leave this machine: nobody is told",
      ],
    ],
    ["caps across supernodes: none", ["version: 1", "version: 1\nfleet: { actions: 1 per 1d }"], []],
    [
      "efficacy, with a metric that a tick can read",
      [LIMITS, `${LIMITS}\n    efficacy: { purchases: 2, min_gain: 5 }`],
      [],
    ],
    ["prometheus: none", [CLOUD_EYE, PROMETHEUS], []],
    ["cloudwatch: none", [CLOUD_EYE, CLOUDWATCH], []],
    [
      "a wildcard beside the server: none",
      ["period: 5m }", 'period: 5m, dimensions: { instance_id: "{server.id}", npu: "*" } }'],
      [],
    ],
    [
      "a wildcard by itself",
      ["period: 5m }", 'period: 5m, dimensions: { npu: "*" } }'],
      [
        "policy.yaml:10:104: supernodes.0.rules.0.metric.cloud-eye.dimensions.npu: means everybody's in this project: no other dimension says whose, and all their load counts",
      ],
    ],
  ])("%s", async (_, change, lines) => {
    expect(await warningsOf(good(change))).toEqual(lines)
  })

  it("efficacy beside a rule on an alarm's own points: another alarm must come before it can be measured", async () => {
    const second = "      - { name: two, metric: { alarm: true }, above: 1 }\n"
    const yaml = good(
      [RULE, `${RULE}${second}`],
      [LIMITS, `${LIMITS}\n    efficacy: { purchases: 2, min_gain: 5 }`],
    )
    expect(await warningsOf(yaml)).toEqual([
      "policy.yaml:12:39: supernodes.0.rules.1.metric.alarm: can be measured after a purchase only by the points of a later delivery of the alarm: until then, efficacy counts that purchase as no gain",
    ])
  })

  it("stands in defaults where its cause does, once for all supernodes", async () => {
    const yaml = good(["supernodes:\n", `defaults: { ${floorFor("9m")} }\nsupernodes:\n`])
    expect(await warningsOf(yaml)).toEqual([
      "policy.yaml:2:65: defaults.schedules.0.for: is so short that no tick may come in time: one every five minutes is usual",
    ])
  })
})
