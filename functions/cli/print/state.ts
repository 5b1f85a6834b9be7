import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { visible, visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import { counted } from "../../../lib/decision/policy/units.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { Stop } from "../../../lib/decision/state/control.ts"
import type { SupernodeStatus } from "../state/supernode-state.ts"
import { sayBudgetUse, sayRateUse } from "./cap-use.ts"
import { type Look, TO_CONTINUE } from "./result.ts"
import { scheduleRows } from "./schedule.ts"
import { tableOf } from "./table.ts"
import { inZone, type Timeframe, when } from "./time.ts"

/** A supernode's state for people; what is normal takes few words, what stands in the way comes with its way out. */
export function stateLines(
  written: SupernodeStatus,
  { now, paint, columns, zone }: Look & Timeframe,
): string[] {
  const state = visibleIn(written)
  const frame = { now, zone }
  const { lastDecision, lastOutcome } = state
  const alarming = (text: string | null): string => (text === null ? "no" : paint.yellow(text))
  const rows = [
    ["  mode", sayMode(state, frame)],
    ...ledgerRows(state).map(([label = "", text = ""]) => [label, paint.yellow(text)]),
    ["  paused", alarming(state.paused && sayStop(state.paused, frame))],
    ["  held", alarming(state.held && sayStop(state.held, frame))],
    ["  in flight", alarming(state.attempt && sayAttempt(state.attempt, frame))],
    ...refusalRows(state, frame).map(([label = "", text = ""]) => [label, paint.yellow(text)]),
    ...(state.efficacy && !state.efficacy.stopped ? [["  efficacy", state.efficacy.says]] : []),
    ["  cooldown", state.cooldownUntil === null ? "over" : `until ${when(state.cooldownUntil, frame)}`],
    ["  purchases", sayRateUse(state.purchases)],
    ["  budget", sayBudgetUse(state.budget)],
    ...scheduleRows(state.schedules),
    [
      "  last",
      lastDecision
        ? `${sayDecision(lastDecision)}, ${when(lastDecision.at, frame)}`
        : "no decision is on record",
    ],
    ...(lastOutcome
      ? [
          [
            "  order",
            `${lastOutcome.kind.toUpperCase()}: ${lastOutcome.says}, ${when(lastOutcome.at, frame)}`,
          ],
        ]
      : []),
    ...(state.order ? [["  payment", `${state.order.says}, read ${when(state.order.at, frame)}`]] : []),
    ...holdRows(state),
  ]
  const shown = rows.map((row) => row.map((text) => inZone(text, zone)))
  return [`${paint.bold(state.name)}  ${paint.dim(state.id)}`, ...tableOf(shown, { columns })]
}

/** Reasons that the rows above have told already. */
const TOLD: readonly string[] = [
  "ledger-new",
  "ledger-other",
  "ledger-restored",
  "paused",
  "held",
  "in-flight",
  "outcome-unknown",
  "stuck",
  "partial",
  "wrong",
  "breaker",
  "efficacy",
  "backoff",
  "cooldown",
]

/** Why no run buys on this ledger, before what a tick would find. */
function ledgerRows({ ledger }: SupernodeStatus): string[][] {
  if (!ledger) return []
  const { heldBy, says, nearest } = ledger
  return [
    ["  ledger", `${heldBy}: ${says}`],
    ...(nearest === null ? [] : [["", `${TO_CONTINUE} ${nearest}`]]),
  ]
}

/** Everything that would hold now, the first reason first, each with its hint. */
function holdRows({ holds, ledger }: SupernodeStatus): string[][] {
  if (holds.length === 0) {
    const says = ledger
      ? `a live run would hold (${ledger.heldBy})`
      : "nothing known stands in the way; metrics and offers decide (dry-run shows them)"
    return [["  now", says]]
  }
  return holds.flatMap(({ heldBy, says, nearest }, i) => {
    const why = TOLD.includes(heldBy) ? "" : `: ${says}`
    return [
      [i === 0 ? "  now" : "", `${i === 0 ? "a tick would hold" : "and also"} (${heldBy})${why}`],
      ...(nearest ? [["", `${TO_CONTINUE} ${nearest}`]] : []),
    ]
  })
}

function sayMode({ mode, armingUntil }: SupernodeStatus, frame: Timeframe): string {
  if (mode === "observe") return "observe: decides and records, never buys (SUPERNODE_MODE is not live here)"
  if (armingUntil === "unseen")
    return "live, but this policy is new: it only observes for arm_after, counted from its first recorded run"
  if (armingUntil !== null)
    return `live, but this policy is new: it only observes until ${when(armingUntil, frame)}`
  return "live"
}

/** `by ops since …, until …: why`. */
export function sayStop(
  { by, at, until, why, scope }: Stop & { scope?: "all" | "supernode" },
  frame: Timeframe,
): string {
  const end = until === null ? "" : `, until ${when(until, frame)}`
  return visible(`${scope === "all" ? "everything, " : ""}by ${by}, ${when(at, frame)}${end}: ${why}`)
}

/** `UNKNOWN: 2 -> 4 servers, flavor, opened …, order CS…: it …`. */
export function sayAttempt(
  { state, from, to, flavor, openedAt, orderId, says }: Omit<OpenAttempt, "cost">,
  frame: Timeframe,
): string {
  const order = orderId === null ? "" : `, order ${orderId}`
  return visible(
    `${state.toUpperCase()}: ${from} -> ${counted(to, "server")}, ${flavor}, opened ${when(openedAt, frame)}${order}: it ${inZone(says, frame.zone)}`,
  )
}

function refusalRows(
  { breaker, efficacy, backoffUntil, blockedFlavors, rulesOff, name }: SupernodeStatus,
  frame: Timeframe,
): string[][] {
  return [
    ...(breaker
      ? [
          [
            "  breaker",
            `${breaker.class} since ${when(breaker.since, frame)}: ${breaker.says}. Mend it, then: ${operatorCommand.reset(name)}`,
          ],
        ]
      : []),
    ...(efficacy?.stopped ? [["  efficacy", `${efficacy.says}: ${operatorCommand.reset(name)}`]] : []),
    ...(backoffUntil === null
      ? []
      : [["  back-off", `the cloud asked us to wait until ${when(backoffUntil, frame)}`]]),
    ...Object.entries(blockedFlavors).map(([flavor, until]) => [
      "  blocked",
      `${flavor} was refused for capacity, until ${when(until, frame)}`,
    ]),
    ...(rulesOff.length > 0
      ? [
          [
            "  rules off",
            `${rulesOff.join(", ")}: the cloud called the order invalid; change the policy, or: ${operatorCommand.reset(name)}`,
          ],
        ]
      : []),
  ]
}

function sayDecision({ kind, heldBy, to }: NonNullable<SupernodeStatus["lastDecision"]>): string {
  if (kind === "hold") return `hold (${heldBy ?? "not evaluated"})`
  return to === null ? "decided to scale up" : `decided to scale up to ${counted(to, "server")}`
}
