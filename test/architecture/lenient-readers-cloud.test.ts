import { describe, expect, it, onTestFinished } from "vitest"
import type { CloudEyeQuery } from "../../lib/cloud-eye.ts"
import { decide } from "../../lib/decision/decide.ts"
import type { Fetched } from "../../lib/decision/inputs/fetched.ts"
import { newestPeriods } from "../../lib/decision/inputs/reading.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import { queryMetrics } from "../../lib/huawei/cloud-eye.ts"
import type { CloudReader } from "../../lib/huawei/http.ts"
import { readOffers } from "../../lib/huawei/scale-evaluations.ts"
import { readSupernode } from "../../lib/huawei/supernode.ts"
import { cloudwatchReader } from "../../lib/metrics/cloudwatch/client.ts"
import { matrixOf } from "../../lib/metrics/prometheus/answer.ts"
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
import { CloudWatchServer } from "../metrics/cloudwatch/server.ts"
import { readMetrics } from "../metrics/read-alone.ts"

// ---- Each value of each response is made odd, one at a time. None starts or enlarges a purchase. ----

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }
const ABSENT = Symbol("absent")
type Odd = Json | typeof ABSENT

/** Values that are not clearly of the same kind: other types, and instants in other units. */
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

/** Copies of the response, each with one value made odd or removed. */
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
const seen = <T>(read: Read<T>): Fetched<T> =>
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

/** Servers of the rung that is bought; 0 for a hold. */
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
  it("an odd value in the supernode's response buys the same rung or none", async () => {
    const whole = supernodeJson(NOW - 30 * DAY)
    expect(await boughtBy({ supernode: whole, offers: OFFERS })).toBe(4)
    for (const { path, json } of changesOf(whole))
      expect([path, await boughtBy({ supernode: json, offers: OFFERS })]).toEqual([
        path,
        expect.toBeOneOf([0, 4]),
      ])
  })

  it("an odd value in the supernode's response does not end the cooldown of servers that a person added", async () => {
    const whole = supernodeJson(NOW - 5 * MINUTE)
    expect(await boughtBy({ supernode: whole, offers: OFFERS })).toBe(0)
    for (const { path, json } of changesOf(whole))
      expect([path, await boughtBy({ supernode: json, offers: OFFERS })]).toEqual([path, 0])
  })

  it("an odd value in the response with the offers buys the same rung or none", async () => {
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
    const readings = await readMetrics(question, all)
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

  it("an odd value in Cloud Eye's response buys nothing, even if missing data counts as breaching", async () => {
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

  it("an odd value in Prometheus's response buys nothing if missing data is breaching, except an empty result", async () => {
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

  it("an odd value in CloudWatch's response buys nothing, even if missing data counts as breaching", async () => {
    const server = await CloudWatchServer.start()
    const keys = { accessKeyId: "AN-AK", secretAccessKey: "hush-hush" }
    const reader = cloudwatchReader({ endpoint: server.url, credentials: keys })
    onTestFinished(async () => {
      reader.close()
      await server.close()
    })
    const source = { namespace: "App", name: "queue", period: "5m", region: "eu-central-1" }
    const metric = { cloudwatch: { ...source, dimensions: { cluster: "train-a" } } }
    server.valueAt = () => 20
    let whole: Json = null
    let answered: Json = null
    server.instead = () => false
    server.alter = (results) => {
      whole = { MetricDataResults: results as unknown as Json, Messages: [] }
      return { MetricDataResults: results }
    }
    const boughtOf = () => quiet(metric, { cloudwatch: (query) => reader.read(query) })
    expect(await boughtOf()).toBe(0)
    server.instead = (response) => {
      response.writeHead(200, { "content-type": "application/x-amz-json-1.0" }).end(JSON.stringify(answered))
      return true
    }
    const changes = changesOf(whole)
    expect(changes.length).toBeGreaterThan(100)
    for (const { path, json } of changes) {
      answered = json
      expect([path, await boughtOf()]).toEqual([path, 0])
    }
  })
})
