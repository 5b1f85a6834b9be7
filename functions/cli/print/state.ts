import { formatDistanceStrict } from "date-fns/formatDistanceStrict"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { visible, visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import type { Stop } from "../../../lib/decision/state/control.ts"
import type { RuleLoad } from "../state/cloud-look.ts"
import type { SupernodeStatus } from "../state/supernode-state.ts"
import { sayBudgetUse, sayRateUse } from "./cap-use.ts"
import { type Look, TO_CONTINUE } from "./result.ts"
import { scheduleRows } from "./schedule.ts"
import { tableOf } from "./table.ts"
import { inZone, type Timeframe, when } from "./time.ts"

/**
 * A supernode's state for people. Normal facts take few words; each obstacle comes with its hint or command.
 */
export function stateLines(
  written: SupernodeStatus,
  { now, paint, columns, zone, whyNotAsked }: Look & Timeframe & { whyNotAsked: string | null },
): string[] {
  const state = visibleIn(written)
  const frame = { now, zone }
  const { lastDecision, lastOutcome } = state
  const alarming = (text: string | null): string => (text === null ? "no" : paint.yellow(text))
  const rows = [
    ["  mode", sayMode(state, frame)],
    ...cloudRows(state, { ...frame, whyNotAsked }).map(([label = "", text = "", isBad = ""]) => [
      label,
      isBad ? paint.yellow(text) : text,
    ]),
    ...ledgerRows(state).map(([label = "", text = ""]) => [label, paint.yellow(text)]),
    ["  paused", alarming(state.paused && sayStop(state.paused, frame))],
    ["  held", alarming(state.held && sayStop(state.held, frame))],
    ["  in flight", alarming(state.attempt && sayAttempt(state.attempt, frame))],
    ...witnessRows(state, frame),
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
    ...(state.order
      ? [["  payment", `${state.order.says}, as first read ${when(state.order.at, frame)}`]]
      : []),
    ...holdRows(state),
  ]
  const shown = rows.map((row) => row.map((text) => inZone(text, zone)))
  return [`${paint.bold(state.name)}  ${paint.dim(state.id)}`, ...tableOf(shown, { columns })]
}

/**
 * Rows of servers, rung and load. A row that needs attention has a mark; a source that was not read is named.
 */
function cloudRows(
  { servers, rung, load, unread }: SupernodeStatus,
  { whyNotAsked, ...frame }: Timeframe & { whyNotAsked: string | null },
): string[][] {
  if (whyNotAsked !== null) return [["  servers", `not read, and neither was the load: ${whyNotAsked}`]]
  const ofOffers = unread.find(({ source }) => source === "offers")
  const offers = ofOffers ? [["  offers", `not read: ${ofOffers.why}`, BAD]] : []
  if (!servers) {
    const why = unread.find(({ source }) => source === "supernode")?.why ?? "no response"
    return [["  servers", `not read, and neither was the load: ${why}`, BAD], ...offers]
  }
  return [
    ["  servers", sayServers(servers), ...(servers.status === "ACTIVE" ? [] : [BAD])],
    rung
      ? ["  rung", `${rung.number} of ${rung.of}: ${rung.flavor}`]
      : ["  rung", `none: the ladder has no rung with ${counted(servers.count, "server")}`, BAD],
    ...load.map((one, i) => [
      i === 0 ? "  load" : "",
      sayLoad(one, frame),
      ...(one.problem === null && one.verdict !== "breaching" ? [] : [BAD]),
    ]),
    ...offers,
  ]
}

const BAD = "bad"

/** `2 servers: 2 RUNNING; the supernode is ACTIVE`. */
function sayServers({ status, byStatus, count }: NonNullable<SupernodeStatus["servers"]>): string {
  const each = Object.entries(byStatus).map(([name, number]) => `${number} ${name}`)
  const detail = each.length > 0 ? `: ${each.join(", ")}` : ""
  return `${counted(count, "server")}${detail}; the supernode is ${status}`
}

/** `95, 2 minutes ago; npu-busy: 5 of 5 points above 85 (3 needed)`. */
function sayLoad({ value, at, says, source }: RuleLoad, frame: Timeframe): string {
  if (value === null || at === null) return `no data from ${source}; ${says}`
  return `${value}, ${formatDistanceStrict(at, frame.now, { addSuffix: true })}; ${says}`
}

/** Reasons that the rows above already show. */
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
  "not-breaching",
  "missing-data",
  "latched",
  "supernode-unreadable",
]

/** Reason why no run buys on this ledger. It comes before the reasons for which a tick would hold. */
function ledgerRows({ ledger }: SupernodeStatus): string[][] {
  if (!ledger) return []
  const { heldBy, says, nearest } = ledger
  return [
    ["  ledger", `${heldBy}: ${says}`],
    ...(nearest === null ? [] : [["", `${TO_CONTINUE} ${nearest}`]]),
  ]
}

/** Everything that would hold now, in the order of the gates, each with its hint. */
function holdRows({ holds, ledger, wouldBuy, name, blockedFlavors, rulesOff }: SupernodeStatus): string[][] {
  if (holds.length === 0) {
    const refused = [
      ...(Object.keys(blockedFlavors).length > 0 ? ["blocked"] : []),
      ...(rulesOff.length > 0 ? ["rules off"] : []),
    ]
    const known =
      refused.length > 0
        ? `${refused.join(" and ")} (see above) may cause a hold`
        : "nothing known would make a run hold"
    const says = ledger
      ? `a live run would hold (${ledger.heldBy})`
      : wouldBuy
        ? `nothing holds: a live tick would buy. To see what, run: ${operatorCommand.dryRun(name)}`
        : `${known}; the result depends on the servers, the load and the offers`
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

/** Facts from independent sources about an unknown outcome. */
function witnessRows({ witness }: SupernodeStatus, frame: Timeframe): string[][] {
  if (!witness) return []
  const { says, at } = witness
  return [
    ["  witness", `${says.servers}, as of ${when(at, frame)}`],
    ["  traces", says.traces],
  ]
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
            `${breaker.class} since ${when(breaker.since, frame)}: ${breaker.says}. Fix the cause, then run: ${operatorCommand.reset(name)}`,
          ],
        ]
      : []),
    ...(efficacy?.stopped
      ? [["  efficacy", `${efficacy.says}. To continue, run: ${operatorCommand.reset(name)}`]]
      : []),
    ...(backoffUntil === null
      ? []
      : [["  back-off", `until ${when(backoffUntil, frame)}, because the cloud throttled the purchase`]]),
    ...Object.entries(blockedFlavors).map(([flavor, until]) => [
      "  blocked",
      `${flavor} was refused for capacity, until ${when(until, frame)}`,
    ]),
    ...(rulesOff.length > 0
      ? [
          [
            "  rules off",
            `${rulesOff.join(", ")}: the cloud rejected the order as invalid; change the policy, or run: ${operatorCommand.reset(name)}`,
          ],
        ]
      : []),
  ]
}

function sayDecision({ kind, heldBy, to }: NonNullable<SupernodeStatus["lastDecision"]>): string {
  if (kind === "hold") return `hold (${heldBy ?? "not evaluated"})`
  return to === null ? "decided to scale up" : `decided to scale up to ${counted(to, "server")}`
}
