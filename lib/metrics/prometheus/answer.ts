import type { Datapoint } from "../../decision/inputs/signal.ts"
import { isRecord } from "../../decision/policy/units.ts"
import { oneLine } from "../sentence.ts"

/** One series of a matrix. `at` is the instant of an evaluation, epoch milliseconds; NaN and the infinities are left out. */
export interface PrometheusSeries {
  labels: Readonly<Record<string, unknown>>
  points: Datapoint[]
}

/** What an answer means; `refused`: somebody answered, but not what was asked, so that it is no silence of the meter. */
export type Matrix =
  | { ok: true; series: PrometheusSeries[] }
  | { ok: false; why: string; refused: boolean; credentials: boolean }

/** A tenth of what Prometheus itself would still draw. Who needs more forgot to aggregate. */
const MAX_SERIES = 1_000

/** An answer of `query_range`, whatever its status. */
export function matrixOf(status: number, text: string): Matrix {
  const json = jsonOf(text)
  const isAnswer = status >= 200 && status <= 299
  if (!isAnswer || !isRecord(json) || json["status"] !== "success") return refusalOf(status, json, text)
  const warnings = Array.isArray(json["warnings"]) ? json["warnings"] : []
  // Prometheus, Thanos: not all of the data could be had, or the expression is doubtful. A part of a sum is not the sum.
  if (warnings.length > 0) return refusal(`warned, so it is not believed: ${oneLine(warnings.join("; "))}`)
  if (json["isPartial"] === true)
    return refusal("gave only a part of the data (isPartial), so it is not believed")
  const data = isRecord(json["data"]) ? json["data"] : {}
  const { resultType, result } = data
  if (resultType !== "matrix" || !Array.isArray(result))
    return refusal(`answered ${status}, but its data is no matrix: is the url a Prometheus's?`)
  if (result.length > MAX_SERIES)
    return refusal(
      `answered with ${result.length} series, at most ${MAX_SERIES} are read: aggregate in the query`,
    )
  return seriesOf(result)
}

function seriesOf(result: readonly unknown[]): Matrix {
  const series: PrometheusSeries[] = []
  for (const item of result) {
    if (!isRecord(item) || !isRecord(item["metric"])) return refusal("has a series without its labels")
    if (item["histograms"] !== undefined)
      return refusal(
        "answered with native histograms, which are no numbers: use histogram_quantile or the like",
      )
    const values: unknown[] = Array.isArray(item["values"]) ? item["values"] : []
    series.push({ labels: item["metric"], points: values.flatMap(pointOf) })
  }
  return { ok: true, series }
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i

/** `[1705078200, "97.5"]`. The value is text, so that NaN and Inf can be said; and an empty text is no zero. */
function pointOf(pair: unknown): Datapoint[] {
  const [seconds, text] = Array.isArray(pair) ? pair : []
  if (typeof seconds !== "number" || typeof text !== "string" || !DECIMAL.test(text)) return []
  const [at, value] = [Math.round(seconds * 1_000), Number(text)]
  return Number.isSafeInteger(at) && Number.isFinite(value) ? [{ at, value }] : []
}

/** Statuses of the API's own: 400 bad parameters, 422 an expression that cannot be executed; the rest is the way there. */
const REFUSALS: readonly number[] = [400, 404, 405, 411, 413, 414, 415, 422]

function refusalOf(status: number, json: unknown, text: string): Matrix {
  const said = isRecord(json) ? json : {}
  const words = [said["errorType"], said["error"]].filter((word) => typeof word === "string")
  const isJson = isRecord(json)
  const what =
    words.length > 0
      ? ` ${words.join(": ")}`
      : !isJson && text !== ""
        ? " with something that is not JSON"
        : ""
  const redirect = status >= 300 && status <= 399 ? ", a redirect, which is not followed" : ""
  const hint = status === 404 || (status === 200 && !isJson) ? "; is the url the base of a Prometheus?" : ""
  return {
    ok: false,
    why: oneLine(`answered ${status}${redirect}${what}${hint}`),
    refused: (status >= 200 && status <= 399) || REFUSALS.includes(status),
    credentials: status === 401 || status === 403,
  }
}

function refusal(why: string): Matrix {
  return { ok: false, why, refused: true, credentials: false }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
