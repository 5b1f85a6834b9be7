import { decide } from "./decision/decide.ts"
import type { Decision } from "./decision/decision.ts"
import type { Outcome } from "./decision/outcome.ts"
import { planScaleUp, type ScaleUpPlan } from "./decision/plan.ts"
import type { Signal } from "./decision/signal.ts"
import type { RunMode, Situation } from "./decision/situation.ts"
import type { AttemptRecord, Standing } from "./decision/standing.ts"
import { canonicalText, digest } from "./digest.ts"
import { type Chain, gather, type RunTask, readChain, readControl } from "./gather.ts"
import type { LedgerEntry } from "./ledger/entry.ts"
import { LedgerError, type Ports } from "./ports.ts"
import { type EntryNews, nextDecision, nextSettlement } from "./record.ts"
import { firstResult } from "./repeat.ts"
import { heldOutside, type RunResult, resultOf } from "./result.ts"

// One signal for one supernode, in order. Everything that reads may be repeated; the one thing that spends is `buy`,
// and between `open` and `settle` nothing is ever retried.

/** How often a run that lost an append starts again from the top, and how many purchases one run may try. */
const MOST_ROUNDS = 3
/** Time kept for writing the outcome: a purchase does not start without it. */
const LEDGER_WRITE_MS = 5_000
/** A standing bigger than this leaves no room for the settlement of an attempt. */
const MOST_STANDING_BYTES = 96 * 1024
const DAY_MS = 86_400_000

type Round =
  | { kind: "done"; result: RunResult }
  | { kind: "overtaken"; decision: Decision; plan: ScaleUpPlan | null; mode: RunMode }
  | { kind: "next-larger"; result: RunResult }

/**
 * Reads, decides, and buys at most once per attempt. Throws (LedgerError) only above the line of no return, and where
 * an outcome could not be written: then the attempt stays open, which later runs take for a purchase, never for nothing.
 */
export async function run(ports: Ports, task: RunTask): Promise<RunResult> {
  let conflicts = 0
  let purchases = 0
  let tried: RunResult["outcome"]
  for (;;) {
    const round = await oneRound(ports, task)
    if (round.kind === "next-larger" && ++purchases < MOST_ROUNDS) {
      tried = round.result.outcome
      continue
    }
    if (round.kind === "overtaken") {
      if (++conflicts < MOST_ROUNDS) continue
      return holdOvertaken(ports, task, round)
    }
    return round.result.outcome || !tried ? round.result : { ...round.result, outcome: tried }
  }
}

async function oneRound(ports: Ports, task: RunTask): Promise<Round> {
  const chain = await readChain(ports, task)
  const repeated = await firstResult(ports, task, chain)
  if (repeated) return { kind: "done", result: repeated }

  const gathered = await gather(ports, task, chain)
  if (gathered === "overtaken") return overtaken(task, chain)
  const { situation, head } = gathered
  const decided = decide(situation, digest)
  const plan = decided.target && planScaleUp(situation, decided.target, digest)
  const mode = modeOf(task, situation)
  const decision =
    mode === "live" && decided.kind === "scale-up"
      ? mayOpen(ports, task, situation.standing, decided)
      : decided
  const parts = { supernode: situation.policy.name, mode, decision, plan, outcome: null }

  if (mode === "dry-run") return { kind: "done", result: resultOf({ ...parts, entry: null }) }
  if (decision.kind === "scale-up" && plan && mode === "live")
    return purchase(ports, task, { chain, head, situation, decision, plan })

  if (!isWorthNoting(task, situation, decision))
    return { kind: "done", result: resultOf({ ...parts, entry: null }) }
  return note(ports, task, { head, situation, decision, plan, mode })
}

interface Noted {
  head: LedgerEntry | undefined
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan | null
  mode: RunMode
}

/** Writes down a decision that leads to no purchase. */
async function note(
  ports: Ports,
  task: RunTask,
  { head, situation, decision, plan, mode }: Noted,
): Promise<Round> {
  const entry = nextDecision(task.stream, head, {
    ...newsOf(ports, task, { situation, mode }),
    kind: "decided",
    decision,
    ...(plan ? { plan } : {}),
  })
  if ((await ports.ledger.append(entry)) === "conflict") return { kind: "overtaken", decision, plan, mode }
  return {
    kind: "done",
    result: resultOf({ supernode: situation.policy.name, mode, decision, plan, outcome: null, entry }),
  }
}

interface Ready {
  chain: Chain
  head: LedgerEntry | undefined
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan
}

