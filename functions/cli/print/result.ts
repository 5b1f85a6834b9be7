import type { Finding } from "../../../lib/decision/decision.ts"
import { hintOf } from "../../../lib/decision/explain/hints.ts"
import { operatorCommand, SETTLEMENTS } from "../../../lib/decision/explain/operator-command.ts"
import { visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { ScaleUpPlan } from "../../../lib/decision/plan.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { RunResult, ShownOutcome } from "../../../lib/run/result.ts"
import type { Task } from "../context.ts"
import type { Screen } from "../io.ts"
import { tableOf } from "./table.ts"
import { inZone } from "./time.ts"

export interface Look {
  paint: Screen["paint"]
  /** Width at which to wrap; `undefined` means no wrapping. */
  columns: number | undefined
  /** IANA zone of the times that are shown. */
  zone: string
  /** True with `-v`: passing gates are shown, and long answers are shown whole. */
  isVerbose: boolean
}

/** Look of a task's output. */
export function lookOf({ screen, io, options }: Pick<Task, "screen" | "io" | "options">, zone: string): Look {
  const columns = io.isTerminal ? io.columns : undefined
  return { paint: screen.paint, columns, zone, isVerbose: options.verbose === true }
}

/**
 * One supernode's result for people. The first line has the decision and its first reason; the gates and the
 * request follow.
 */
export function resultLines(written: RunResult, look: Look): string[] {
  const result = visibleIn(written)
  const { plan, entry } = result
  return [
    headline(result, look),
    ...observedLines(result, look),
    ...outcomeLines(result, look),
    "",
    ...findingLines(result.decision.findings, look),
    ...(plan ? ["", ...planLines(plan, requestLabel(result))] : []),
    ...(entry ? ["", `on record: ${entry.stream} #${entry.seq}`] : []),
  ]
}

function headline({ supernode, mode, decision, plan, outcome }: RunResult, { paint, zone }: Look): string {
  const name = paint.bold(supernode)
  if (decision.kind === "hold") {
    const first = firstReason(decision.findings)
    const says = first ? `: ${inZone(first.says, zone)}` : ""
    return `${name}: ${mode === "live" ? "held" : "would hold"} (${paint.yellow(decision.heldBy ?? "not evaluated")})${says}`
  }
  const what = plan ? sayPlan(plan) : "a purchase"
  if (mode === "live") return `${name}: ${outcome?.kind === "accepted" ? "bought" : "decided to buy"} ${what}`
  return `${name}: ${paint.green("would buy")} ${what}`
}

/** Says clearly that nothing was bought, since a decision to scale up may suggest it. */
function observedLines({ decision, observed }: RunResult, { paint, zone }: Look): string[] {
  return observed && decision.kind === "scale-up"
    ? [paint.yellow(`  NOT BOUGHT: ${inZone(observed, zone)}`)]
    : []
}

/** The finding that decided: the first that failed, or else the first that could not be evaluated. */
function firstReason(findings: readonly Finding[]): Finding | undefined {
  return findings.find(({ passed }) => passed === false) ?? findings.find(({ passed }) => passed === null)
}

/** A plan in words: `from 2 to 4 servers, flavor x, for 120000 CNY`. */
export function sayPlan({ from, to, flavor, cost }: ScaleUpPlan): string {
  return `from ${from} to ${counted(to, "server")}, flavor ${flavor}, for ${cost ? `${cost.amount} ${cost.currency}` : "an unknown price"}`
}

function outcomeLines({ supernode, decision, outcome }: RunResult, { paint, zone }: Look): string[] {
  if (!outcome) return []
  const first = decision.heldBy === "duplicate" ? "result of the first delivery: " : ""
  const says = `  ${first}${outcome.kind.toUpperCase()}: ${inZone(sayOutcome(outcome), zone)}`
  if (outcome.kind !== "unknown")
    return [outcome.kind === "accepted" ? paint.green(says) : paint.yellow(says)]
  return [
    paint.red(says),
    paint.red(
      "  The order may have been placed. Nothing more is bought for this supernode until the attempt is settled. Check",
    ),
    paint.red(
      `  its servers and the orders in the console, then run: ${operatorCommand.settle(supernode, SETTLEMENTS)}`,
    ),
  ]
}

/** Outcome of an order, as a sentence. */
export function sayOutcome(outcome: ShownOutcome): string {
  switch (outcome.kind) {
    case "accepted":
      return `the cloud accepted the order${outcome.orderId ? `, ${outcome.orderId}; it may await payment` : ""} (HTTP ${outcome.status})`
    case "rejected":
      return `refused (${outcome.class}), nothing was bought: HTTP ${outcome.status} ${outcome.code}${outcome.message ? `: ${outcome.message}` : ""}`
    case "not-sent":
      return `the order was not sent (${outcome.reason}): ${outcome.says}`
    case "unknown":
      return `${outcome.says} (${outcome.reason})`
    default:
      return outcome satisfies never
  }
}

/** Label before a gate's hint. */
export const TO_CONTINUE = "to continue:"

const MARKS = { passed: "✓", failed: "✗", open: "·" }

/**
 * Lines of the gates: mark, name, numbers. A failed gate also has its hint: the nearest change that would let
 * it pass. Without `isVerbose`, passing gates other than `evidence` are only counted, in one line.
 */
export function findingLines(
  findings: readonly Finding[],
  { paint, columns, zone, isVerbose }: Look,
): string[] {
  const isShown = ({ gate, passed }: Finding) => isVerbose || passed !== true || gate === "evidence"
  const folded = findings.filter((finding) => !isShown(finding)).length
  const count = `${folded} of ${counted(findings.length, "gate")} passed; -v shows them`
  const rows = findings.filter(isShown).flatMap((finding) => {
    const { gate, passed } = finding
    const says = inZone(finding.says, zone)
    const [mark, colour] =
      passed === true
        ? [MARKS.passed, paint.green]
        : passed === false
          ? [MARKS.failed, paint.red]
          : [MARKS.open, paint.dim]
    const nearest = hintOf(finding)
    return [
      [colour(`  ${mark}`), gate, passed === null ? `not evaluated: ${says}` : says],
      ...(nearest === null ? [] : [["", "", paint.dim(`${TO_CONTINUE} ${inZone(nearest, zone)}`)]]),
    ]
  })
  return [
    ...(folded > 0 ? [`${paint.green(`  ${MARKS.passed}`)}  ${count}`] : []),
    ...tableOf(rows, { columns }),
  ]
}

/** Label of the request. A dry run sends no request, and a duplicate does not send it again. */
function requestLabel({ mode, decision, outcome }: RunResult): string {
  if (mode === "dry-run") return "request"
  if (decision.heldBy === "duplicate") return "request of the first delivery, not sent again"
  return decision.kind === "hold" || mode !== "live" || outcome?.kind === "not-sent"
    ? "request, not sent"
    : "request"
}

/** The exact request and its hash. */
export function planLines({ hash, request }: ScaleUpPlan, label = "request"): string[] {
  const body = JSON.stringify(request.body, null, 2).split("\n")
  return [`${label}: ${request.method} ${request.url}`, ...body.map((line) => `  ${line}`), `plan ${hash}`]
}
