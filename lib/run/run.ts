import { whyNotSent } from "../decision/decide.ts"
import type { Decision } from "../decision/decision.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import { planScaleUp, type ScaleUpPlan } from "../decision/plan.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { Outcome } from "../decision/state/outcome.ts"
import type { AttemptRecord } from "../decision/state/state.ts"
import { digest } from "../digest.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { type EntryNews, fitting, nextEntry, nextNote, nextSettlement } from "../ledger/next-entry.ts"
import { LedgerError, type Ports } from "../ports.ts"
import { firstResult } from "./duplicate.ts"
import { gather, type RunTask, readChain, readControl, stampOf } from "./gather.ts"
import { judge } from "./judge.ts"
import { type Ended, tell } from "./notify.ts"
import {
  heldTooBig,
  isWorthNoting,
  mayOpen,
  mayTryLarger,
  modeOf,
  timeToBuy,
  whyObserved,
} from "./preconditions.ts"
import { release, reserve, type Wanted } from "./reserve.ts"
import { heldOutside, type RunResult, resultOf } from "./result.ts"

// One signal for one supernode, in order. Everything that reads may be repeated; the one thing that spends is `buy`,
// and between `open` and `settle` nothing is ever retried.

/** How often a run that lost an append starts again from the top, and how many purchases one run may try. */
const MOST_ROUNDS = 3
/** Settling goes on through a failing ledger for this long on a host; in a function, until shortly before its end. */
const MOST_SETTLING_MS = 120_000

type Round =
  | ({ kind: "done" | "next-larger" } & Ended)
  | { kind: "overtaken"; decision: Decision; plan: ScaleUpPlan | null; mode: RunMode }

/**
 * Reads, decides, and buys at most once per attempt; when all is written, tells people what waits for them. Throws
 * (LedgerError) only above the line of no return, and where an outcome could not be written: then the attempt stays
 * open, which later runs take for a purchase, never for nothing.
 */
export async function run(ports: Ports, task: RunTask): Promise<RunResult> {
  const ended = await runRounds(ports, task)
  await tell(ports, task, ended)
  return ended.result
}

async function runRounds(ports: Ports, task: RunTask): Promise<Ended> {
  let conflicts = 0
  let purchases = 0
  let tried: RunResult["outcome"]
  for (;;) {
    const round = await oneRound(ports, task)
    if (round.kind === "next-larger" && ++purchases < MOST_ROUNDS) {
      tried = round.result.outcome
      continue
    }
    if (round.kind === "overtaken" && ++conflicts < MOST_ROUNDS) continue
    const { result, left } = round.kind === "overtaken" ? await holdOvertaken(ports, task, round) : round
    return { left, result: result.outcome || !tried ? result : { ...result, outcome: tried } }
  }
}

async function oneRound(ports: Ports, task: RunTask): Promise<Round> {
  const chain = await readChain(ports, task)
  const repeated = await firstResult(ports, task, chain)
  if (repeated) return { kind: "done", result: repeated, left: null }

  const gathered = await gather(ports, task, chain)
  if (gathered === "overtaken") return overtaken(task)
  const { situation, head, fleet } = gathered
  const decided = judge(situation)
  const plan = decided.target && planScaleUp(situation, decided.target, digest)
  const mode = modeOf(task, situation)
  const decision =
    mode === "live" && decided.kind === "scale-up"
      ? mayOpen(ports, task, situation.standing, decided)
      : decided
  const observed = whyObserved(task, situation)
  const parts = { supernode: situation.policy.name, mode, observed, decision, plan, outcome: null }

  if (mode === "dry-run") return { kind: "done", result: resultOf({ ...parts, entry: null }), left: null }
  if (decision.kind === "scale-up" && plan && mode === "live")
    return purchase(ports, task, { head, situation, decision, plan, fleet })

  if (!isWorthNoting({ task, situation, decision, plan }))
    return {
      kind: "done",
      result: resultOf({ ...parts, entry: null }),
      left: { head, at: stampOf(situation) },
    }
  return note(ports, task, { head, situation, decision, plan, mode })
}

