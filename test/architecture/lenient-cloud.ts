import { always, type LenientTable, tableOf } from "./lenient-readers.ts"

// Meaning of odd values in responses: one row for each lenient reader of lib/huawei, lib/metrics, lib/notify
// and lib/http. lenient-readers-cloud.test.ts checks that none of them can start or enlarge a purchase.

const OURS = "ours: no foreign value"
const WORDS = "words for people, cleaned and bounded"
const NO_SILENCE = "no point, and the series is unreadable, so that it is no silence"

export const CLOUD_TABLE: LenientTable = tableOf({
  // ---- error bodies ----
  "lib/huawei/answer-error.ts text optional catch": always(
    "no code and no words: a purchase's outcome is then unknown, never rejected",
  ),
  "lib/huawei/answer-error.ts value Array.isArray": always("holds no nested error"),
  "lib/huawei/failure.ts cause String": always(WORDS),
  // ---- lists ----
  "lib/huawei/answer-list.ts value Array.isArray Array.isArray": [
    "unreadable",
    "an empty list: not offered; every series left out, which is no silence",
    "unreadable",
    "each item is read by itself",
  ],
  // ---- Cloud Eye ----
  "lib/huawei/cloud-eye.ts datapoints optional": always(NO_SILENCE),
  "lib/huawei/cloud-eye.ts list Array.isArray": always(NO_SILENCE),
  // ---- orders of the billing service ----
  "lib/huawei/order.ts order_id nullable catch": always("the answer is about another order: unreadable"),
  "lib/huawei/order.ts amount_after_discount nullable catch": always(
    "the amount is not known: nothing is compared",
  ),
  "lib/huawei/order.ts currency nullable catch": always("as above"),
  "lib/huawei/order.ts measure_id nullable catch": always("as above: only 1 is the currency's unit"),
  // ---- traces of CTS: shown to a person, no gate reads them ----
  "lib/huawei/traces.ts optionalText nullable catch": always(
    "unknown: the trace is shown without it. Another supernode's id, or another operation: left out",
  ),
  "lib/huawei/traces.ts time optional": always("an unknown time: the trace supports nothing"),
  "lib/huawei/traces.ts code nullable catch": always("an unknown answer: the trace supports nothing"),
  "lib/huawei/traces.ts written String Number": always("as above"),
  "lib/huawei/traces.ts user nullable catch": always("an unnamed user"),
  "lib/huawei/traces.ts name nullable catch": always("an unnamed user"),
  "lib/huawei/traces.ts request optional": always("no flavor is known"),
  "lib/huawei/traces.ts marker nullable catch": always("the last page: a missing trace means nothing"),
  "lib/huawei/traces.ts meta_data catch": always("as its marker"),
  "lib/huawei/traces.ts query String String String": always(OURS),
  "lib/huawei/metric-list.ts marker nullable catch": always(
    "a full page without it is an incomplete list, which is unreadable; the last page needs none",
  ),
  "lib/huawei/metric-list.ts meta_data catch": always("as its marker"),
  "lib/huawei/metric-list.ts parameters String": always(OURS),
  "lib/metrics/cloud-eye/queries.ts period String": always(OURS),
  // ---- headers ----
  "lib/huawei/cloud-response.ts date Date.parse": [
    "confirms no time",
    "confirms no time",
    "confirms no time",
    "a clock that differs, which holds",
  ],
  "lib/huawei/cloud-response.ts header Array.isArray": always(
    "a header that came twice counts by its first value",
  ),
  "lib/huawei/retry-after.ts value Array.isArray Date.parse": always("none: our own back-off holds"),
  "lib/huawei/retry-after.ts ms Number": always("none: our own back-off holds"),
  "lib/http/content.ts names header??": [
    "not compressed",
    "not compressed",
    "a list counts as a whole",
    "an encoding that is not known is not read",
  ],
  // ---- the purchase's response: the order was sent already, and no field can send it again ----
  "lib/huawei/purchase/answer.ts optionalId nullable catch": always(
    "none: without the supernode's id and without servers the outcome is unknown, which holds",
  ),
  "lib/huawei/purchase/answer.ts servers nullable catch servers?? data??": always(
    "no servers; one without an id names none",
  ),
  "lib/huawei/purchase/answer.ts create_at optional": always(
    "the newest order is not known: no order id is kept where orders differ",
  ),
  "lib/huawei/purchase/answer.ts text Array.isArray": always(WORDS),
  // ---- offers ----
  "lib/huawei/scale-evaluations.ts is_sold_out nullable catch": always(
    "neither sold out nor in stock: offers-unreadable for this flavor, and no larger rung",
  ),
  // ---- supernode and servers ----
  "lib/huawei/pages.ts total nullable catch": always(
    "the list ends with the first page that is not full; no purchase is counted by it",
  ),
  "lib/huawei/supernode.ts optionalText nullable catch": always(
    "the supernode's id: unreadable. name, flavor, order_id, the server's other ids: unknown, so that no series is found by them",
  ),
  "lib/huawei/supernode.ts epochMs optional": always("created when first seen, complete when noticed"),
  "lib/huawei/supernode.ts statusShape catch": always("UNKNOWN, which is not ready"),
  "lib/huawei/supernode.ts cloud_server nullable catch": always(
    "no ids of the underlying server: Cloud Eye cannot be asked",
  ),
  "lib/huawei/supernode.ts servers nullable catch": always("supernode-unreadable, never an empty list"),
  // ---- CloudWatch, behind its SDK ----
  "lib/metrics/cloudwatch/client.ts result MetricDataResults??": always(
    "every series was left out, which is no silence",
  ),
  "lib/metrics/cloudwatch/client.ts own Number Id??": always("a result of no query of ours"),
  "lib/metrics/cloudwatch/client.ts [… Timestamps?? Values??": [
    "an empty list; beside one that is not empty the series is unreadable",
    "an empty list; beside one that is not empty the series is unreadable",
    "the answer is unreadable, or the series",
    "an instant outside of the window makes the series unreadable; NaN and the infinities are missing points",
  ],
  "lib/metrics/cloudwatch/client.ts isReadable StatusCode?? Messages?? Value??": always(
    "only the status Complete is believed; messages are words for people, cleaned and bounded",
  ),
  // ---- Prometheus ----
  "lib/metrics/prometheus/answer.ts data isRecord?": always("no matrix: unreadable"),
  "lib/metrics/prometheus/answer.ts result Array.isArray": [
    "unreadable",
    "an empty list beside its type, as Go writes it",
    "unreadable",
    "too many series: unreadable",
  ],
  "lib/metrics/prometheus/answer.ts doubtIn Array.isArray warnings??": [
    "no warnings",
    "no warnings",
    "not believed",
    "not believed",
  ],
  "lib/metrics/prometheus/answer.ts list Array.isArray": [
    "no warnings",
    "no warnings",
    "not believed",
    "not believed",
  ],
  "lib/metrics/prometheus/answer.ts real isPartial??": ["whole", "whole", "not believed", "not believed"],
  "lib/metrics/prometheus/answer.ts values Array.isArray": always(NO_SILENCE),
  "lib/metrics/prometheus/answer.ts [… Array.isArray": always(NO_SILENCE),
  "lib/metrics/prometheus/answer.ts isEmpty Array.isArray Array.isArray": always(
    "histograms: only an empty list beside values is none; everything else makes the answer unreadable",
  ),
  "lib/metrics/prometheus/answer.ts value Number": [
    NO_SILENCE,
    NO_SILENCE,
    NO_SILENCE,
    "NaN and Inf are missing points; a number beyond all numbers makes the series unreadable",
  ],
  "lib/metrics/prometheus/answer.ts said isRecord?": always(WORDS),
  "lib/metrics/sentence.ts first String": always(WORDS),
  // ---- alarms' own points ----
  "lib/metrics/alarm.ts chosen values??": always("the alert carries no number"),
  // ---- recipients of notifications: their responses decide only whether a message counts as taken ----
  "lib/notify/formats.ts null String String": always(WORDS),
  "lib/notify/smn.ts detail isRecord?": always("not taken: a body without message_id"),
  // ---- our own values ----
  "lib/http/connection.ts portOf Number": always("ours: the port of a URL that was checked"),
  "lib/http/dispatchers.ts failure String": always(WORDS),
  "lib/http/sdk-handler.ts name String": always(WORDS),
  "lib/http/tls-failure.ts cause String": always(WORDS),
  "lib/huawei/purchase/send-purchase.ts client catch": always("ours: the request has ended"),
  "lib/metrics/prometheus/http.ts text catch": always(
    "ours: a file of certificates that cannot be read is said, and nothing is asked",
  ),
  "lib/metrics/prometheus/http.ts start String": always(OURS),
  "lib/metrics/prometheus/http.ts end String": always(OURS),
  "lib/metrics/prometheus/http.ts step String": always(OURS),
  "lib/notify/formats.ts timestamp String String": always(OURS),
  "lib/notify/smn.ts headers catch": always("ours: without keys the topic is not asked"),
  "lib/notify/sns.ts headers catch": always("ours: without keys the topic is not asked"),
  "lib/notify/sns.ts port Number": always(OURS),
  "lib/http/proxy.ts [… Number": always("ours: the port of a URL that was checked"),
})