/** The line of no return lies behind the append: from there on nothing is repeated, and whatever happens is settled. */
async function purchase(ports: Ports, task: RunTask, ready: Ready): Promise<Round> {
  const { situation, decision, plan } = ready
  const openedAt = Math.max(ports.clock.now(), situation.headAt ?? 0, situation.now)
  const sendBeforeMonotonic = ports.clock.monotonic() + task.sendWithinMs
  const sendBefore = openedAt + task.sendWithinMs
  const attempt: AttemptRecord = {
    id: ports.newId(),
    openedAt,
    sendBefore,
    deadline: sendBefore + task.buyTimeoutMs,
  }
  const news = { ...newsOf(ports, task, { situation, mode: "live" }), at: openedAt }
  const opened = fitting(() =>
    nextDecision(task.stream, ready.head, { ...news, kind: "opened", decision, plan, attempt }),
  )
  if (!opened)
    return note(ports, task, {
      ...ready,
      decision: heldOutside(decision, "standing-full", "the attempt's entry would be too big for the ledger"),
      mode: "live",
    })
  if ((await ports.ledger.append(opened)) === "conflict")
    return { kind: "overtaken", decision, plan, mode: "live" }

  // ---- the line of no return ----
  const outcome = await sendOnce(ports, task, { ...ready, attempt, sendBeforeMonotonic })
  const settled = await settle(ports, task, { opened, attempt, outcome })
  const result = resultOf({
    supernode: situation.policy.name,
    mode: "live",
    decision,
    plan,
    outcome,
    entry: settled,
  })
  return { kind: mayTryLarger(task, situation, outcome) ? "next-larger" : "done", result }
}

/** The entry, or null where it is too big for the ledger. */
function fitting(seal: () => LedgerEntry): LedgerEntry | null {
  try {
    return seal()
  } catch (error) {
    if (error instanceof RangeError) return null
    throw error
  }
}

/** Looks once more whether somebody stopped us, then sends the one request. Never throws. */
async function sendOnce(
  ports: Ports,
  task: RunTask,
  sending: Ready & { attempt: AttemptRecord; sendBeforeMonotonic: number },
): Promise<Outcome> {
  const { chain, situation, plan, attempt, sendBeforeMonotonic } = sending
  const control = await readControl(ports).catch((error: unknown) => ({
    seq: null,
    seen: { state: "unreadable" as const, why: String(error), credentials: false },
  }))
  if (control.seq !== chain.control.seq) {
    const again = decide({ ...situation, control: control.seen }, digest)
    if (again.kind !== "scale-up") {
      const finding = again.findings.find((candidate) => candidate.passed !== true)
      return {
        kind: "not-sent",
        reason: again.heldBy ?? "overtaken",
        says: finding?.says ?? "the decision changed after the attempt was opened",
      }
    }
  }
  if (ports.timeLeftMs() <= task.buyTimeoutMs + LEDGER_WRITE_MS) {
    return {
      kind: "not-sent",
      reason: "no-time",
      says: "too little time is left in the function to see the purchase through",
    }
  }
  try {
    const { policy } = situation
    return await ports.cloud.buy({
      attempt: attempt.id,
      policy,
      plan,
      userdata: task.loaded.userdata,
      sendBefore: attempt.sendBefore,
      sendBeforeMonotonic,
      timeoutMs: task.buyTimeoutMs,
    })
  } catch (error) {
    // A client that breaks its promise never to throw may have sent the request: that is what unknown means.
    return {
      kind: "unknown",
      reason: "client-failure",
      says: String(error),
      status: null,
      code: null,
      requestId: null,
      raw: null,
    }
  }
}

interface Settlement {
  opened: LedgerEntry
  attempt: AttemptRecord
  outcome: Outcome
}

/** Appends the outcome, at whatever seq is next by now, until it is written or the time is over. */
async function settle(
  ports: Ports,
  task: RunTask,
  { opened, attempt, outcome }: Settlement,
): Promise<LedgerEntry> {
  const giveUpAt = ports.clock.monotonic() + Math.min(ports.timeLeftMs() - 500, 120_000)
  let head: LedgerEntry | undefined = opened
  for (let pauseMs = 50; ; pauseMs = Math.min(pauseMs * 2, 2_000)) {
    try {
      head ??= await ports.ledger.head(task.stream)
      const at = Math.max(ports.clock.now(), attempt.openedAt)
      const { run, mode, signal, policyHash } = opened
      const news = {
        at,
        run,
        mode,
        writer: ports.newId(),
        ...(signal ? { signal } : {}),
        ...(policyHash ? { policyHash } : {}),
      }
      const settled = nextSettlement(task.stream, head, { ...news, kind: "settled", attempt, outcome })
      if ((await ports.ledger.append(settled)) === "appended") return settled
    } catch (error) {
      if (!(error instanceof LedgerError) || ports.clock.monotonic() >= giveUpAt) {
        throw new LedgerError(
          `the outcome of attempt ${attempt.id} (${outcome.kind}) could not be written; it stays open and counts as unknown`,
          { cause: error },
        )
      }
      await ports.clock.wait(pauseMs)
    }
    head = undefined
  }
}

