import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { visible, visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import { counted } from "../../../lib/decision/policy/units.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { Stop } from "../../../lib/decision/state/control.ts"
import type { SupernodeStatus } from "../state/supernode-state.ts"
import { sayBudgetUse, sayRateUse } from "./cap-use.ts"
import { type Look, TO_CONTINUE } from "./result.ts"
import { scheduleRows } from "./schedule.ts"
import { tableOf, when } from "./table.ts"

/** A supernode's state for people: few words for what is normal; each obstacle with its way out. */
export function stateLines(
  written: SupernodeStatus,
  { now, paint, columns }: Look & { now: number },
): string[] {
  const state = visibleIn(written)
  const { lastDecision, lastOutcome } = state
  const alarming = (text: string | null): string => (text === null ? "no" : paint.yellow(text))
  const rows = [
    ["  mode", sayMode(state, now)],
    ...ledgerRows(state).map(([label = "", text = ""]) => [label, paint.yellow(text)]),
    ["  paused", alarming(state.paused && sayStop(state.paused, now))],
    ["  held", alarming(state.held && sayStop(state.held, now))],
    ["  in flight", alarming(state.attempt && sayAttempt(state.attempt, now))],
    ...witnessRows(state, now),
    ...refusalRows(state, now).map(([label = "", text = ""]) => [label, paint.yellow(text)]),
    ...(state.efficacy && !state.efficacy.stopped ? [["  efficacy", state.efficacy.says]] : []),
    ["  cooldown", state.cooldownUntil === null ? "over" : `until ${when(state.cooldownUntil, now)}`],
    ["  purchases", sayRateUse(state.purchases)],
    ["  budget", sayBudgetUse(state.budget)],
    ...scheduleRows(state.schedules),
    [
      "  last",
      lastDecision
        ? `${sayDecision(lastDecision)}, ${when(lastDecision.at, now)}`
        : "no decision is on record",
    ],
    ...(lastOutcome
      ? [["  order", `${lastOutcome.kind.toUpperCase()}: ${lastOutcome.says}, ${when(lastOutcome.at, now)}`]]
      : []),
    ...(state.order
      ? [["  payment", `${state.order.says}, as first read ${when(state.order.at, now)}`]]
      : []),
    ...holdRows(state),
  ]
  return [`${paint.bold(state.name)}  ${paint.dim(state.id)}`, ...tableOf(rows, { columns })]
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
function holdRows({ holds, ledger, blockedFlavors, rulesOff }: SupernodeStatus): string[][] {
  if (holds.length === 0) {
    const refused = [
      ...(Object.keys(blockedFlavors).length > 0 ? ["blocked"] : []),
      ...(rulesOff.length > 0 ? ["rules off"] : []),
    ]
    const known =
      refused.length > 0
        ? `${refused.join(" and ")} (above) may hold a tick`
        : "no known obstacle"
    const says = ledger
      ? `a live run would hold (${ledger.heldBy})`
      : `${known}; metrics and offers decide (dry-run shows them)`
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

function sayMode({ mode, armingUntil }: SupernodeStatus, now: number): string {
  if (mode === "observe") return "observe: decides and records, never buys (SUPERNODE_MODE is not live here)"
  if (armingUntil === "unseen")
    return "live, but this policy is new: it only observes for arm_after, counted from its first recorded run"
  if (armingUntil !== null)
    return `live, but this policy is new: it only observes until ${when(armingUntil, now)}`
  return "live"
}

/** `by ops since …, until …: why`. */
export function sayStop(
  { by, at, until, why, scope }: Stop & { scope?: "all" | "supernode" },
  now: number,
): string {
  const end = until === null ? "" : `, until ${when(until, now)}`
  return visible(`${scope === "all" ? "everything, " : ""}by ${by}, ${when(at, now)}${end}: ${why}`)
}

/** `UNKNOWN: 2 -> 4 servers, flavor, opened …, order CS…: it …`. */
export function sayAttempt(
  { state, from, to, flavor, openedAt, orderId, says }: Omit<OpenAttempt, "cost">,
  now: number,
): string {
  const order = orderId === null ? "" : `, order ${orderId}`
  return visible(
    `${state.toUpperCase()}: ${from} -> ${counted(to, "server")}, ${flavor}, opened ${when(openedAt, now)}${order}: it ${says}`,
  )
}

/** What independent sources said of an unknown outcome. */
function witnessRows({ witness }: SupernodeStatus, now: number): string[][] {
  if (!witness) return []
  const { says, at } = witness
  return [
    ["  servers", `${says.servers}, as of ${when(at, now)}`],
    ["  traces", says.traces],
  ]
}

function refusalRows(
  { breaker, efficacy, backoffUntil, blockedFlavors, rulesOff, name }: SupernodeStatus,
  now: number,
): string[][] {
  return [
    ...(breaker
      ? [
          [
            "  breaker",
            `${breaker.class} since ${when(breaker.since, now)}: ${breaker.says}. Mend it, then: ${operatorCommand.reset(name)}`,
          ],
        ]
      : []),
    ...(efficacy?.stopped ? [["  efficacy", `${efficacy.says}: ${operatorCommand.reset(name)}`]] : []),
    ...(backoffUntil === null
      ? []
      : [["  back-off", `the cloud asked us to wait until ${when(backoffUntil, now)}`]]),
    ...Object.entries(blockedFlavors).map(([flavor, until]) => [
      "  blocked",
      `${flavor} was refused for capacity, until ${when(until, now)}`,
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
