/**
 * Meaning of each key of the policy file, for editors and `docs/policy.md`. `[]` marks an item of a list.
 * Keys under `supernodes[]` may also be written under `defaults`.
 */
export const DESCRIPTIONS: Readonly<Record<string, string>> = {
  version: "Version of the policy format: 1.",
  timezone: "Time zone of schedules and calendar budgets, an IANA name such as Asia/Shanghai.",
  ledger_id:
    "Id of the only ledger that this policy may use; `ledger show` prints it. With another ledger, runs hold with the reason `ledger-other`.",
  smn_topics: "URNs of SMN topics whose messages an HTTP endpoint accepts.",
  sns_topics: "ARNs of SNS topics whose messages an HTTP endpoint accepts.",
  notify: "Recipients of notifications: a list, or one recipient. Not part of the policy's hash.",
  "notify.webhook": "URL of a webhook. It is a secret and is never recorded.",
  "notify.smn": "URN of an SMN topic to publish to.",
  "notify.sns": "ARN of an SNS topic to publish to.",
  "notify.format":
    "Format of the webhook's body. Defaults to the vendor's format if the host is known, otherwise `json`.",
  "notify.secret": "Signing secret of a Feishu or DingTalk robot.",
  "notify.on": "Topics that this recipient receives. Defaults to all.",
  approvers: "People who may approve purchases. Approvals by other people do not count.",
  "approvers[].name": "Name as given to `approve --by`.",
  "approvers[].key":
    "SSH public key (ed25519, ECDSA or RSA) of this person. With a key, approvals in this name count only if they are signed by it.",
  fleet: "Caps across all supernodes of this file.",
  "fleet.actions": "Purchases within a rolling window across all supernodes, such as `5 per 24h`.",
  "fleet.budget": "Money within a window across all supernodes.",
  silence: "Warnings of `validate` that are understood and accepted.",
  "silence[].warning": "Id of the warning; docs/lint.md lists them.",
  "silence[].reason": "Reason why the warning does not matter here.",
  include: "Patterns of further files that hold supernodes, relative to this file.",
  defaults: "Values for all supernodes. Maps merge deeply, lists are replaced as a whole.",
  supernodes: "The supernodes that may be scaled up.",
  "supernodes[].name": "Name used by commands, notifications and metrics; unique in all files.",
  "supernodes[].region": "Region of the supernode, such as cn-southwest-2.",
  "supernodes[].project_id": "Project of the supernode (API page: project_id).",
  "supernodes[].id": "Lite Server supernode id (API page: id), a lower-case UUID; not hps_id.",
  "supernodes[].alarms": "Alarms that start a run for this supernode. Other alarms are ignored.",
  "supernodes[].alarms[].cloud-eye": "Cloud Eye `alarm_id`.",
  "supernodes[].alarms[].cloudwatch": "ARN of a CloudWatch alarm.",
  "supernodes[].alarms[].alertmanager": "Labels that must all match, of Alertmanager or Grafana alerts.",
  "supernodes[].alarms[].metric":
    "Cloud Eye metric that the alarm's points measure. It does not filter which alarms start a run.",
  "supernodes[].alarms[].namespace": "Namespace of that metric.",
  "supernodes[].rules": "Rules that propose a rung. The highest proposal wins; proposals are never added.",
  "supernodes[].rules[].name": "Name of the rule, kebab-case.",
  "supernodes[].rules[].metric": "Source of the datapoints, and how the values of servers are combined.",
  "supernodes[].rules[].metric.cloud-eye": "A metric of Huawei Cloud Eye.",
  "supernodes[].rules[].metric.cloud-eye.namespace": "Cloud Eye namespace, such as AGT.ECS.",
  "supernodes[].rules[].metric.cloud-eye.name": "Metric name, such as npu_util_rate_ai_core.",
  "supernodes[].rules[].metric.cloud-eye.dimensions":
    'Dimensions by name: a template such as {server.cloud_server.hps_ecs_id}, a literal, or "*" for all cards of a server.',
  "supernodes[].rules[].metric.cloud-eye.statistic": "Aggregation within a period.",
  "supernodes[].rules[].metric.cloud-eye.period": "Length of a period: 1m, 5m, 20m, 1h, 4h or 1d.",
  "supernodes[].rules[].metric.prometheus": "A range query to Prometheus or a compatible server.",
  "supernodes[].rules[].metric.prometheus.url":
    "Base URL without credentials; they come from SUPERNODE_PROMETHEUS_AUTH.",
  "supernodes[].rules[].metric.prometheus.query": "PromQL expression.",
  "supernodes[].rules[].metric.prometheus.period": "Step of the query, and length of a period.",
  "supernodes[].rules[].metric.prometheus.server_label":
    "Label that names a server by an id or its name: one series per server.",
  "supernodes[].rules[].metric.cloudwatch": "A metric of Amazon CloudWatch.",
  "supernodes[].rules[].metric.cloudwatch.region": "AWS region. Defaults to the function's region.",
  "supernodes[].rules[].metric.cloudwatch.namespace": "CloudWatch namespace.",
  "supernodes[].rules[].metric.cloudwatch.name": "Metric name.",
  "supernodes[].rules[].metric.cloudwatch.dimensions": "Dimensions by name: literals or templates.",
  "supernodes[].rules[].metric.cloudwatch.statistic": "average, max, min, sum or a percentile such as p99.9.",
  "supernodes[].rules[].metric.cloudwatch.period": "Length of a period, a multiple of 1m.",
  "supernodes[].rules[].metric.alarm":
    "The alarm's own points as evidence: true, or a mapping that names the alarm and its metric (docs/metrics.md).",
  "supernodes[].rules[].metric.alarm.cloudwatch": "ARN of the CloudWatch alarm whose points count.",
  "supernodes[].rules[].metric.alarm.alertname":
    "Name of the Alertmanager or Grafana alert whose values count.",
  "supernodes[].rules[].metric.alarm.metric": "Cloud Eye metric whose points count.",
  "supernodes[].rules[].metric.alarm.value":
    "Name of the value: Grafana's refId, or the Alertmanager annotation.",
  "supernodes[].rules[].metric.alarm.unit": 'Unit of values that are written as text, such as "%".',
  "supernodes[].rules[].metric.servers": "Servers whose series count; only `all`.",
  "supernodes[].rules[].metric.aggregate": "Way to combine the values of several servers.",
  "supernodes[].rules[].metric.quorum":
    "Share of the running, warmed-up servers that must report for a point to be real.",
  "supernodes[].rules[].metric.lag":
    "Delay of the data: a period counts only if it ended at least this long ago.",
  "supernodes[].rules[].above": "Breaches above this value (>).",
  "supernodes[].rules[].at_least": "Breaches at this value and above (>=).",
  "supernodes[].rules[].below": "Breaches below this value (<).",
  "supernodes[].rules[].at_most": "Breaches at this value and below (<=).",
  "supernodes[].rules[].clear": "Value beyond which the rule counts as cleared (hysteresis).",
  "supernodes[].rules[].points": "M of N: at least M of the N newest aligned periods must breach.",
  "supernodes[].rules[].missing": "Treatment of missing points: hold, breaching or not-breaching.",
  "supernodes[].rules[].repeat":
    "If false, the rule is inactive after a purchase until its metric has cleared.",
  "supernodes[].rules[].steps":
    "Steps instead of one threshold: worse values propose more rungs. Steps must not have gaps or overlaps.",
  "supernodes[].rules[].steps[].from": "Lower bound, inclusive. Defaults to no bound.",
  "supernodes[].rules[].steps[].to": "Upper bound, exclusive. Defaults to no bound.",
  "supernodes[].rules[].steps[].up": "Rungs up from the current one.",
  "supernodes[].ladder":
    "Rungs that may be bought, smallest first. The number of servers determines the current rung.",
  "supernodes[].ladder[].flavor": "Flavor of the whole supernode at this rung (API page: flavor).",
  "supernodes[].ladder[].servers": "Total number of servers at this rung.",
  "supernodes[].ladder[].price": "Total price of this rung. Required with a budget or an approval.",
  "supernodes[].ladder[].price.per": "Period that the amount pays for.",
  "supernodes[].ladder[].price.commitment": "Time that is paid for at once, such as `1 month`.",
  "supernodes[].sold_out":
    "When the target is sold out: hold, or buy the next larger rung within all limits.",
  "supernodes[].order": "Contents of the order besides the flavor.",
  "supernodes[].order.image_id": "Image of the new servers (API page: image_id).",
  "supernodes[].order.key_pair_name": "Key pair for logging in (API page: key_pair_name).",
  "supernodes[].order.root_volume": "System disk of the new servers.",
  "supernodes[].order.root_volume.size": "Size in GB, 100 to 1024.",
  "supernodes[].order.root_volume.type": "Disk type.",
  "supernodes[].order.data_volume": "Data disks of the new servers.",
  "supernodes[].order.data_volume.size": "Size of each in GB, 100 to 32768.",
  "supernodes[].order.data_volume.type": "Disk type.",
  "supernodes[].order.data_volume.count": "Number of disks per server, 1 to 8.",
  "supernodes[].order.userdata": "Start script as text, at most 32 KB; it is sent as base64.",
  "supernodes[].order.userdata_file": "File with the start script, relative to this file.",
  "supernodes[].limits": "Caps of this supernode.",
  "supernodes[].limits.actions": "Purchases within a rolling window, such as `2 per 24h`.",
  "supernodes[].limits.servers": "Maximum number of servers in total.",
  "supernodes[].limits.budget": "Money within a window.",
  "supernodes[].cooldown": "No purchase for this long after the last one was complete.",
  "supernodes[].min_interval": "No purchase for this long after the last one was requested.",
  "supernodes[].warmup": "Metrics do not count as evidence until new servers have run this long.",
  "supernodes[].schedules": "Minimum servers by time: never a maximum, never a scale-in.",
  "supernodes[].schedules[].name": "Name of the schedule, kebab-case.",
  "supernodes[].schedules[].cron": "Start as five cron fields, in the policy's time zone.",
  "supernodes[].schedules[].for": "Time for which the minimum is active after each start.",
  "supernodes[].schedules[].at_least": "Minimum total number of servers while the schedule is active.",
  "supernodes[].schedules[].cooldown": "respect, or bypass: a start may buy during a cooldown.",
  "supernodes[].approval": "Purchases that people must approve.",
  "supernodes[].approval.above": "Price above which approval is needed.",
  "supernodes[].approval.approvers": "Number of different people who must approve.",
  "supernodes[].approval.expires": "Lifetime of an approval.",
  "supernodes[].unknown_outcome":
    "human: a person settles an unknown outcome. auto: new servers may settle it as accepted, never as absent.",
  "supernodes[].efficacy": "Stops automatic purchases that do not help.",
  "supernodes[].efficacy.purchases":
    "Number of consecutive purchases with too little gain that stops automatic purchases.",
  "supernodes[].efficacy.min_gain": "Smallest improvement of the rule's metric that counts as a gain.",
  "supernodes[].arm_after": "A changed policy (new hash) only observes for this long.",
  "supernodes[].silence": "Warnings about this supernode that are understood and accepted.",
  "supernodes[].silence[].warning": "Id of the warning; docs/lint.md lists them.",
  "supernodes[].silence[].reason": "Reason why the warning does not matter here.",
}

/** Descriptions of the keys of any amount of money and its window, by the last part of their path. */
const AMOUNT_KEYS: Readonly<Record<string, string>> = {
  amount: "Amount in whole units of the currency, at most two decimals.",
  currency: "ISO 4217 code such as CNY. Currencies are not converted.",
  per: "Length of the rolling window such as `30d`, or `month` for a calendar month in the policy's time zone.",
}

/** Description of the key at a path; `undefined` for a path that no schema has. */
export function descriptionOf(path: string): string | undefined {
  const written = path.replace(/^defaults\./, "supernodes[].").replace(/^notify\[\]/, "notify")
  return DESCRIPTIONS[written] ?? AMOUNT_KEYS[written.split(".").at(-1) ?? ""]
}
