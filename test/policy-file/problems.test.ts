import { describe, expect, it } from "vitest"
import { good, problemsOf } from "./policy-files.ts"

const RULE = "        above: 85\n"
const RUNGS = `      - { flavor: kat3ne-16-400t.96xlarge.8.matrix, servers: 2 }
      - { flavor: kat3ne-32-800t.192xlarge.8.matrix, servers: 4 }
`
const CLOUD_EYE = "cloud-eye: { namespace: AGT.ECS, name: npu_util_rate_ai_core, period: 5m }"
const LIMITS = "limits: { actions: 2 per 24h, servers: 48 }"
const ORDER = "      key_pair_name: KeyPair-42c4\n"
const priced = (first: string, second: string) =>
  `      - { flavor: a, servers: 2, price: { amount: 1, currency: ${first}, per: month } }
      - { flavor: b, servers: 4, price: { amount: 2, currency: ${second}, per: month } }
`
const ANOTHER_RULE = "      - { name: npu-busy, metric: { alarm: true }, above: 1 }\n"
const floorOf = (name: string, servers: number) =>
  `{ name: ${name}, cron: "0 8 * * *", for: 1h, at_least: ${servers} }`
const dimensions = (count: number) => Array.from({ length: count }, (_, i) => `d${i}: "1"`).join(", ")

