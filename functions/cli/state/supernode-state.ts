import { overridesOf } from "../../../lib/app/overrides.ts"
import type { Settings } from "../../../lib/app/settings.ts"
import { decideAndExplain } from "../../../lib/decision/decide.ts"
import type { Finding } from "../../../lib/decision/decision.ts"
import { hintOf } from "../../../lib/decision/explain/hints.ts"
import { sayOrder } from "../../../lib/decision/explain/order.ts"
import { sayServersSeen, sayTraces } from "../../../lib/decision/explain/witness.ts"
import { whyUntrusted, whyUnusable } from "../../../lib/decision/gates/ledger.ts"
import { type BudgetUse, budgetUse, type RateUse, rateUse } from "../../../lib/decision/money/cap-use.ts"
import type { FleetSpend } from "../../../lib/decision/money/fleet-spend.ts"
import { armingUntil } from "../../../lib/decision/pacing/arming.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { type Amount, amountOf } from "../../../lib/decision/policy/money.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { OpenAttempt } from "../../../lib/decision/state/attempt.ts"
import { activeStop, type Control, type Stop } from "../../../lib/decision/state/control.ts"
import type { OrderRecord } from "../../../lib/decision/state/order.ts"
import type { Outcome } from "../../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import type { WitnessRecord } from "../../../lib/decision/state/witness.ts"
import { digest } from "../../../lib/digest.ts"
import { endpointsOf } from "../../../lib/huawei/endpoints.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import { stateOf } from "../../../lib/ledger/next-entry.ts"
import { withCheckedSignatures } from "../../../lib/run/check-signatures.ts"
import { ledgerHint } from "../../../lib/run/ledger-trust.ts"
import { stateFindings } from "../../../lib/run/preconditions.ts"
import { type ScheduleState, scheduleStates } from "../print/schedule.ts"
import {
  type CloudLook,
  loadOf,
  type RuleLoad,
  type RungState,
  rungOf,
  type ServersState,
  serversOf,
  type UnreadSource,
  unreadOf,
} from "./cloud-look.ts"

/** One supernode by the ledger, the cloud and the meters. Times are epoch milliseconds. */
export interface SupernodeStatus {
  name: string
  id: string
  mode: Settings["mode"]
  /** `null` if they were not read. */
  servers: ServersState | null
  /** `null` if the servers were not read, or if no rung has their number. */
  rung: RungState | null
  /** Load by rule; empty if the meters were not read. */
  load: RuleLoad[]
  /** Sources that could not be read, and why. */
  unread: UnreadSource[]
  /**
   * End of the time in which a new policy only observes; `null` if it may buy. "unseen": that time begins
   * with its first recorded run, and lasts `arm_after`.
   */
  armingUntil: number | "unseen" | null
  paused: (Stop & { scope: "all" | "supernode" }) | null
  held: Stop | null
  attempt: AttemptState | null
  breaker: SupernodeState["breaker"]
  /**
   * Gain of the last purchases, if the policy has `efficacy`. `stopped`: nothing is bought automatically
   * until a reset.
   */
  efficacy: { stopped: boolean; says: string } | null
  /** Ends of the waits that are still active; for `blockedFlavors` by flavor. */
  backoffUntil: number | null
  blockedFlavors: Record<string, number>
  rulesOff: string[]
  /** `null` if no cooldown is active. */
  cooldownUntil: number | null
  purchases: RateUse
  budget: BudgetUse | null
  schedules: ScheduleState[]
  lastDecision: SupernodeState["lastDecision"]
  /** Outcome and time of the newest order; `null` if the recent entries have none. */
  lastOutcome: LastOutcome | null
  /** The newest accepted order, as the billing service showed it; `null` until one was read. */
  order: {
    orderId: string
    status: number | null
    amount: Amount | null
    planned: Amount | null
    says: string
    at: number
  } | null
  /**
   * Facts from independent sources about an unknown outcome, as a run last read them; `null` if there are
   * none.
   */
  witness: WitnessState | null
  /** First reason why a tick would hold now, and its hint; `null` if nothing that was read holds. */
  nextTick: Hold | null
  /** Every reason against a purchase now, as `dry-run` lists them; `nextTick` is the first. */
  holds: Hold[]
  /** True if everything was read and every gate passes: a live tick would buy now. */
  wouldBuy: boolean
  /** Reason why no run buys on this ledger, whatever the gates say; `null` if the ledger can be trusted. */
  ledger: Hold | null
  /** Entries in the supernode's chain. */
  entries: number
}

/** Sentences, and the readings behind them. `at`: time of the newest reading that showed something new. */
export type WitnessState = Omit<WitnessRecord, "attempt"> & {
  says: { servers: string; traces: string }
}

export interface Hold {
  heldBy: string
  says: string
  /** The hint; `null` if there is none. */
  nearest: string | null
}

/** Outcome of an order, without its raw answer. */
export interface LastOutcome {
  kind: Outcome["kind"]
  says: string
  at: number
}

/** The attempt in its present state. Its cost has the form of the result JSON. */
export type AttemptState = Omit<OpenAttempt, "cost"> & { cost: Amount | null }

