import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Failure } from "../../../lib/simulate/scenario/play.ts"
import type { PlayedScenario } from "../../../lib/simulate/scenario/suite.ts"
import type { Look } from "./result.ts"
import { instantOf, inZone } from "./time.ts"

/** The document of `test --json`. */
export function playedJson(played: readonly PlayedScenario[]): object {
  return { ok: played.every(({ ok }) => ok), scenarios: played }
}

/**
 * One scenario in the format of promtool: SUCCESS, or FAILED with the expected and the actual value of each
 * difference.
 */
export function playedLines(
  { file, title, ok, failures }: PlayedScenario,
  { paint, zone }: Pick<Look, "paint" | "zone">,
): string[] {
  const verdict = ok
    ? [`  ${paint.green("SUCCESS")}`]
    : [`  ${paint.red("FAILED:")}`, ...failures.flatMap((failure) => failureLines(failure, zone))]
  return [`${file}: ${title}`, ...verdict, ""]
}

function failureLines({ at, step, on, what, expected, got, says }: Failure, zone: string): string[] {
  const when = at === null ? "at the end" : `${instantOf(at, zone)} ${on}`
  const place = step === null ? "" : ` (timeline[${step}])`
  return [
    `    ${when}${place}, ${what}:`,
    `        exp: ${JSON.stringify(expected)}`,
    `        got: ${JSON.stringify(got)}`,
    ...(says === null ? [] : [`        ${inZone(says, zone)}`]),
  ]
}

export function summaryLine(played: readonly PlayedScenario[]): string {
  const failed = played.filter(({ ok }) => !ok).length
  const all = counted(played.length, "scenario")
  return failed === 0 ? `${all}: all as expected` : `${all}: ${failed} failed`
}