describe("a problem of a policy", () => {
  it.each<[string, [string, string], string[]]>([
    [
      "an unsupported version",
      ["version: 1", "version: 2"],
      ["policy.yaml:1:10: version: must be 1, the only version, not 2"],
    ],
    [
      "no version",
      ["version: 1\n", ""],
      ["policy.yaml:1:1: version: is missing: must be 1, the only version"],
    ],
    [
      "a misspelled key of the file",
      ["version: 1", "version: 1\ntimezon: UTC"],
      [
        "policy.yaml:2:1: timezon: is not a known key (did you mean timezone?): allowed keys are version, timezone, ledger_id, smn_topics, sns_topics, notify, approvers, fleet, silence, include, defaults, supernodes",
      ],
    ],
    [
      "an unknown zone",
      ["version: 1", "version: 1\ntimezone: Mars/Base"],
      ['policy.yaml:2:11: timezone: must be an IANA time zone such as Asia/Shanghai or UTC, not "Mars/Base"'],
    ],
    [
      "an offset as zone",
      ["version: 1", 'version: 1\ntimezone: "+08:00"'],
      ['policy.yaml:2:11: timezone: must be an IANA time zone such as Asia/Shanghai or UTC, not "+08:00"'],
    ],
    [
      "a text that is not a topic",
      ["version: 1", "version: 1\nsmn_topics: [ alarms ]"],
      [
        'policy.yaml:2:15: smn_topics.0: must be an SMN topic such as urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:alarms, not "alarms"',
      ],
    ],
    [
      "an SNS topic in the wrong list",
      ["version: 1", "version: 1\nsns_topics: [ urn:smn:a:b:c ]"],
      [
        'policy.yaml:2:15: sns_topics.0: must be an SNS topic such as arn:aws:sns:eu-central-1:123456789012:alarms, not "urn:smn:a:b:c"',
      ],
    ],
    [
      "a fleet with a wrong cap",
      ["version: 1", "version: 1\nfleet: { actions: 5 a day }"],
      ['policy.yaml:2:19: fleet.actions: must be "N per D", such as "2 per 24h", not "5 a day"'],
    ],
    [
      "a misspelled key of a supernode",
      ["    region:", "    cool_down: 1h\n    region:"],
      [
        "policy.yaml:4:5: supernodes.0.cool_down: is not a known key (did you mean cooldown?): allowed keys are name, region, project_id, id, alarms, rules, ladder, sold_out, order, limits, cooldown, min_interval, warmup, schedules, approval, unknown_outcome, efficacy, arm_after, silence",
      ],
    ],
    [
      "a missing key, reported at its parent",
      ["    region: cn-southwest-2\n", ""],
      ["policy.yaml:3:5: supernodes.0.region: is missing: must be a region such as cn-southwest-2"],
    ],
    [
      "an empty value, reported at its key",
      ["region: cn-southwest-2", "region:"],
      ["policy.yaml:4:5: supernodes.0.region: must be a region such as cn-southwest-2, not empty"],
    ],
    [
      "a project id that YAML reads as a number",
      ["0123456789abcdef0123456789abcdef", "1234"],
      [
        "policy.yaml:5:17: supernodes.0.project_id: must be 1 to 64 letters, digits or hyphens (in quotes, if all digits), not 1234",
      ],
    ],
    [
      "an id that is not a UUID",
      ["b4beacb6-4380-448c-a218-daa82cf03f5d", "b4beacb6"],
      ['policy.yaml:6:9: supernodes.0.id: must be a lower-case UUID (36 characters), not "b4beacb6"'],
    ],
    [
      "no rules",
      [good().slice(good().indexOf("    rules:"), good().indexOf("    ladder:")), ""],
      ["policy.yaml:3:5: supernodes.0.rules: is missing: must be a list of at least one rule"],
    ],
    [
      "a rule without data source",
      [CLOUD_EYE, "lag: 1m"],
      [
        "policy.yaml:10:11: supernodes.0.rules.0.metric: must have exactly one data source: cloud-eye, prometheus, cloudwatch, alarm",
      ],
    ],
    [
      "a rule with two data sources",
      [CLOUD_EYE, `${CLOUD_EYE}\n          alarm: true`],
      [
        "policy.yaml:10:11: supernodes.0.rules.0.metric: must have exactly one data source: cloud-eye, prometheus, cloudwatch, alarm",
      ],
    ],
    [
      "a statistic and a dimension that CloudWatch does not know",
      [
        CLOUD_EYE,
        'cloudwatch: { namespace: x, name: y, period: 5m, statistic: variance, dimensions: { a: "*" } }',
      ],
      [
        'policy.yaml:10:71: supernodes.0.rules.0.metric.cloudwatch.statistic: must be average, max, min, sum or a percentile with at most two decimals such as p99 or p99.9 (others are not supported here), not "variance"',
        'policy.yaml:10:98: supernodes.0.rules.0.metric.cloudwatch.dimensions.a: must not be "*": CloudWatch does not expand it',
      ],
    ],
    [
      "a server_label that is not a valid label",
      [CLOUD_EYE, "prometheus: { url: https://p, query: x, period: 1m, server_label: a-b }"],
      [
        `policy.yaml:10:77: supernodes.0.rules.0.metric.prometheus.server_label: must be a label's name: letters, digits and _, not starting with a digit, not "a-b"`,
      ],
    ],
    [
      "a period that Cloud Eye does not have",
      ["period: 5m", "period: 2m"],
      [
        "policy.yaml:10:81: supernodes.0.rules.0.metric.cloud-eye.period: must be 1m, 5m, 20m, 1h, 4h or 1d: Cloud Eye supports no other period",
      ],
    ],
    [
      "an unknown template",
      ["period: 5m", 'period: 5m, dimensions: { instance_id: "{server.ip}" }'],
      [
        "policy.yaml:10:112: supernodes.0.rules.0.metric.cloud-eye.dimensions.instance_id: may have braces only as {supernode.id}, {server.id}, {server.name}, {server.cloud_server.id}, {server.cloud_server.hps_id}, {server.cloud_server.hps_ecs_id}",
      ],
    ],
    [
      "no threshold",
      [RULE, ""],
      [
        "policy.yaml:8:9: supernodes.0.rules.0: must have exactly one of above, at_least, below, at_most, steps",
      ],
    ],
    [
      "two thresholds",
      [RULE, "        above: 85\n        below: 5\n"],
      [
        "policy.yaml:8:9: supernodes.0.rules.0: must have exactly one of above, at_least, below, at_most, steps",
      ],
    ],
    [
      "clear on the wrong side of above",
      [RULE, "        above: 85\n        clear: 90\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be below 85 (the rule's above), not 90"],
    ],
    [
      "clear equal to at_least",
      [RULE, "        at_least: 85\n        clear: 85\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be below 85 (the rule's at_least), not 85"],
    ],
    [
      "clear on the wrong side of below",
      [RULE, "        below: 5\n        clear: 2\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be above 5 (the rule's below), not 2"],
    ],
    [
      "clear within the steps",
      [RULE, "        steps: [ { from: 5, up: 1 } ]\n        clear: 5\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be below 5 (from of the lowest step), not 5"],
    ],
    [
      "clear within steps of low values",
      [RULE, "        steps: [ { to: 5, up: 1 } ]\n        clear: 4\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be above 5 (to of the highest step), not 4"],
    ],
    [
      "clear with steps that cover every number",
      [RULE, "        steps: [ { to: 5, up: 1 }, { from: 5, up: 2 } ]\n        clear: 4\n"],
      [
        "policy.yaml:12:16: supernodes.0.rules.0.clear: must be left out: the steps cover every number, so no value is clear",
      ],
    ],
    [
      "a gap between steps",
      [RULE, "        steps: [ { from: 5, to: 6, up: 1 }, { from: 7, up: 2 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must have no gap: no step covers 6 to 7"],
    ],
    [
      "steps that overlap",
      [RULE, "        steps: [ { from: 5, to: 8, up: 1 }, { from: 7, up: 2 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must not overlap: 7 to 8 is covered twice"],
    ],
    [
      "an open end between steps",
      [RULE, "        steps: [ { from: 5, up: 1 }, { from: 7, up: 2 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must have at most one open end on each side"],
    ],
    [
      "a step without bounds",
      [RULE, "        steps: [ { up: 1 } ]\n"],
      ["policy.yaml:11:18: supernodes.0.rules.0.steps.0: must have from, to or both"],
    ],
    [
      "a step whose bounds are reversed",
      [RULE, "        steps: [ { from: 3, to: 2, up: 1 } ]\n"],
      ["policy.yaml:11:18: supernodes.0.rules.0.steps.0: must have a from less than its to"],
    ],
    [
      "more points than periods",
      [RULE, "        above: 85\n        points: 6 of 5\n"],
      ["policy.yaml:12:17: supernodes.0.rules.0.points: must have 1 <= M <= N <= 100"],
    ],
    [
      "an unknown value of missing",
      [RULE, "        above: 85\n        missing: ignore\n"],
      [
        'policy.yaml:12:18: supernodes.0.rules.0.missing: must be one of hold, breaching, not-breaching, not "ignore"',
      ],
    ],
    [
      "infinity instead of a number",
      [RULE, "        above: .inf\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.above: must be a number, not Infinity"],
    ],
    [
      "an alarm without a source",
      ["    rules:", "    alarms: [ {} ]\n    rules:"],
      [
        "policy.yaml:7:15: supernodes.0.alarms.0: must have exactly one of cloud-eye, cloudwatch, alertmanager",
      ],
    ],
    [
      "a label that is a number",
      ["    rules:", "    alarms: [ { alertmanager: { rack: 7 } } ]\n    rules:"],
      ["policy.yaml:7:39: supernodes.0.alarms.0.alertmanager.rack: must be text, not 7: put it in quotes"],
    ],
    [
      "a ladder that does not grow",
      ["servers: 4", "servers: 2"],
      ["policy.yaml:14:63: supernodes.0.ladder.1.servers: must be larger: the previous rung has 2 servers"],
    ],
    [
      "a flavor on two rungs",
      ["kat3ne-32-800t.192xlarge.8.matrix", "kat3ne-16-400t.96xlarge.8.matrix"],
      [
        "policy.yaml:14:19: supernodes.0.ladder.1.flavor: must be on one rung only: kat3ne-16-400t.96xlarge.8.matrix is already used above",
      ],
    ],
    [
      "a flavor with a space",
      ["kat3ne-16-400t.96xlarge.8.matrix", "kat3ne 16"],
      [
        'policy.yaml:13:19: supernodes.0.ladder.0.flavor: must be 1 to 128 letters, digits, periods, hyphens or underscores, not "kat3ne 16"',
      ],
    ],
    [
      "an empty ladder",
      [`    ladder:\n${RUNGS}`, "    ladder: []\n"],
      ["policy.yaml:12:13: supernodes.0.ladder: must have at least one rung"],
    ],
    [
      "two currencies in one ladder",
      [RUNGS, priced("CNY", "EUR")],
      [
        "policy.yaml:14:64: supernodes.0.ladder.1.price.currency: must be CNY as elsewhere in the policy, not EUR: currencies are not converted",
      ],
    ],
    [
      "a price with fractions of a cent",
      [RUNGS, priced("CNY", "CNY").replace("amount: 1", "amount: 1.005")],
      ["policy.yaml:13:51: supernodes.0.ladder.0.price.amount: must have at most two decimals"],
    ],
    [
      "a data disk that is too large",
      [ORDER, `${ORDER}      data_volume: { size: 50000, type: ESSD, count: 2 }\n`],
      ["policy.yaml:18:28: supernodes.0.order.data_volume.size: must be 100 to 32768 GB, not 50000"],
    ],
    [
      "a system disk that is too small",
      [ORDER, `${ORDER}      root_volume: { size: 99 }\n`],
      ["policy.yaml:18:28: supernodes.0.order.root_volume.size: must be 100 to 1024 GB, not 99"],
    ],
    [
      "a disk type that is not for sale",
      [ORDER, `${ORDER}      root_volume: { type: NVME }\n`],
      [
        'policy.yaml:18:28: supernodes.0.order.root_volume.type: must be one of ESSD, GPSSD, SAS, SATA, SSD, not "NVME"',
      ],
    ],
    [
      "nine data disks",
      [ORDER, `${ORDER}      data_volume: { size: 100, type: ESSD, count: 9 }\n`],
      ["policy.yaml:18:52: supernodes.0.order.data_volume.count: must be 1 to 8 disks, not 9"],
    ],
    [
      "a key pair with a slash",
      ["KeyPair-42c4", "a/b"],
      [
        'policy.yaml:17:22: supernodes.0.order.key_pair_name: must be 1 to 64 letters, digits, hyphens, underscores or periods, not "a/b"',
      ],
    ],
    [
      "a limit under the smallest rung",
      ["servers: 48", "servers: 1"],
      [
        "policy.yaml:18:44: supernodes.0.limits.servers: must be at least 2 (servers of the smallest rung), not 1",
      ],
    ],
    [
      "a limit over the largest supernode",
      ["servers: 48", "servers: 49"],
      ["policy.yaml:18:44: supernodes.0.limits.servers: must be 1 to 48 servers, not 49"],
    ],
    [
      "no limits",
      [LIMITS, "sold_out: hold"],
      ["policy.yaml:3:5: supernodes.0.limits: is missing: must be a mapping of actions, servers, budget"],
    ],
    [
      "a floor over the limit",
      [
        LIMITS,
        'limits: { actions: 2 per 24h, servers: 3 }\n    schedules: [ { name: day, cron: "0 8 * * *", for: 1h, at_least: 4 } ]',
      ],
      ["policy.yaml:19:69: supernodes.0.schedules.0.at_least: must be at most 3 (limits.servers), not 4"],
    ],
    [
      "a floor over the ladder",
      [LIMITS, `${LIMITS}\n    schedules: [ { name: day, cron: "0 8 * * *", for: 1h, at_least: 5 } ]`],
      [
        "policy.yaml:19:69: supernodes.0.schedules.0.at_least: must be at most 4 (servers of the largest rung), not 5",
      ],
    ],
    [
      "an hour above 23",
      [LIMITS, `${LIMITS}\n    schedules: [ { name: day, cron: "0 24 * * *", for: 1h, at_least: 2 } ]`],
      ['policy.yaml:19:37: supernodes.0.schedules.0.cron: must have 0 to 23 as its hour, not "24"'],
    ],
    [
      "a duration without unit",
      [LIMITS, `${LIMITS}\n    cooldown: 60`],
      [
        'policy.yaml:19:15: supernodes.0.cooldown: must be a duration such as "90s", "15m", "1h" or "30d", not 60',
      ],
    ],
    [
      "a duration of more than 366 days",
      [LIMITS, `${LIMITS}\n    cooldown: 367d`],
      ['policy.yaml:19:15: supernodes.0.cooldown: must be at most 366d, not "367d"'],
    ],
    [
      "a rule's name twice",
      [RULE, `${RULE}${ANOTHER_RULE}`],
      ["policy.yaml:12:17: supernodes.0.rules.1.name: must be unique: npu-busy is already used above"],
    ],
    [
      "a schedule's name twice",
      [
        LIMITS,
        `${LIMITS}\n    schedules: [ ${floorOf("day", 2)}, ${floorOf("night", 2)}, ${floorOf("day", 4)} ]`,
      ],
      ["policy.yaml:19:140: supernodes.0.schedules.2.name: must be unique: day is already used above"],
    ],
    [
      "a step that demands less for a higher value",
      [RULE, "        steps: [ { from: 5, to: 8, up: 2 }, { from: 8, up: 1 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must not have a smaller up for a higher value"],
    ],
    [
      "a step that demands less for a higher value, in reverse order",
      [RULE, "        steps: [ { from: 8, up: 1 }, { from: 5, to: 8, up: 2 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must not have a smaller up for a higher value"],
    ],
    [
      "a step that demands less for a lower value",
      [RULE, "        steps: [ { to: 5, up: 1 }, { from: 5, to: 8, up: 2 } ]\n"],
      ["policy.yaml:11:16: supernodes.0.rules.0.steps: must not have a smaller up for a lower value"],
    ],
    [
      "a step whose bounds are equal",
      [RULE, "        steps: [ { from: 3, to: 3, up: 1 } ]\n"],
      ["policy.yaml:11:18: supernodes.0.rules.0.steps.0: must have a from less than its to"],
    ],
    [
      "a malformed step, without problems about all steps together",
      [RULE, "        steps: [ { from: 5, to: 6, up: x }, { from: 7, up: 1 } ]\n"],
      ['policy.yaml:11:40: supernodes.0.rules.0.steps.0.up: must be 1 to 48 rungs, a whole number, not "x"'],
    ],
    [
      "clear equal to below",
      [RULE, "        below: 5\n        clear: 5\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be above 5 (the rule's below), not 5"],
    ],
    [
      "clear equal to the end of steps of low values",
      [RULE, "        steps: [ { to: 5, up: 1 } ]\n        clear: 5\n"],
      ["policy.yaml:12:16: supernodes.0.rules.0.clear: must be above 5 (to of the highest step), not 5"],
    ],
    [
      "five dimensions of Cloud Eye",
      ["period: 5m", 'period: 5m, dimensions: { a: "1", b: "2", c: "3", d: "4", e: "5" }'],
      ["policy.yaml:10:97: supernodes.0.rules.0.metric.cloud-eye.dimensions: must have 1 to 4 dimensions"],
    ],
    [
      "no dimension of Cloud Eye",
      ["period: 5m", "period: 5m, dimensions: {}"],
      ["policy.yaml:10:97: supernodes.0.rules.0.metric.cloud-eye.dimensions: must have 1 to 4 dimensions"],
    ],
    [
      "more dimensions than CloudWatch takes",
      [CLOUD_EYE, `cloudwatch: { namespace: x, name: y, period: 5m, dimensions: { ${dimensions(31)} } }`],
      [
        "policy.yaml:10:72: supernodes.0.rules.0.metric.cloudwatch.dimensions: must have at most 30 dimensions",
      ],
    ],
    [
      "a period that CloudWatch does not have",
      [CLOUD_EYE, "cloudwatch: { namespace: x, name: y, period: 90s }"],
      [
        'policy.yaml:10:56: supernodes.0.rules.0.metric.cloudwatch.period: must be a multiple of 1m such as "5m", not "90s"',
      ],
    ],
    [
      "an alarm without a label",
      ["    rules:", "    alarms: [ { alertmanager: {} } ]\n    rules:"],
      ["policy.yaml:7:31: supernodes.0.alarms.0.alertmanager: must name at least one label"],
    ],
    ...["0 of 3", "4 of 3", "1 of 101"].map((points): [string, [string, string], string[]] => [
      `points of ${points}`,
      [RULE, `        above: 85\n        points: ${points}\n`],
      ["policy.yaml:12:17: supernodes.0.rules.0.points: must have 1 <= M <= N <= 100"],
    ]),
    ...["1 per 0s", "1 per 367d"].map((actions): [string, [string, string], string[]] => [
      `actions of ${actions}`,
      [LIMITS, `limits: { actions: ${actions}, servers: 48 }`],
      [
        `policy.yaml:18:24: supernodes.0.limits.actions: must be over a window of more than 0 and at most 366d, not "${actions}"`,
      ],
    ]),
    ...["0%", "100.1%"].map((quorum): [string, [string, string], string[]] => [
      `a quorum of ${quorum}`,
      [CLOUD_EYE, `${CLOUD_EYE}\n          quorum: ${quorum}`],
      [
        `policy.yaml:11:19: supernodes.0.rules.0.metric.quorum: must be above "0%" and at most "100%", not "${quorum}"`,
      ],
    ]),
    [
      "a schedule with a duration of zero",
      [LIMITS, `${LIMITS}\n    schedules: [ { name: day, cron: "0 8 * * *", for: 0s, at_least: 2 } ]`],
      ['policy.yaml:19:55: supernodes.0.schedules.0.for: must be longer than 0, not "0s"'],
    ],
    [
      "another currency in the approval",
      [RUNGS, `${priced("CNY", "CNY")}    approval: { above: { amount: 1, currency: EUR } }\n`],
      [
        expect.stringContaining("needs people who may approve"),
        "policy.yaml:15:47: supernodes.0.approval.above.currency: must be CNY as elsewhere in the policy, not EUR: currencies are not converted",
      ],
    ],
    [
      "an empty list of recipients",
      ["version: 1", "version: 1\nnotify: []"],
      ["policy.yaml:2:9: notify: must have at least one recipient"],
    ],
    [
      "a recipient of two kinds, in a list",
      [
        "version: 1",
        'version: 1\nnotify: [ { sns: "arn:aws:sns:eu-central-1:123456789012:ops" }, { smn: x, webhook: "https://x.example" } ]',
      ],
      [
        "policy.yaml:2:65: notify.1: must have exactly one of webhook, smn, sns",
        "policy.yaml:2:72: notify.1.smn: must be an SMN topic such as urn:smn:cn-southwest-2:0123456789abcdef0123456789abcdef:alarms",
      ],
    ],
    [
      "a format beside a topic",
      [
        "version: 1",
        'version: 1\nnotify: [ { sns: "arn:aws:sns:eu-central-1:123456789012:ops", format: slack } ]',
      ],
      ["policy.yaml:2:71: notify.0.format: belongs to a webhook: SMN and SNS have only one format"],
    ],
    [
      "an unknown topic under `on`",
      ["version: 1", 'version: 1\nnotify: [ { webhook: "https://x.example", on: [ purchases ] } ]'],
      ["policy.yaml:2:49: notify.0.on.0: must be one of purchase, trouble, approval, policy, daily"],
    ],
    [
      "a misspelled key of a recipient",
      ["version: 1", 'version: 1\nnotify: [ { webhook: "https://x.example", onn: [ daily ] } ]'],
      [
        "policy.yaml:2:43: notify.0.onn: is not a known key (did you mean on?): allowed keys are webhook, smn, sns, format, secret, on",
      ],
    ],
    [
      "a silence of an unknown warning",
      ["version: 1", "version: 1\nsilence: [ { warning: no-buget, reason: seen } ]"],
      ["policy.yaml:2:23: silence.0.warning: is not the id of a warning; did you mean no-budget?"],
    ],
    [
      "a silence without a reason",
      ["version: 1", "version: 1\nsilence: [ { warning: no-budget } ]"],
      ["policy.yaml:2:12: silence.0.reason: is missing: must be a reason in words"],
    ],
    [
      "a ledger id that is a file name",
      ["version: 1", "version: 1\nledger_id: ledger.db"],
      [
        'policy.yaml:2:12: ledger_id: must be the id of a ledger, a UUID, as `supernode-autoscaler ledger show` prints it, not "ledger.db"',
      ],
    ],
    [
      "an unknown key of an alarm's points",
      [CLOUD_EYE, "alarm: { refid: B }"],
      [
        "policy.yaml:10:20: supernodes.0.rules.0.metric.alarm.refid: is not a known key: allowed keys are cloudwatch, alertname, metric, value, unit",
      ],
    ],
    [
      "an alarm's points in a unit that is not text",
      [CLOUD_EYE, "alarm: { unit: 5 }"],
      [
        'policy.yaml:10:26: supernodes.0.rules.0.metric.alarm.unit: must be a unit such as "%" or "MB/s": 1 to 16 characters without digits and spaces, not 5',
      ],
    ],
    [
      "an alarm that is switched off",
      [CLOUD_EYE, "alarm: false"],
      [
        "policy.yaml:10:18: supernodes.0.rules.0.metric.alarm: must be true, or a mapping of cloudwatch, alertname, metric, value, unit, not false",
      ],
    ],
    [
      "an alarm's points that name two alarms",
      [
        CLOUD_EYE,
        'alarm: { cloudwatch: "arn:aws:cloudwatch:eu-central-1:123456789012:alarm:a", alertname: b }',
      ],
      [
        "policy.yaml:10:32: supernodes.0.rules.0.metric.alarm.cloudwatch: must not be used together with alertname: they belong to alarms of different sources",
      ],
    ],
    [
      "a supernode that is a word",
      ["  - name: train-a", "  - word\n  - name: train-a"],
      [
        'policy.yaml:3:5: supernodes.0: must be a mapping of name, region, project_id, id, alarms, rules, ladder, sold_out, order, limits, cooldown, min_interval, warmup, schedules, approval, unknown_outcome, efficacy, arm_after, silence, not "word"',
      ],
    ],
    [
      "the same key twice",
      ["    region:", "    name: train-b\n    region:"],
      ["policy.yaml:4:5: supernodes.0.name: must be written once: the same key is already used above"],
    ],
    [
      "a merge key",
      ["    region:", "    <<: { region: x }\n    region:"],
      [
        "policy.yaml:4:5: supernodes.0.<<: must not be used: << is not merged; move common values into defaults",
      ],
    ],
    [
      "a number as key",
      ["version: 1", "version: 1\n7: x"],
      [
        "policy.yaml:2:1: 7: must have text as its key; put numbers in quotes",
        expect.stringContaining("policy.yaml:2:1: 7: is not a known key"),
      ],
    ],
    [
      "a tag",
      ["name: train-a", "name: !secret train-a"],
      ["policy.yaml:3:11: (file): must have no tag such as !name: only text, numbers, true and false"],
    ],
    [
      "an alias without an anchor",
      ["cn-southwest-2", "*region"],
      [
        "policy.yaml:4:13: supernodes.0.region: must name an anchor that is defined above: there is no &region",
      ],
    ],
    [
      "an alias within itself",
      ["version: 1", "version: 1\nsmn_topics: &t [ *t ]"],
      ["policy.yaml:2:18: smn_topics.0: must not be inside its own anchor &t"],
    ],
    [
      "a second document",
      [LIMITS, `${LIMITS}\n---\nversion: 1`],
      ["policy.yaml:19:1: (file): must be one YAML document: remove everything after ---"],
    ],
    [
      "another version of YAML",
      ["version: 1", "%YAML 1.1\n---\nversion: 1"],
      ["policy.yaml:1:1: (file): must be YAML 1.2: remove the %YAML directive"],
    ],
    [
      "a bracket that is never closed",
      ["version: 1", "version: [1"],
      [expect.stringMatching(/^policy\.yaml:2:1: \(file\): is not valid YAML: /)],
    ],
  ])("a policy problem states its place and the allowed form: %s", async (_, change, lines) => {
    expect(await problemsOf(good(change))).toEqual(lines)
  })

  it("all problems of a policy are reported from top to bottom, even if a problem lies inside another", async () => {
    const yaml = good(
      ["region: cn-southwest-2", "region: CN"],
      ["period: 5m", "period: 7m"],
      [RULE, "        above: 85\n        clear: 90\n        bogus: 1\n"],
      ["servers: 4", "servers: 1"],
      ["servers: 48", "server: 48"],
    )
    const lines = await problemsOf(yaml)
    expect(lines.map((line) => line.split(": ")[1])).toEqual([
      "supernodes.0.region",
      "supernodes.0.rules.0.metric.cloud-eye.period",
      "supernodes.0.rules.0.clear",
      "supernodes.0.rules.0.bogus",
      "supernodes.0.ladder.1.servers",
      "supernodes.0.limits.servers",
      "supernodes.0.limits.server",
    ])
  })

  it("a valid policy has no problems", async () => {
    expect(await problemsOf(good())).toEqual([])
  })

  it.each<[string, [string, string]]>([
    ["four dimensions", ["period: 5m", 'period: 5m, dimensions: { a: "1", b: "2", c: "3", d: "4" }']],
    [
      "thirty dimensions of CloudWatch",
      [CLOUD_EYE, `cloudwatch: { namespace: x, name: y, period: 5m, dimensions: { ${dimensions(30)} } }`],
    ],
    ["a quorum of all", [CLOUD_EYE, `${CLOUD_EYE}\n          quorum: 100%`]],
    ["clear above below", [RULE, "        below: 5\n        clear: 6\n"]],
    ["clear above steps of low values", [RULE, "        steps: [ { to: 5, up: 1 } ]\n        clear: 6\n"]],
    [
      "the same steps in reverse order",
      [RULE, "        steps: [ { from: 8, up: 2 }, { from: 5, to: 8, up: 1 } ]\n"],
    ],
    ["actions over 366 days", [LIMITS, "limits: { actions: 1 per 366d, servers: 48 }"]],
    [
      "a limit of 48 servers and a floor on the largest rung",
      [LIMITS, `${LIMITS}\n    schedules: [ ${floorOf("day", 4)} ]`],
    ],
  ])("a policy is valid with %s", async (_, change) => {
    expect(await problemsOf(good(change))).toEqual([])
  })
})

