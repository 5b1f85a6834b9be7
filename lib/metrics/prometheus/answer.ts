import type { Datapoint } from "../../decision/inputs/signal.ts"
import { isRecord } from "../../decision/policy/amounts.ts"

/** One series of a matrix without NaN and infinities. `at`: instant of the evaluation, epoch milliseconds. */
export interface PrometheusSeries {
  labels: Readonly<Record<string, unknown>>
  points: Datapoint[]
  /** Some samples could not be read, so absent points must not count as missing data. */
  unreadable?: true
}

/**
 * The parsed answer. `why` may quote the server, so the caller must redact and clean it. `refused`: there was
 * an answer, but not to the query, so absent points must not count as missing data.
 */
export type Matrix =
  | { ok: true; series: PrometheusSeries[] }
  | { ok: false; why: string; refused: boolean; credentials: boolean }

/** A tenth of the series that Prometheus itself would draw. A query with more series needs an aggregation. */
const MAX_SERIES = 1_000

/** Parses an answer of `query_range` with any status. */
export function matrixOf(status: number, text: string): Matrix {
  const json = jsonOf(text)
  const isAnswer = status >= 200 && status <= 299
  if (!isAnswer || !isRecord(json) || json["status"] !== "success") return refusalOf(status, json, text)
  const doubt = doubtIn(json)
  if (doubt !== null) return refusal(doubt)
  const data = isRecord(json["data"]) ? json["data"] : {}
  const { resultType } = data
  // Go encodes an empty list as null. Null has no other meaning here, since `resultType` is present.
  const result = data["result"] === null ? [] : data["result"]
  if (resultType !== "matrix" || !Array.isArray(result))
    return refusal(`answered ${status}, but its data is not a matrix: is the url that of a Prometheus?`)
  if (result.length > MAX_SERIES)
    return refusal(
      `answered with ${result.length} series, the maximum is ${MAX_SERIES}: aggregate in the query`,
    )
  return seriesOf(result)
}

/**
 * Reason to distrust the data; null if there is none. A warning means that data is incomplete or that the
 * expression is doubtful (Prometheus, Thanos), and `isPartial` that data is incomplete. A sum over a part of
 * the data would be wrong. Some versions list style notes ("PromQL info: …") among the warnings; these do not
 * affect the data.
 */
function doubtIn({ warnings, isPartial }: Record<string, unknown>): string | null {
  if (!Array.isArray(warnings ?? [])) return "has unreadable warnings, so it is not used"
  const list: unknown[] = Array.isArray(warnings) ? warnings : []
  const real = list.filter((one) => typeof one !== "string" || !STYLE_NOTE.test(one))
  if (real.length > 0) return `warned, so it is not used: ${real.join("; ")}`
  if ((isPartial ?? false) === false) return null
  return "returned only a part of the data (isPartial), so it is not used"
}

/** Matches a single note only, since a text of several lines may contain a real warning. */
const STYLE_NOTE = /^PromQL info:[^\r\n]*$/

function seriesOf(result: readonly unknown[]): Matrix {
  const series: PrometheusSeries[] = []
  for (const item of result) {
    if (!isRecord(item) || !isRecord(item["metric"])) return refusal("has a series without its labels")
    const { histograms = null } = item
    const isEmpty = Array.isArray(histograms) && histograms.length === 0 && Array.isArray(item["values"])
    if (histograms !== null && !isEmpty)
      return refusal(
        "answered with native histograms, which are not numbers: use histogram_quantile or the like",
      )
    series.push({ labels: item["metric"], ...pointsOf(item["values"]) })
  }
  return { ok: true, series }
}

const DECIMAL = /^[+-]?(\d+(\.\d*)?|\.\d+)(e[+-]?\d+)?$/i

/** Values that the API itself uses for samples without a measurement. */
const NOT_A_NUMBER = /^([+-]?Inf|NaN)$/i
/** Longer than any number that Prometheus writes. */
const MAX_NUMBER_LENGTH = 400

/**
 * Parses samples such as `[1705078200, "97.5"]`. The value is text, since JSON has no NaN and Inf; an empty
 * text is not zero. Any other sample makes the series `unreadable`: its period must not count as missing
 * data, which a rule may treat as breaching.
 */
function pointsOf(values: unknown): Pick<PrometheusSeries, "points" | "unreadable"> {
  if (!Array.isArray(values)) return { points: [], unreadable: true }
  const points: Datapoint[] = []
  let isReadable = true
  for (const pair of values) {
    const [seconds, text]: unknown[] = Array.isArray(pair) ? pair : []
    const isText = typeof text === "string" && text.length <= MAX_NUMBER_LENGTH
    if (isText && NOT_A_NUMBER.test(text)) continue
    const value = isText && DECIMAL.test(text) ? Number(text) : Number.NaN
    const at = typeof seconds === "number" ? Math.round(seconds * 1_000) : Number.NaN
    if (Number.isSafeInteger(at) && Number.isFinite(value)) points.push({ at, value })
    else isReadable = false
  }
  return isReadable ? { points } : { points, unreadable: true }
}

/**
 * Statuses that blame the request. The API itself uses 400 (bad parameters) and 422 (the expression cannot be
 * executed); the others come from a server or proxy before it.
 */
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
  const hint =
    status === 404 || (status === 200 && !isJson) ? "; is the url the base URL of a Prometheus?" : ""
  return {
    ok: false,
    why: `answered ${status}${redirect}${what}${hint}`,
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