interface Noted {
  head: LedgerEntry | undefined
  situation: Situation
  decision: Decision
  plan: ScaleUpPlan | null
  mode: RunMode
}

/** Writes down a decision that leads to no purchase. What fits in no entry is still answered: it buys nothing. */
async function note(ports: Ports, task: RunTask, noted: Noted): Promise<Round> {
  const { head, situation, decision, plan, mode } = noted
  const news = { ...newsOf(ports, task, { situation, mode }), kind: "decided" as const }
  const entry = nextNote(task.stream, head, { ...news, decision, ...(plan ? { plan } : {}) })
  const observed = whyObserved(task, situation)
  const parts = { supernode: situation.policy.name, mode, observed, decision, plan, outcome: null }
  if (!entry) {
    const result = resultOf({ ...parts, decision: heldTooBig(decision), entry })
    return { kind: "done", result, left: { head, at: stampOf(situation) } }
  }
  if ((await ports.ledger.append(entry)) === "conflict") return { kind: "overtaken", decision, plan, mode }
  return { kind: "done", result: resultOf({ ...parts, entry }), left: { head: entry, at: entry.at } }
}

const NOT_OPENED: Outcome = {
  kind: "not-sent",
  reason: "overtaken",
  says: "the attempt was not opened: another entry took its place, or its own would be too big",
}

/** The line of no return lies behind the append: from there on nothing is repeated, and whatever happens is settled. */
async function purchase(ports: Ports, task: RunTask, wanted: Wanted): Promise<Round> {
  const { plan } = wanted
  const reserved = await reserve(ports, task, wanted)
  if (reserved.kind === "overtaken")
    return { kind: "overtaken", decision: wanted.decision, plan, mode: "live" }
  const { situation, decision } = reserved
  const ready = { ...wanted, situation, decision }
  if (reserved.kind === "held") return note(ports, task, { ...ready, mode: "live" })

  const { attempt, sendBeforeMonotonic } = reserved
  const news = { ...newsOf(ports, task, { situation, mode: "live" }), at: attempt.openedAt }
  const opened = fitting(() =>
    nextEntry(task.stream, ready.head, { ...news, kind: "opened", decision, plan, attempt }),
  )
  if (!opened || (await ports.ledger.append(opened)) === "conflict") {
    await release(ports, reserved, NOT_OPENED)
    if (opened) return { kind: "overtaken", decision, plan, mode: "live" }
    return note(ports, task, { ...ready, decision: heldTooBig(decision), mode: "live" })
  }

  // ---- the line of no return ----
  const outcome = await sendOnce(ports, task, { ...ready, attempt, sendBeforeMonotonic })
  const settled = await settle(ports, task, { opened, attempt, outcome })
  await release(ports, reserved, outcome)
  const result = resultOf({
    supernode: situation.policy.name,
    mode: "live",
    decision,
    plan,
    outcome,
    entry: settled,
  })
  const left = { head: settled, at: settled.at }
  return { kind: mayTryLarger(task, situation, outcome) ? "next-larger" : "done", result, left }
}