describe("a file that is no policy at all", () => {
  it.each<[string, string | Uint8Array, string[]]>([
    [
      "an empty file",
      "",
      ["policy.yaml:1:1: (file): must be a mapping with the keys version and supernodes, not empty"],
    ],
    [
      "only a comment",
      "# soon\n",
      ["policy.yaml:1:1: (file): must be a mapping with the keys version and supernodes, not empty"],
    ],
    [
      "a list",
      "- 1\n",
      ["policy.yaml:1:1: (file): must be a mapping with the keys version and supernodes, not a list"],
    ],
    [
      "a single word",
      "hello\n",
      ["policy.yaml:1:1: (file): must be a mapping with the keys version and supernodes, not a single value"],
    ],
    [
      "bytes that are not text",
      Uint8Array.of(0x76, 0xff, 0xfe, 0x00),
      ["policy.yaml:1:1: (file): must be UTF-8 text"],
    ],
    [
      "more than a megabyte",
      `# ${"x".repeat(1_000_000)}`,
      ["policy.yaml:1:1: (file): must be at most 1 MB, not 1000002 bytes"],
    ],
    [
      "brackets nested too deeply",
      `version: 1\nx: ${"[".repeat(100_000)}${"]".repeat(100_000)}\n`,
      [expect.stringMatching(/^policy\.yaml:2:\d+: \(file\): must not be nested so deeply$/)],
    ],
    [
      "an alias bomb",
      `version: 1\nsmn_topics: [${`&a [${"x,".repeat(9)}]`}${", *a".repeat(21)}]\n`,
      [
        "policy.yaml:1:1: (file): must use an anchor at most 20 times (nested uses multiply): move common values into defaults",
      ],
    ],
    [
      "no supernodes",
      "version: 1\n",
      ["policy.yaml:1:1: supernodes: must list at least one supernode, here or in a file under include"],
    ],
    [
      "an empty list of supernodes",
      "version: 1\nsupernodes: []\n",
      ["policy.yaml:2:13: supernodes: must have at least one supernode"],
    ],
    [
      "supernodes as a mapping",
      "version: 1\nsupernodes: { a: 1 }\n",
      ["policy.yaml:2:13: supernodes: must be a list of supernodes, not a mapping"],
    ],
    [
      "too many supernodes",
      `version: 1\nsupernodes:\n${"- {}\n".repeat(1001)}`,
      ["policy.yaml:3:1: supernodes: must have at most 1000 supernodes"],
    ],
  ])(
    "a policy file that is invalid as a whole gives exactly one clear problem: %s",
    async (_, content, lines) => {
      expect(await problemsOf(content)).toEqual(lines)
    },
  )
})

describe("secrets in messages", () => {
  it.each([
    ["a webhook of another kind", "version: 1", "version: 1\nnotify: { webhook: ftp://hush.example/T0 }"],
    ["a webhook that is a key", "version: 1", "version: 1\nnotify: { webhook: { hush: 1 } }"],
    ["text after a webhook", "version: 1", 'version: 1\nnotify: { webhook: "https://x" "hush" }'],
    [
      "a password in a metric's url",
      CLOUD_EYE,
      "prometheus: { url: 'http://me:hush@prometheus', query: up, period: 1m }",
    ],
    [
      "a token in a metric's url",
      CLOUD_EYE,
      "prometheus: { url: 'https://prometheus?token=hush', query: up, period: 1m }",
    ],
    ["userdata that is a list", ORDER, `${ORDER}      userdata: [ hush ]\n`],
    ["userdata beside its file", ORDER, `${ORDER}      userdata: hush\n      userdata_file: x\n`],
  ])("a problem never shows a secret: %s", async (_, piece, by) => {
    const lines = (await problemsOf(good([piece, by]))).map((line) => line.split(": ").slice(2).join(": "))
    expect(lines).not.toEqual([])
    expect(lines.join("\n")).not.toMatch(/"?hush"?/)
  })
})
