import { armingUntil } from "../../lib/decision/arming.ts"
import { type Control, type Stop, stopInForce } from "../../lib/decision/control.ts"
import { purchasesWithin } from "../../lib/decision/cost.ts"
import { decide } from "../../lib/decision/decide.ts"
import type { Finding } from "../../lib/decision/decision.ts"
import { type Amount, amountOf } from "../../lib/decision/money.ts"
import { NOT_READ, type Situation } from "../../lib/decision/situation.ts"
import type { Standing, StandingAttempt } from "../../lib/decision/standing.ts"
import { purchasesSince, sayWindow, type WindowLength, windowStart } from "../../lib/decision/window.ts"
import { digest } from "../../lib/digest.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import type { LoadedPolicy } from "../../lib/policy-file.ts"
import { standingOf } from "../../lib/record.ts"
import type { Settings } from "../../lib/settings.ts"

/** What the ledger alone tells of one supernode. Instants are epoch milliseconds. */
export interface SupernodeState {
  name: string
  id: string
  mode: Settings["mode"]
  /** The policy only observes until then; "unseen": from its first recorded run on, for `arm_after`. */
  armingUntil: number | "unseen" | null
  paused: (Stop & { scope: "all" | "supernode" }) | null
  held: Stop | null
  attempt: AttemptState | null
  breaker: Standing["breaker"]
  /** What the last purchases gained, where the policy asks (`efficacy`); `stopped`: nothing is bought automatically until a reset. */
  efficacy: { stopped: boolean; says: string } | null
  /** Ends of the waits that are not over. */
  backoffUntil: number | null
  blockedFlavors: Record<string, number>
  rulesOff: string[]
  /** null where nothing is cooling down. */
  cooldownUntil: number | null
  purchases: { used: number; allowed: number; left: number; perMs: number }
  /** `since`: the first instant that counts; `window`: `in 30d` or `in 2026-11 (Asia/Shanghai)`. */
  budget: {
    spent: Amount
    cap: Amount
    left: Amount
    per: WindowLength
    since: number
    window: string
  } | null
  lastDecision: Standing["lastDecision"]
  /** Why the next tick would hold before it looks at the cloud; null: it would look. */
  nextTick: { heldBy: string; says: string } | null
  /** Entries in the supernode's chain. */
  entries: number
}

/** The attempt as it stands, its price as the result JSON writes one. */
export type AttemptState = Omit<StandingAttempt, "cost"> & { cost: Amount | null }

function attemptState(attempt: StandingAttempt | null): AttemptState | null {
  return attempt && { ...attempt, cost: attempt.cost && amountOf(attempt.cost) }
}

export interface Remembered {
  settings: Settings
  loaded: LoadedPolicy
  head: LedgerEntry | undefined
  control: Control
  now: number
}

export function stateOf({ settings, loaded, head, control, now }: Remembered): SupernodeState {
  const { policy, hash } = loaded
  const standing = standingOf(head)
  const findings = tickFindings({ settings, loaded, head, control, now })
  const first = findings.find(({ passed }) => passed === false)
  const until = findings.find(({ gate }) => gate === "cooldown-over")?.facts["until"]
  const used = purchasesWithin(standing, now, policy.limits.actions.perMs).length
  const { count: allowed, perMs } = policy.limits.actions
  const all = stopInForce(control.pausedAll, now)
  const one = stopInForce(control.paused[policy.id], now)
  return {
    name: policy.name,
    id: policy.id,
    mode: settings.mode,
    armingUntil: armingUntil({ policy, policyHash: hash, standing, now }),
    paused: all ? { ...all, scope: "all" } : one ? { ...one, scope: "supernode" } : null,
    held: stopInForce(control.held[policy.id], now),
    attempt: attemptState(standing.attempt),
    breaker: standing.breaker,
    efficacy: efficacyOf(loaded, findings),
    backoffUntil: standing.throttle && standing.throttle.until > now ? standing.throttle.until : null,
    blockedFlavors: Object.fromEntries(
      Object.entries(standing.blocked).flatMap(([flavor, wait]) =>
        wait.until > now ? [[flavor, wait.until]] : [],
      ),
    ),
    rulesOff: Object.entries(standing.rulesOff).flatMap(([rule, off]) => (off === hash ? [rule] : [])),
    cooldownUntil: typeof until === "number" && until > now ? until : null,
    purchases: { used, allowed, left: Math.max(0, allowed - used), perMs },
    budget: budgetOf(loaded, standing, now),
    lastDecision: standing.lastDecision,
    nextTick: first?.reason ? { heldBy: first.reason, says: first.says } : null,
    entries: head?.seq ?? 0,
  }
}

/** The gates themselves say what stands in the way; nothing here knows their rules a second time. */
function tickFindings({
  settings,
  loaded,
  head,
  control,
  now,
}: Remembered): ReturnType<typeof decide>["findings"] {
  const situation: Situation = {
    signal: { kind: "tick", id: "status", name: "status", at: now },
    exclusive: false,
    policy: loaded.policy,
    policyHash: loaded.hash,
    endpoint: settings.modelartsEndpoint ?? "",
    run: "status",
    now,
    headAt: head?.at ?? null,
    standing: standingOf(head),
    control: { state: "read", value: control },
    cloudSkewMs: null,
    supernode: NOT_READ,
    readings: NOT_READ,
    offers: NOT_READ,
  }
  return decide(situation, digest).findings
}

function efficacyOf({ policy }: LoadedPolicy, findings: readonly Finding[]): SupernodeState["efficacy"] {
  const finding = policy.efficacy && findings.find(({ gate }) => gate === "efficacy")
  return finding ? { stopped: finding.facts["stopped"] === true, says: finding.says } : null
}

function budgetOf({ policy }: LoadedPolicy, standing: Standing, now: number): SupernodeState["budget"] {
  const { budget } = policy.limits
  if (!budget) return null
  const { currency, minor: cap, per } = budget
  const since = windowStart(per, policy.timezone, now)
  const spent = purchasesSince(standing.purchases, since).reduce(
    (sum, { cost }) => sum + (cost?.minor ?? 0),
    0,
  )
  const money = (minor: number): Amount => amountOf({ minor, currency })
  const left = money(Math.max(0, cap - spent))
  return {
    spent: money(spent),
    cap: money(cap),
    left,
    per,
    since,
    window: sayWindow(per, policy.timezone, now),
  }
}