/** Looks once more whether somebody stopped us, then sends the one request. Never throws. */
async function sendOnce(
  ports: Ports,
  task: RunTask,
  sending: Wanted & { attempt: AttemptRecord; sendBeforeMonotonic: number },
): Promise<Outcome> {
  const { situation, plan, attempt, sendBeforeMonotonic } = sending
  const control = await readControl(ports).catch((error: unknown) => ({
    state: "unreadable" as const,
    why: String(error),
    credentials: false,
  }))
  const lastLook = { control, now: Math.max(ports.clock.now(), attempt.openedAt) }
  const stopped = whyNotSent(situation, lastLook, digest)
  if (stopped) return { kind: "not-sent", reason: stopped.reason ?? stopped.gate, says: stopped.says }
  if (ports.timeLeftMs() <= Math.max(0, attempt.sendBefore - ports.clock.now()) + timeToBuy(task)) {
    const says = "too little time is left in the function to see the purchase through"
    return { kind: "not-sent", reason: "no-time", says }
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

/**
 * Appends the outcome, at whatever seq is next by now, until it is written or the time is over. It looks twice even then:
 * a word that a tick wrote in between must not cost an outcome that is certain.
 */
async function settle(ports: Ports, task: RunTask, settlement: Settlement): Promise<LedgerEntry> {
  const { opened, attempt, outcome } = settlement
  const giveUpAt = ports.clock.monotonic() + Math.min(ports.timeLeftMs() - 500, MOST_SETTLING_MS)
  let head: LedgerEntry | undefined = opened
  for (let tries = 1, pauseMs = 50; ; tries++, pauseMs = Math.min(pauseMs * 2, 2_000)) {
    const isOver = tries > 1 && ports.clock.monotonic() >= giveUpAt
    try {
      head ??= await ports.ledger.head(task.stream)
      const settled = settlementAfter(ports, head, settlement)
      if ((await ports.ledger.append(settled)) === "appended") return settled
      if (isOver) throw new LedgerError("others kept writing")
    } catch (error) {
      if (isOver || !(error instanceof LedgerError)) throw unsettled(attempt, outcome, error)
      await ports.clock.wait(pauseMs)
    }
    head = undefined
  }
}

function settlementAfter(
  ports: Ports,
  head: LedgerEntry | undefined,
  { opened, attempt, outcome }: Settlement,
): LedgerEntry {
  const { stream, run, mode, signal, policyHash } = opened
  const news = {
    at: Math.max(ports.clock.now(), attempt.openedAt),
    run,
    mode,
    writer: ports.newId(),
    ...(signal ? { signal } : {}),
    ...(policyHash ? { policyHash } : {}),
  }
  return nextSettlement(stream, head, { ...news, kind: "settled", attempt, outcome })
}

function unsettled({ id }: AttemptRecord, { kind }: Outcome, cause: unknown): LedgerError {
  const says = `the outcome of attempt ${id} (${kind}) could not be written; it stays open and counts as unknown`
  return new LedgerError(says, { cause })
}

function newsOf(
  ports: Ports,
  { signal, run: runId }: { signal: Signal; run: string },
  { situation, mode }: { situation: Situation; mode: RunMode },
): Omit<EntryNews, "kind"> {
  const { standing: _before, ...kept } = situation
  return {
    at: stampOf(situation),
    run: runId,
    writer: ports.newId(),
    mode,
    signal,
    policyHash: situation.policyHash,
    situation: kept,
  }
}

function overtaken(task: RunTask): Round {
  const decision: Decision = { kind: "hold", heldBy: null, findings: [], target: null, cleared: [] }
  return { kind: "overtaken", decision, plan: null, mode: task.mode }
}

/** Others kept appending while we looked: nothing is bought; the note of it is worth one try. */
async function holdOvertaken(
  ports: Ports,
  task: RunTask,
  lost: Round & { kind: "overtaken" },
): Promise<Ended> {
  const chain = await readChain(ports, task)
  // One of those others may have been another delivery of this very signal.
  const repeated = await firstResult(ports, task, chain)
  if (repeated) return { result: repeated, left: null }
  const says = `another run wrote to the ledger ${MOST_ROUNDS} times while this one looked`
  const decision = heldOutside(lost.decision, "overtaken", says)
  const { signal, run: runId, stream, loaded } = task
  const { mode, plan } = lost
  const at = Math.max(ports.clock.now(), chain.head?.at ?? 0)
  const news = { at, run: runId, writer: ports.newId(), mode, signal, policyHash: loaded.hash }
  const entry = chain.isDry ? null : nextNote(stream, chain.head, { ...news, kind: "decided", decision })
  const written = entry && (await ports.ledger.append(entry)) === "appended" ? entry : null
  const parts = { supernode: loaded.policy.name, mode, decision, plan, outcome: null }
  const left = chain.isDry ? null : { head: written ?? chain.head, at }
  return { result: resultOf({ ...parts, entry: written }), left }
}