/** What lies outside the gates: room in the entry and time in the function. */
function mayOpen(ports: Ports, task: RunTask, standing: Standing, decision: Decision): Decision {
  if (Buffer.byteLength(canonicalText(standing)) > MOST_STANDING_BYTES) {
    return heldOutside(
      decision,
      "standing-full",
      "the chain remembers so much that an outcome might not fit any more; wait until old signals are forgotten",
    )
  }
  if (ports.timeLeftMs() <= task.buyTimeoutMs + LEDGER_WRITE_MS) {
    return heldOutside(
      decision,
      "no-time",
      `${Math.round(ports.timeLeftMs() / 1000)} s are left in the function; a purchase may take ${task.buyTimeoutMs / 1000} s`,
    )
  }
  return decision
}

/** A policy that was not seen long enough only observes (`arm_after`). */
function modeOf(task: RunTask, { policy, policyHash, standing, now }: Situation): RunMode {
  if (task.mode !== "live" || policy.armAfterMs === 0) return task.mode
  const seen = standing.policySeen
  return seen?.hash === policyHash && seen.since + policy.armAfterMs <= now ? "live" : "observe"
}

/** An alarm's or a person's decision always; a tick's when it says something new, or a day has passed. */
function isWorthNoting(task: RunTask, { standing, now, policyHash }: Situation, decision: Decision): boolean {
  const last = standing.lastDecision
  if (
    task.signal.kind !== "tick" ||
    !last ||
    decision.cleared.length > 0 ||
    standing.policySeen?.hash !== policyHash
  )
    return true
  const isTheSame =
    last.kind === decision.kind &&
    last.heldBy === decision.heldBy &&
    last.to === (decision.target?.to ?? null)
  return !isTheSame || now - last.at >= DAY_MS
}

/** Only a capacity refusal leads to another attempt, and never for a plan that a person saw or approved. */
function mayTryLarger({ signal }: RunTask, { policy }: Situation, outcome: Outcome): boolean {
  return (
    outcome.kind === "rejected" &&
    outcome.class === "capacity" &&
    policy.soldOut === "next-larger" &&
    signal.kind !== "request" &&
    !policy.approval
  )
}

function newsOf(
  ports: Ports,
  { signal, run: runId }: { signal: Signal; run: string },
  { situation, mode }: { situation: Situation; mode: RunMode },
): Omit<EntryNews, "kind"> {
  const { standing: _before, ...kept } = situation
  return {
    at: situation.now,
    run: runId,
    writer: ports.newId(),
    mode,
    signal,
    policyHash: situation.policyHash,
    situation: kept,
  }
}

function overtaken(task: RunTask, chain: Chain): Round {
  const decision: Decision = { kind: "hold", heldBy: null, findings: [], target: null, cleared: [] }
  return { kind: "overtaken", decision, plan: null, mode: chain.isDry ? "dry-run" : task.mode }
}

/** Others kept appending while we looked: nothing is bought; the note of it is worth one try. */
async function holdOvertaken(
  ports: Ports,
  task: RunTask,
  lost: Round & { kind: "overtaken" },
): Promise<RunResult> {
  const decision = heldOutside(
    lost.decision,
    "overtaken",
    `another run wrote to the ledger ${MOST_ROUNDS} times while this one looked`,
  )
  const head = await ports.ledger.head(task.stream)
  const { signal, run: runId } = task
  const note = nextDecision(task.stream, head, {
    at: ports.clock.now(),
    run: runId,
    writer: ports.newId(),
    mode: lost.mode,
    signal,
    policyHash: task.loaded.hash,
    kind: "decided",
    decision,
  })
  const isWritten = (await ports.ledger.append(note)) === "appended"
  return resultOf({
    supernode: task.loaded.policy.name,
    mode: lost.mode,
    decision,
    plan: lost.plan,
    outcome: null,
    entry: isWritten ? note : null,
  })
}
