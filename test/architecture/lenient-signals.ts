import { always, type LenientTable, type Meanings, tableOf } from "./lenient-readers.ts"

// Meaning of odd values in events: one row for each lenient reader of lib/signals. Below them are the fields
// of events on which the test tries odd values.

const MEANINGS: Readonly<Record<string, Meanings>> = {
  "lib/signals/alertmanager.ts truncatedAlerts catch": [
    "none were cut off",
    "none were cut off",
    "none were cut off",
    "none were cut off",
  ],
  "lib/signals/alertmanager.ts labels optional": [
    "no labels: it matches no supernode",
    "no labels: it matches no supernode",
    "no labels: it matches no supernode",
    "what is no text or number, or past the bounds, is left out",
  ],
  "lib/signals/alertmanager.ts annotations optional": [
    "no number and no reason",
    "no number and no reason",
    "no number and no reason",
    "what is no text or number, or past the bounds, is left out",
  ],
  "lib/signals/alertmanager.ts values optional Array.isArray": [
    "no number",
    "no number",
    "no number",
    "what is no text or number, or past the bounds, is left out",
  ],
  "lib/signals/alertmanager.ts NaN Number": ["no number", "no number", "no number", "not finite: no number"],
  "lib/signals/aws/alarm-action.ts configuration optional": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/alarm-action.ts alarmContributor optional": [
    "the alarm as a whole",
    "the alarm as a whole",
    "a contributor that names no server of ours",
    "a contributor that names no server of ours",
  ],
  "lib/signals/aws/eventbridge-alarm.ts configuration optional": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/eventbridge-alarm.ts alarmContributor optional": [
    "the alarm as a whole",
    "the alarm as a whole",
    "a contributor that names no server of ours",
    "a contributor that names no server of ours",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts reasonData optional": [
    "no points",
    "no points",
    "no points",
    "no points",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts dimensions optional": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts metricStat nullish": [
    "metric math: names no resource",
    "metric math: names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts metrics catch nullish": [
    "composite: names no resource",
    "composite: names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts configurationShape nullish catch": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/cloudwatch-alarm.ts id String": [
    "a contributor that names no server of ours",
    "a contributor that names no server of ours",
    "a number is its text, anything else names no server of ours",
    "replaced by its digest",
  ],
  "lib/signals/aws/cloudwatch-reason.ts startDate nullish catch": [
    "the bare values are no points",
    "the bare values are no points",
    "the bare values are no points",
    "the bare values are no points",
  ],
  "lib/signals/aws/cloudwatch-reason.ts period nullish catch": [
    "the bare values are no points",
    "the bare values are no points",
    "the bare values are no points",
    "the bare values are no points",
  ],
  "lib/signals/aws/cloudwatch-reason.ts recentDatapoints catch": [
    "no points",
    "no points",
    "no points",
    "no points",
  ],
  "lib/signals/aws/cloudwatch-reason.ts value optional": ["no point", "no point", "no point", "no point"],
  "lib/signals/aws/cloudwatch-reason.ts evaluatedDatapoints nullable catch catch": [
    "no points of their own time",
    "no points of their own time",
    "no points of their own time",
    "no points of their own time",
  ],
  "lib/signals/aws/eventbridge-schedule.ts resources nullish catch": [
    "a tick named tick",
    "a tick named tick",
    "a tick named tick",
    "a tick named tick",
  ],
  "lib/signals/aws/sns.ts Dimensions optional optional": [
    "names no resource",
    "names no resource",
    "a resource that is not ours; an empty text names none",
    "a resource that is not ours",
  ],
  "lib/signals/aws/sns.ts MetricStat nullish": [
    "metric math: names no resource",
    "metric math: names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/sns.ts Metrics nullish": [
    "a single metric",
    "a single metric",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/sns.ts triggerShape nullish catch": [
    "composite: names no resource",
    "composite: names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/aws/sns.ts AlarmContributor optional": [
    "the alarm as a whole",
    "the alarm as a whole",
    "a contributor that names no server of ours",
    "a contributor that names no server of ours",
  ],
  "lib/signals/aws/sns.ts AlarmContributorId optional": [
    "the alarm as a whole",
    "the alarm as a whole",
    "a contributor that names no server of ours",
    "a contributor that names no server of ours",
  ],
  "lib/signals/aws/sns.ts AlarmContributorAttributes optional": [
    "names no server of ours",
    "names no server of ours",
    "names no server of ours",
    "names no server of ours",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts message_type optional": [
    "an alarm: its id, state and time say so",
    "an alarm: its id, state and time say so",
    "an alarm: its id, state and time say so",
    "refused: another kind of message",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts namespace optional": [
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts metric_name optional": [
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
    "the points measure no known metric: no evidence",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts dimension optional Array.isArray": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts period optional": [
    "the points have no period",
    "the points have no period",
    "the points have no period",
    "the points have no period",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts unit optional": [
    "no unit",
    "no unit",
    "no unit",
    "another unit than a rule states: no evidence",
  ],
  "lib/signals/huawei/cloud-eye-alarm.ts time optional": ["no point", "no point", "no point", "no point"],
  "lib/signals/huawei/cloud-eye-alarm.ts value optional": ["no point", "no point", "no point", "no point"],
  "lib/signals/huawei/cloud-eye-alarm.ts alarmValue nullable catch nullish catch": [
    "no points",
    "no points",
    "no points",
    "no points",
  ],
  "lib/signals/aws/sns.ts looksLike Array.isArray": always("another shape, or none that is known"),
  "lib/signals/huawei/smn.ts looksLike Array.isArray": always("another shape, or none that is known"),
  "lib/signals/instant.ts at Date.parse": always("refused: the part of the event has no time"),
  "lib/signals/instant.ts midnight Date.parse": always("refused: the part of the event has no time"),
  "lib/signals/shape.ts b Number Number": always("ours: an order of two booleans"),
  "lib/signals/shape.ts pairs Array.isArray": [
    "names no resource",
    "names no resource",
    "a resource that is not ours",
    "a resource that is not ours",
  ],
  "lib/signals/shape.ts value Array.isArray": always(
    "no names; a resource that is a list is read by its items",
  ),
  "lib/signals/webhooks/signed-message.ts certificate Date.parse Date.parse": always(
    "ours: dates of a certificate that was parsed; NaN is in no period, so that nothing is authenticated",
  ),
  "lib/signals/read.ts event Array.isArray String Array.isArray": [
    "says what it is not",
    "says what it is not",
    "never read",
    "never read",
  ],
  "lib/signals/request.ts mode default": ["a dry run", "refused", "refused", "refused"],
  "lib/signals/request.ts servers optional servers??": ["evidence decides", "refused", "refused", "refused"],
  "lib/signals/request.ts planHash optional": [
    "a live request is refused",
    "refused",
    "refused",
    "refused: another plan is not bought",
  ],
  "lib/signals/request.ts bypassCooldown default": ["the cooldown holds", "refused", "refused", "refused"],
  "lib/signals/request.ts id optional": [
    "the request's own words and minute",
    "refused",
    "refused",
    "replaced by its digest",
  ],
  "lib/signals/signal-id.ts part String": [
    "not possible: a part is text or a number",
    "not possible",
    "not possible",
    "replaced by its digest",
  ],
  "lib/signals/aws/eventbridge-scheduler.ts shard optional": [
    "all supernodes",
    "refused",
    "refused",
    "refused",
  ],
  "lib/signals/huawei/timer.ts user_event nullish": [
    "all supernodes",
    "all supernodes",
    "refused",
    "refused",
  ],
  "lib/signals/huawei/timer.ts shard optional": ["all supernodes", "refused", "refused", "refused"],
  "lib/signals/tick.ts tickName optional catch": [
    "a tick named tick",
    "a tick named tick",
    "a tick named tick",
    "cut to 256 characters",
  ],
  "lib/signals/webhooks/http-request.ts headers catch": [
    "no header: not authenticated",
    "no header: not authenticated",
    "no header: not authenticated",
    "a header that is no text is left out",
  ],
  "lib/signals/webhooks/http-request.ts body catch": [
    "an empty body: refused",
    "an empty body: refused",
    "an empty body: refused",
    "too large: refused",
  ],
  "lib/signals/webhooks/smn-http.ts subject nullish": [
    "is signed as absent",
    "is signed as absent",
    "refused",
    "refused",
  ],
  "lib/signals/webhooks/smn-http.ts subscribe_url nullish": [
    "a notification needs none; a subscription is refused",
    "a notification needs none; a subscription is refused",
    "refused",
    "refused",
  ],
  "lib/signals/webhooks/sns-http.ts Subject nullish": [
    "is signed as absent",
    "is signed as absent",
    "refused",
    "refused",
  ],
  "lib/signals/webhooks/sns-http.ts SubscribeURL nullish": [
    "a notification needs none; a subscription is refused",
    "a notification needs none; a subscription is refused",
    "refused",
    "refused",
  ],
  "lib/signals/webhooks/sns-http.ts Token nullish": [
    "is signed as absent",
    "is signed as absent",
    "refused",
    "refused",
  ],
}

export const SIGNALS_TABLE: LenientTable = tableOf(MEANINGS)

/** A field of an event, odd values for it, and their effect on the signal. */
export interface EventField {
  event: string
  at: readonly (string | number)[]
  wrongTyped: readonly unknown[]
  implausible: unknown
  /**
   * For the absent, null, wrong-typed and implausible value: "same", "refused", or the signal's fields that
   * change.
   */
  means: readonly string[]
}

const CLOUD_EYE = ["record", 0, "smn", "message"]
const SNS = ["Records", 0, "Sns", "Message"]
/** Neither text nor number. */
const ODD = [true, [{}], { odd: {} }]
const NO_LIST = [5, true, "odd", { odd: {} }]

function field(
  event: string,
  at: EventField["at"],
  {
    implausible = "x".repeat(5_000),
    wrongTyped = ODD,
    means,
  }: Partial<EventField> & Pick<EventField, "means">,
): EventField {
  return { event, at, wrongTyped, implausible, means }
}

const BRIDGE = "eventbridge-cloudwatch-alarm"
const ACTION = "lambda-cloudwatch-alarm-action"
const TOPIC = "sns-cloudwatch-alarm"
const EYE = "functiongraph-smn-cloud-eye-alarm"
const ALERT = "function-url-alertmanager"
const GRAFANA = "function-url-grafana"
const PART = "cloudwatch-contributor-2-alarm"

export const EVENT_FIELDS: readonly EventField[] = [
  field(ALERT, ["truncatedAlerts"], { implausible: -1, means: ["same", "same", "same", "same"] }),
  field(ALERT, ["alerts", 0, "labels"], {
    means: ["alarm, labels", "alarm, labels", "alarm, labels", "alarm, labels"],
  }),
  field(ALERT, ["alerts", 0, "labels", "alertname"], {
    means: ["alarm, labels", "alarm, labels", "alarm, labels", "alarm, labels"],
  }),
  field(GRAFANA, ["alerts", 0, "labels", "instance_id"], {
    means: ["labels, resource", "labels, resource", "labels, resource", "labels, resource"],
  }),
  field(ALERT, ["alerts", 0, "annotations"], { means: ["values", "values", "values", "values"] }),
  field(ALERT, ["alerts", 0, "annotations", "value"], {
    implausible: "9".repeat(400),
    means: ["values", "values", "values", "values"],
  }),
  field(GRAFANA, ["alerts", 0, "values"], { means: ["values", "values", "values", "values"] }),
  field(GRAFANA, ["alerts", 0, "values", "B"], {
    implausible: "97",
    means: ["values", "values", "values", "values"],
  }),
  field(BRIDGE, ["detail", "configuration"], { means: ["resource", "resource", "resource", "resource"] }),
  field(BRIDGE, ["detail", "configuration", "metrics"], {
    wrongTyped: NO_LIST,
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(BRIDGE, ["detail", "configuration", "metrics", 0], {
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(BRIDGE, ["detail", "configuration", "metrics", 0, "metricStat"], {
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(BRIDGE, ["detail", "configuration", "metrics", 0, "metricStat", "metric", "dimensions"], {
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(BRIDGE, ["detail", "state", "reasonData"], {
    means: ["periodMs, points", "periodMs, points", "periodMs, points", "periodMs, points"],
  }),
  field(BRIDGE, ["detail", "state", "reasonData", "startDate"], {
    implausible: "1970-01-01T00:00:00Z",
    means: ["points", "points", "points", "points"],
  }),
  field(BRIDGE, ["detail", "state", "reasonData", "period"], {
    implausible: -300,
    means: ["periodMs, points", "periodMs, points", "periodMs, points", "periodMs, points"],
  }),
  field(BRIDGE, ["detail", "state", "reasonData", "recentDatapoints"], {
    wrongTyped: NO_LIST,
    means: ["points", "points", "points", "points"],
  }),
  field(BRIDGE, ["detail", "state", "reasonData", "evaluatedDatapoints"], {
    wrongTyped: NO_LIST,
    means: ["same", "same", "same", "same"],
  }),
  field(ACTION, ["alarmData", "configuration"], { means: ["resource", "resource", "resource", "resource"] }),
  field(PART, ["alarmData", "alarmContributor"], {
    means: [
      "contributor, episode, id, resource",
      "contributor, episode, id, resource",
      "contributor, episode, id, resource",
      "contributor, episode, id, resource",
    ],
  }),
  field(PART, ["alarmData", "alarmContributor", "id"], {
    means: [
      "contributor, episode, id, resource",
      "contributor, episode, id, resource",
      "contributor, episode, id, resource",
      "contributor, episode, id",
    ],
  }),
  field(PART, ["alarmData", "alarmContributor", "attributes"], {
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(TOPIC, [...SNS, "Trigger"], { means: ["resource", "resource", "resource", "resource"] }),
  field(TOPIC, [...SNS, "Trigger", "Dimensions"], {
    means: ["resource", "resource", "resource", "resource"],
  }),
  field(TOPIC, [...SNS, "Trigger", "Metrics"], {
    wrongTyped: NO_LIST,
    means: ["same", "same", "resource", "resource"],
  }),
  field(TOPIC, [...SNS, "AlarmContributor"], {
    means: ["same", "same", "contributor, episode, id, resource", "contributor, episode, id, resource"],
  }),
  field(TOPIC, [...SNS, "AlarmContributorId"], {
    means: ["same", "same", "contributor, episode, id, resource", "contributor, episode, id, resource"],
  }),
  field(EYE, [...CLOUD_EYE, "namespace"], {
    means: ["episode, id, metric", "episode, id, metric", "episode, id, metric", "episode, id, metric"],
  }),
  field(EYE, [...CLOUD_EYE, "metric_name"], {
    means: ["episode, id, metric", "episode, id, metric", "episode, id, metric", "episode, id, metric"],
  }),
  field(EYE, [...CLOUD_EYE, "dimension"], {
    means: [
      "episode, id, resource",
      "episode, id, resource",
      "episode, id, resource",
      "episode, id, resource",
    ],
  }),
  field(EYE, [...CLOUD_EYE, "period"], {
    implausible: -1,
    means: ["periodMs", "periodMs", "periodMs", "periodMs"],
  }),
  field(EYE, [...CLOUD_EYE, "unit"], { means: ["metric", "metric", "metric", "metric"] }),
  field(EYE, [...CLOUD_EYE, "alarmValue"], {
    wrongTyped: NO_LIST,
    means: ["periodMs, points", "periodMs, points", "periodMs, points", "periodMs, points"],
  }),
  field(EYE, [...CLOUD_EYE, "alarmValue", 0], { means: ["points", "points", "points", "points"] }),
  field(EYE, [...CLOUD_EYE, "alarmValue", 0, "time"], {
    implausible: 1_705_077_900,
    means: ["points", "points", "points", "points"],
  }),
  field(EYE, [...CLOUD_EYE, "alarmValue", 0, "value"], {
    implausible: "97",
    means: ["points", "points", "points", "points"],
  }),
  field("eventbridge-schedule", ["resources"], {
    wrongTyped: NO_LIST,
    means: ["id, name", "id, name", "id, name", "id, name"],
  }),
  field("eventbridge-scheduler", ["name"], { means: ["id, name", "id, name", "id, name", "id, name"] }),
  field("functiongraph-timer", ["trigger_name"], { means: ["id, name", "id, name", "id, name", "id, name"] }),
  field("eventbridge-scheduler", ["shard"], {
    implausible: "5/4",
    means: ["same", "refused", "refused", "refused"],
  }),
  field("functiongraph-timer", ["user_event"], {
    implausible: '{"shard":"5/4"}',
    means: ["same", "same", "refused", "refused"],
  }),
  field("functiongraph-timer", ["user_event", "shard"], {
    implausible: "5/4",
    means: ["same", "refused", "refused", "refused"],
  }),
  field("manual-request", ["mode"], { means: ["same", "refused", "refused", "refused"] }),
  field("manual-request", ["servers"], {
    implausible: 4_800,
    means: ["id, servers", "refused", "refused", "refused"],
  }),
  field("manual-request", ["bypassCooldown"], {
    wrongTyped: [5, "odd", [{}]],
    implausible: "true",
    means: ["same", "refused", "refused", "refused"],
  }),
  field("manual-request", ["planHash"], { means: ["same", "refused", "refused", "refused"] }),
]
