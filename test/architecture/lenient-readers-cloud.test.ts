import { describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import { newestPeriods } from "../../lib/decision/inputs/reading.ts"
import type { Seen } from "../../lib/decision/inputs/seen.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import { type CloudEyeQuery, queryMetrics } from "../../lib/huawei/cloud-eye.ts"
import type { CloudReader } from "../../lib/huawei/http.ts"
import { readOffers } from "../../lib/huawei/scale-evaluations.ts"
import { readSupernode } from "../../lib/huawei/supernode.ts"
import { matrixOf } from "../../lib/metrics/prometheus/answer.ts"
import { readMetrics } from "../../lib/metrics/read.ts"
import type { MetricSources } from "../../lib/metrics/sources.ts"
import type { Read } from "../../lib/ports.ts"
import {
  DAY,
  MINUTE,
  NOW,
  policyOf,
  ruleInput,
  SUPERNODE_ID,
  situationOf,
  tickOf,
} from "../decision/builders.ts"
import { lenientLines } from "./lenient-readers-cloud.ts"

/** What each lenient line makes of a value that is absent, null, of another type, or implausible. */
const MEANING: Readonly<Record<string, string>> = {
  // ---- error bodies: only words, and the pair of status and code ----
  "lib/huawei/answer-error.ts  .optional()":
    "code, message, request id of an error: absent, null, other types are no code. A purchase's outcome is then unknown, never rejected",
  "lib/huawei/answer-error.ts  .catch(undefined)": "as above",
  'lib/huawei/answer-error.ts  return typeof value === "object" && value !== null && !Array.isArray(value)':
    "where to look for a nested error; anything else holds none",
  // ---- lists ----
  "lib/huawei/answer-list.ts  const { data } = z.looseObject({ [name]: z.array(z.unknown()).nullable() }).safeParse(json)":
    "evaluations, metrics: null is an empty list (not offered; every series left out, which is no silence); absent and other types are unreadable",
  "lib/huawei/answer-list.ts  if (Array.isArray(list)) return { ok: true, value: list }": "as above",
  // ---- Cloud Eye ----
  "lib/huawei/cloud-eye.ts  datapoints: z.unknown().optional(),":
    "absent, null, other types: no points, and the series is unreadable, so that it is no silence",
  "lib/huawei/cloud-eye.ts  if (!Array.isArray(list)) return { points: [], unreadable: true }": "as above",
  "lib/huawei/cloud-eye.ts  const point: Readonly<Record<string, unknown>> = shape.safeParse(item).data ?? {}":
    "timestamp and statistic: absent, null, other types, an instant before 2015 or a day ahead make the series unreadable",
  "lib/huawei/metric-list.ts  meta_data: z.looseObject({ marker: z.string().min(1).nullable().catch(null) }).catch({ marker: null }),":
    "a full page without a marker is an incomplete list, which is unreadable; on the last page it is not asked for",
  // ---- headers ----
  'lib/huawei/http-answer.ts  const date = Date.parse(first(headers["date"]) ?? "")':
    "Date: absent or unreadable confirms no time; an implausible one is a clock that differs, which holds",
  "lib/huawei/http-answer.ts  return (Array.isArray(header) ? header[0] : header) ?? null":
    "a header that came twice counts by its first value",
  "lib/huawei/retry-after.ts  const value = (Array.isArray(header) ? header[0] : header)?.trim()": "as above",
  "lib/huawei/retry-after.ts  const ms = /^\\d+$/.test(value) ? Number(value) * 1000 : (instantOf(dateOf(value), now) ?? Number.NaN) - now":
    "Retry-After: absent, unreadable, implausible is none, and the back-off of our own holds",
  "lib/huawei/retry-after.ts  return /^([A-Z][a-z]{2,8}, |\\d{4}-\\d\\d-\\d\\dT)/.test(value) ? Date.parse(value) : Number.NaN":
    "as above",
  // ---- ours: no foreign value ----
  "lib/huawei/http.ts  const credentials = await within(signal, context.credentials).catch((cause: unknown) => messageOf(cause))":
    "ours: keys that are not there are said, and nothing is asked",
  'lib/huawei/purchase/connection.ts  return Number(port || (protocol === "https:" ? 443 : 80))':
    "ours: the port of a URL that was checked",
  "lib/huawei/purchase/exchange.ts  void client.destroy().catch(() => undefined)":
    "ours: the exchange is over",
  'lib/metrics/prometheus/http.ts  const text = await readFile(ca, "utf8").catch((cause: unknown) => {':
    "ours: a file of certificates that cannot be read is said, and nothing is asked",
  // ---- the purchase's answer: it has been sent, and no field of it can send again ----
  "lib/huawei/purchase/answer.ts  const optionalId = id.nullable().catch(null)":
    "id, order_id: unreadable is none. Without the supernode's id and without servers the outcome is unknown, which holds",
  "lib/huawei/purchase/answer.ts  servers: z.array(z.unknown()).nullable().catch(null),":
    "as above: no servers",
  "lib/huawei/purchase/answer.ts  const serverShape = z.looseObject({ id, order_id: optionalId, create_at: z.unknown().optional() })":
    "create_at: where it is unreadable and the orders differ, the newest order is not known and no order id is kept",
  "lib/huawei/purchase/answer.ts  const servers = (data?.servers ?? []).flatMap((item) => serverShape.safeParse(item).data ?? [])":
    "a server without an id names none",
  "lib/huawei/purchase/answer.ts  const text = (Array.isArray(header) ? header[0] : header) ?? inBody":
    "the request id, for people",
  // ---- offers ----
  "lib/huawei/scale-evaluations.ts  is_sold_out: z.boolean().nullable().catch(null),":
    "absent, null, other types: neither sold out nor in stock: offers-unreadable for this flavor, and no larger rung",
  // ---- supernode and servers ----
  "lib/huawei/servers.ts  total: z.number().nullable().catch(null),":
    "the list then ends with the first page that is not full; no purchase is counted by it",
  "lib/huawei/supernode.ts  const text = z.string().nullable().catch(null)":
    "the supernode's id: unreadable is another supernode, so the answer is unreadable. name, flavor, order_id, ids of the underlying server: unknown, so no series is found by them",
  "lib/huawei/supernode.ts  const epochMs = z.unknown().optional()":
    "create_at, update_at: other types, before 2015, more than a day ahead are unreadable: created when first seen, complete when noticed",
  'lib/huawei/supernode.ts  const status = z.string().min(1).catch("UNKNOWN")':
    "absent, null, other types, empty: UNKNOWN, which is not ready",
  "lib/huawei/supernode.ts  cloud_server: z.looseObject({ id: text, hps_id: text, hps_ecs_id: text }).nullable().catch(null),":
    "no ids of the underlying server: Cloud Eye cannot be asked",
  "lib/huawei/supernode.ts  servers: z.array(z.unknown()).nullable().catch(null),":
    "null, absent, other types: supernode-unreadable, never an empty list",
  // ---- CloudWatch, behind its SDK ----
  "lib/metrics/cloudwatch/client.ts  for (const result of answer.MetricDataResults ?? []) add(gathered, result)":
    "absent or null: every series was left out, which is no silence",
  'lib/metrics/cloudwatch/client.ts  const own = gathered[Number(/^m(\\d+)$/.exec(result.Id ?? "")?.[1] ?? -1)]':
    "a result of an unknown id is nobody's",
  "lib/metrics/cloudwatch/client.ts  const [times, values] = [result.Timestamps ?? [], result.Values ?? []]":
    "absent or null is empty; lists of different lengths make the series unreadable",
  'lib/metrics/cloudwatch/client.ts  own.says = (result.Messages ?? []).map(({ Value }) => Value ?? "").join("; ") || own.says':
    "words for people",
  // ---- Prometheus ----
  'lib/metrics/prometheus/answer.ts  const data = isRecord(json["data"]) ? json["data"] : {}':
    "other types, absent, null: no matrix, so unreadable",
  'lib/metrics/prometheus/answer.ts  if (resultType !== "matrix" || !Array.isArray(result))':
    "result: null beside its type is Prometheus's empty list, like []; absent and other types are unreadable",
  'lib/metrics/prometheus/answer.ts  if (!Array.isArray(warnings ?? [])) return "has warnings that cannot be read, so it is not believed"':
    "absent or null: none; other types: not believed",
  "lib/metrics/prometheus/answer.ts  const list: unknown[] = Array.isArray(warnings) ? warnings : []":
    "as above",
  "lib/metrics/prometheus/answer.ts  if (!Array.isArray(values)) return { points: [], unreadable: true }":
    "absent, null, other types: no samples, and no silence",
  "lib/metrics/prometheus/answer.ts  const [seconds, text]: unknown[] = Array.isArray(pair) ? pair : []":
    "a sample of another shape makes the series unreadable",
  "lib/metrics/prometheus/answer.ts  const value = isText && DECIMAL.test(text) ? Number(text) : Number.NaN":
    "only a decimal number as text; NaN and Inf are missing, anything else makes the series unreadable",
  "lib/metrics/prometheus/answer.ts  const said = isRecord(json) ? json : {}": "words for people",
}

it("every lenient line of the cloud's and the meters' readers has its row, and every row its line", () => {
  expect([...new Set(lenientLines())].sort()).toEqual(Object.keys(MEANING).sort())
})

// ---- none of them can start or enlarge a purchase: every value of every answer, made unreadable one by one ----

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const ABSENT = Symbol("absent")
type Odd = Json | typeof ABSENT

/** What is no clear value of the same kind: other types, and instants in other units. */
function oddFor(value: Json): Odd[] {
  if (Array.isArray(value)) return [ABSENT, null, "x", 7, true, {}, [null], [7]]
  if (typeof value === "boolean") return [ABSENT, null, "true", "false", "", 0, 1, {}, []]
  if (typeof value === "string") return [ABSENT, null, "", 7, true, {}, []]
  if (typeof value === "number") {
    const instants = value > 1e9 ? [0, -1, 1, value / 1_000, value * 1_000, NOW + 2 * DAY] : []
    return [ABSENT, null, "", String(value), true, {}, [], ...instants]
  }
  return [ABSENT, null, "x", 7, []]
}

interface Change {
  path: string
  json: Json
}

/** The answer with one value after the other made odd. */
function changesOf(json: Json, rebuild: (json: Json) => Json = (same) => same, path = "$"): Change[] {
  const here = oddFor(json).flatMap((odd) =>
    odd === ABSENT || path === "$" ? [] : [{ path: `${path} = ${JSON.stringify(odd)}`, json: rebuild(odd) }],
  )
  if (typeof json !== "object" || json === null) return here
  const inside = Object.entries(json).flatMap(([key, value]) => {
    const replaced = (odd: Json): Json =>
      Array.isArray(json) ? json.map((one, i) => (String(i) === key ? odd : one)) : { ...json, [key]: odd }
    const left: Json = Array.isArray(json)
      ? json
      : Object.fromEntries(Object.entries(json).filter(([name]) => name !== key))
    const absent = Array.isArray(json) ? [] : [{ path: `${path}.${key} absent`, json: rebuild(left) }]
    return [...absent, ...changesOf(value, (odd) => rebuild(replaced(odd)), `${path}.${key}`)]
  })
  return [...here, ...inside]
}

const readerOf = (json: unknown): CloudReader => ({
  read: async (_question, parse) => {
    const parsed = parse(json, NOW)
    return parsed.ok
      ? { ok: true, value: parsed.value, skewMs: 0 }
      : { ok: false, why: parsed.why, credentials: false, refused: true }
  },
  close: async () => undefined,
})
const PLACE = { endpoint: "https://modelarts.test", projectId: "p", id: SUPERNODE_ID }
const seen = <T>(read: Read<T>): Seen<T> =>
  read.ok ? { state: "read", value: read.value } : { state: "unreadable", why: read.why, credentials: false }

const ladder = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
const supernodeJson = (createAt: number): Json => ({
  id: SUPERNODE_ID,
  name: "train-a",
  status: "ACTIVE",
  servers: ["s1", "s2"].map((id) => ({
    id,
    name: id,
    status: "RUNNING",
    flavor: "node",
    create_at: createAt,
    update_at: createAt,
    order_id: "CS1",
    cloud_server: { id: `cs-${id}`, hps_id: `hps-${id}`, hps_ecs_id: `ecs-${id}` },
  })),
})
const OFFERS: Json = {
  evaluations: ["rung-1", "rung-2", "rung-4", "rung-8"].map((flavor) => ({ flavor, is_sold_out: false })),
}

/** The rung that is bought; 0 for a hold. */
function bought(situation: Situation): number {
  const { kind, target } = decide(situation, digest)
  return kind === "scale-up" ? (target?.to ?? 0) : 0
}

async function boughtBy(answers: { supernode: Json; offers: Json }): Promise<number> {
  const policy = policyOf({ ladder, sold_out: "next-larger" })
  const supernode = seen(await readSupernode(readerOf(answers.supernode), PLACE))
  const offers = seen(await readOffers(readerOf(answers.offers), PLACE))
  return bought(situationOf({ policy, signal: tickOf(), supernode, offers }))
}

describe("an unreadable value neither starts nor enlarges a purchase", () => {
  it("in the supernode, with servers of long ago: the same rung is bought, or none", async () => {
    const whole = supernodeJson(NOW - 30 * DAY)
    expect(await boughtBy({ supernode: whole, offers: OFFERS })).toBe(4)
    for (const { path, json } of changesOf(whole))
      expect([path, await boughtBy({ supernode: json, offers: OFFERS })]).toEqual([
        path,
        expect.toBeOneOf([0, 4]),
      ])
  })

  it("in the supernode, with servers that came by hand a few minutes ago: the cooldown lasts", async () => {
    const whole = supernodeJson(NOW - 5 * MINUTE)
    expect(await boughtBy({ supernode: whole, offers: OFFERS })).toBe(0)
    for (const { path, json } of changesOf(whole))
      expect([path, await boughtBy({ supernode: json, offers: OFFERS })]).toEqual([path, 0])
  })

  it("in the offers: the same rung is bought, or none", async () => {
    const supernode = supernodeJson(NOW - 30 * DAY)
    for (const { path, json } of changesOf(OFFERS))
      expect([path, await boughtBy({ supernode, offers: json })]).toEqual([path, expect.toBeOneOf([0, 4])])
  })

  const quiet = async (metric: object, sources: Partial<MetricSources>): Promise<number> => {
    const rules = [ruleInput({ missing: "breaching", metric } as Parameters<typeof ruleInput>[0])]
    const policy = policyOf({ ladder, rules })
    const read = await readSupernode(readerOf(supernodeJson(NOW - 30 * DAY)), PLACE)
    if (!read.ok) throw new Error(read.why)
    const none = async () => ({ ok: false as const, why: "not asked", credentials: false })
    const all = { cloudEye: none, cloudEyeList: none, prometheus: none, cloudwatch: none, ...sources }
    const question = { policy, supernode: read.value, signal: tickOf(), now: NOW }
    const readings = await readMetrics(question, all, { patienceMs: 0 })
    const offers = seen(await readOffers(readerOf(OFFERS), PLACE))
    return bought(
      situationOf({
        policy,
        signal: tickOf(),
        supernode: seen(read),
        offers,
        readings: { state: "read", value: readings },
      }),
    )
  }
  const starts = newestPeriods({ now: NOW, periodMs: 5 * MINUTE, lagMs: 2 * MINUTE, count: 8 })

  it("in Cloud Eye's answer, though the rule holds silence to breach", async () => {
    const metric = { "cloud-eye": { namespace: "AGT.ECS", name: "npu", period: "5m" } } as const
    const answerTo = ({ metrics }: CloudEyeQuery): Json => ({
      metrics: metrics.map((one) => ({
        ...one,
        datapoints: starts.map((timestamp) => ({ timestamp, average: 20 })),
      })),
    })
    const boughtOf = (change: (json: Json) => Json) =>
      quiet(metric, {
        cloudEye: (_place, query) =>
          queryMetrics(
            readerOf(change(answerTo(query))),
            { endpoint: "https://ces.test", projectId: "p" },
            query,
          ),
      })
    expect(await boughtOf((json) => json)).toBe(0)
    let changes: Change[] = []
    await boughtOf((json) => {
      changes = changesOf(json)
      return json
    })
    expect(changes.length).toBeGreaterThan(100)
    for (const { path, json } of changes) expect([path, await boughtOf(() => json)]).toEqual([path, 0])
  })

  it("in Prometheus's answer, though the rule holds silence to breach, but for `result: null`, its empty list", async () => {
    const metric = { prometheus: { url: "https://prometheus.test", query: "x", period: "5m" } } as const
    const whole: Json = {
      status: "success",
      data: {
        resultType: "matrix",
        result: [{ metric: { a: "b" }, values: starts.map((at) => [(at + 5 * MINUTE) / 1_000, "20"]) }],
      },
    }
    const boughtOf = (json: Json) =>
      quiet(metric, {
        prometheus: async () => {
          const matrix = matrixOf(200, JSON.stringify(json))
          return matrix.ok
            ? { ok: true, value: matrix.series, skewMs: null }
            : {
                ok: false,
                why: matrix.why,
                credentials: false,
                ...(matrix.refused ? { refused: true as const } : {}),
              }
        },
      })
    expect(await boughtOf(whole)).toBe(0)
    for (const { path, json } of changesOf(whole))
      if (path !== "$.data.result = null") expect([path, await boughtOf(json)]).toEqual([path, 0])
  })
})