function orderOf(order: OrderRecord | undefined): SupernodeStatus["order"] {
  if (!order) return null
  const { orderId, status, amount, planned, at } = order
  const says = sayOrder(order)
  return {
    orderId,
    status,
    amount: amount && amountOf(amount),
    planned: planned && amountOf(planned),
    says,
    at,
  }
}

function witnessOf({ attempt, witness }: SupernodeState): WitnessState | null {
  if (!attempt || !witness) return null
  const { attempt: _id, ...seen } = witness
  const says = { servers: sayServersSeen(seen.servers, attempt), traces: sayTraces(seen.traces, attempt) }
  return { ...seen, says }
}

function attemptState(attempt: OpenAttempt | null): AttemptState | null {
  return attempt && { ...attempt, cost: attempt.cost && amountOf(attempt.cost) }
}

export interface Remembered {
  settings: Settings
  loaded: LoadedPolicy
  head: LedgerEntry | undefined
  lastOutcome: LastOutcome | null
  control: Control
  /** Purchases of other supernodes; null unless fleet caps apply. */
  others: FleetSpend | null
  /**
   * First time that the cloud confirmed to a run on a ledger that began empty. `null` if there is none, or if
   * the ledger began otherwise.
   */
  ledgerConfirmedAt: number | null
  look: CloudLook
  now: number
}

export function statusOf(remembered: Remembered): SupernodeStatus {
  const { settings, loaded, head, control, look, now } = remembered
  const { policy, hash } = loaded
  const state = stateOf(head)
  const situation = tickSituation(remembered)
  const decision = decideAndExplain(situation, digest)
  const findings = [...decision.findings, ...stateFindings(situation)]
  const servers = serversOf(look)
  const load = loadOf(situation)
  const holds = findings.flatMap((finding): Hold[] => {
    const { passed, reason, says } = finding
    return passed === false && reason !== null ? [{ heldBy: reason, says, nearest: hintOf(finding) }] : []
  })
  const until = findings.find(({ gate }) => gate === "cooldown-over")?.facts["until"]
  const { actions, budget } = policy.limits
  const { timezone } = policy
  const all = activeStop(control.pausedAll, now)
  const one = activeStop(control.paused[policy.id], now)
  return {
    name: policy.name,
    id: policy.id,
    mode: settings.mode,
    servers,
    rung: servers && rungOf(policy, servers),
    load,
    unread: unreadOf(look, load),
    armingUntil: armingUntil({ policy, policyHash: hash, state: state, now }),
    paused: all ? { ...all, scope: "all" } : one ? { ...one, scope: "supernode" } : null,
    held: activeStop(control.held[policy.id], now),
    attempt: attemptState(state.attempt),
    breaker: state.breaker,
    efficacy: efficacyOf(loaded, findings),
    backoffUntil: state.throttle && state.throttle.until > now ? state.throttle.until : null,
    blockedFlavors: Object.fromEntries(
      Object.entries(state.blocked).flatMap(([flavor, wait]) =>
        wait.until > now ? [[flavor, wait.until]] : [],
      ),
    ),
    rulesOff: Object.entries(state.rulesOff).flatMap(([rule, off]) => (off === hash ? [rule] : [])),
    cooldownUntil: typeof until === "number" && until > now ? until : null,
    purchases: rateUse(actions, state.purchases, now),
    budget: budget && budgetUse(budget, state.purchases, { timezone, now }),
    schedules: scheduleStates(policy, state, now),
    lastDecision: state.lastDecision,
    lastOutcome: remembered.lastOutcome,
    order: orderOf(state.order),
    witness: witnessOf(state),
    nextTick: holds[0] ?? null,
    holds,
    wouldBuy: decision.kind === "scale-up" && holds.length === 0,
    ledger: ledgerStateOf(remembered),
    entries: head?.seq ?? 0,
  }
}

/** The situation that a tick would find now. */
function tickSituation({ settings, loaded, head, control, others, look, now }: Remembered): Situation {
  return {
    signal: { kind: "tick", id: "status", name: "status", at: now },
    exclusive: false,
    policy: loaded.policy,
    policyHash: loaded.hash,
    endpoint: endpointsOf(loaded.policy.region, overridesOf(settings)).modelarts,
    run: "status",
    now,
    headAt: head?.at ?? null,
    state: stateOf(head),
    control: { state: "read", value: withCheckedSignatures(control, loaded.policy) },
    ...look,
    ...(others ? { fleet: { state: "read", value: others } } : {}),
  }
}

function ledgerStateOf({ loaded, control, ledgerConfirmedAt, now }: Remembered): SupernodeStatus["ledger"] {
  const seen = { state: "read" as const, value: control }
  // Uses this machine's clock; a run uses a time that the cloud confirmed.
  const problem =
    whyUnusable(seen, loaded.ledgerId ?? null) ??
    whyUntrusted({
      control: seen,
      supernodeId: loaded.policy.id,
      firstConfirmedAt: ledgerConfirmedAt,
      confirmed: now,
    })
  if (!problem) return null
  const { reason, says } = problem
  return { heldBy: reason, says, nearest: ledgerHint(problem)?.says ?? null }
}

function efficacyOf({ policy }: LoadedPolicy, findings: readonly Finding[]): SupernodeStatus["efficacy"] {
  const finding = policy.efficacy && findings.find(({ gate }) => gate === "efficacy")
  return finding ? { stopped: finding.facts["stopped"] === true, says: finding.says } : null
}
