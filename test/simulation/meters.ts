import type { CloudEyeMetric, CloudEyeQuery, CloudEyeSeries } from "../../lib/cloud-eye.ts"
import type { Server } from "../../lib/decision/inputs/supernode.ts"
import { limiterOf } from "../../lib/metrics/batching/concurrency.ts"
import { type Meter, type MeterMember, meterOf } from "../../lib/metrics/batching/meter.ts"
import { discoveryOf } from "../../lib/metrics/cloud-eye/discovery.ts"
import { cloudEyeKind } from "../../lib/metrics/cloud-eye/queries.ts"
import { cloudEyeReading, seriesOf } from "../../lib/metrics/cloud-eye/reading.ts"
import { wantOf } from "../../lib/metrics/cloud-eye/wants.ts"
import type { Cloud, Read } from "../../lib/ports.ts"
import { Random } from "../world/random.ts"
import { travel } from "./cloud.ts"
import type { Process } from "./machine.ts"
import type { World } from "./world.ts"

// Worlds in which the supernodes of one event read the meters together, through the program's own batching and
// its code for Cloud Eye: a slow one makes others wait, or is late.

export const FIRST_TOGETHER = 750

/** No rule of the simulation has a dimension `"*"`. */
const NO_LIST: Read<never> = { ok: false, why: "no series is listed", credentials: false }

/** True for seeds 750 to 899 of each thousand, so that the other worlds stay the same. */
export function asksTogether(seed: number): boolean {
  const nth = seed % 1_000
  return FIRST_TOGETHER <= nth && nth < 900
}

/**
 * Range of the time in one direction, to the cloud or back, when the cloud is not slow; milliseconds. In half
 * of these worlds it is narrow, as in one region of a cloud, so supernodes that start together often share a
 * request. In the others most are late.
 */
export function drawUsualMs(seed: number): readonly [least: number, most: number] {
  const random = new Random(seed + 2 ** 52)
  if (!asksTogether(seed) || random.chance(0.5)) return [5, 300]
  const least = random.spread(5, 200)
  return [least, 1.5 * least]
}

/**
 * True for half of these worlds: the supernodes have the same rules, as under `defaults`. One request to
 * Cloud Eye has one period and one window, so supernodes with different rules seldom share one.
 */
export function haveSameRules(seed: number): boolean {
  return asksTogether(seed) && new Random(seed + 2 ** 51).chance(0.5)
}

/** The supernodes of one event in one process. Each joins before the first of them runs. */
export function eventOf(process: Process): Meter {
  const { world } = process.machine
  const discovery = discoveryOf({ cloudEyeList: async () => NO_LIST })
  return meterOf(
    cloudEyeKind({
      cloudEye: (_place, query) =>
        process.ask("readMetrics", { ...travel(world), effect: () => answerTo(world, query) }),
    }),
    {
      source: (rule) => rule.metric["cloud-eye"],
      want: (rule, source, query) => wantOf(rule, source, { query, discovery }),
      series: seriesOf,
      reading: cloudEyeReading,
    },
    {
      limited: limiterOf(),
      after(ms, call) {
        let isOff = false
        process.later(ms, () => (isOff ? undefined : call()))
        return () => {
          isOff = true
        }
      },
      monotonic: () => process.machine.monotonic(),
    },
  )
}

export function readTogether(member: MeterMember): Cloud["readMetrics"] {
  return async (query) => [...(await member.read(query)).values()]
}

/** Cloud Eye's response. It may fail, leave a series out, or have one without datapoints. */
function answerTo(world: World, query: CloudEyeQuery): Read<CloudEyeSeries[]> {
  const { random, weather } = world
  if (random.chance(weather.metricsAreMissing)) return { ok: false, why: "HTTP 503", credentials: false }
  const listed = query.metrics.filter(() => !random.chance(weather.metricsAreMissing / 4))
  const value = listed.map((metric) => ({
    namespace: metric.namespace,
    metricName: metric.metric_name,
    dimensions: metric.dimensions,
    points: random.chance(weather.metricsAreMissing / 4) ? [] : pointsOf(world, metric, query),
  }))
  return { ok: true, value, skewMs: null }
}

/** Datapoints of one server within the window, oldest first. Only a running server has some. */
function pointsOf({ supernodes }: World, { dimensions }: CloudEyeMetric, query: CloudEyeQuery) {
  const id = dimensions.find(({ name }) => name === "instance_id")?.value
  const isMeasured = ({ cloudServer, status }: Server) => cloudServer.hpsEcsId === id && status === "RUNNING"
  const supernode = supernodes.find((one) => one.present().some(isMeasured))
  const periodMs = Number(query.period) * 1_000
  const starts = []
  for (let at = query.from; at <= query.to; at += periodMs) starts.push(at)
  return supernode?.measured(starts, periodMs) ?? []
}
