import { confirmedTime } from "../decision/inputs/clock.ts"
import type { Signal } from "../decision/inputs/signal.ts"
import type { RunMode, Situation } from "../decision/situation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { type EntryFields, nextNote, stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { type PlannedDecision, withHints } from "./decide-and-plan.ts"
import { firstDeliveryResult } from "./duplicate.ts"
import { stampOf } from "./entry-time.ts"
import { readHeads } from "./heads.ts"
import { heldTooBig, holdFor } from "./hold-for.ts"
import type { FinishedRun } from "./notify.ts"
import { isFirstOvertaken, isWorthNoting } from "./preconditions.ts"
import { resultOf, resultOfDecision } from "./result.ts"
import { MAX_ROUNDS, type Round } from "./round.ts"
import type { DecidedEvent } from "./state-change.ts"
import type { RunTask } from "./task.ts"

/** A decision, and the newest entry that it was based on. */
type DecisionAtHead = PlannedDecision & { head: LedgerEntry | undefined }

/** Records a decision that buys nothing, unless it only repeats the last recorded one. */
export async function recordDecision(ports: Ports, task: RunTask, decided: DecisionAtHead): Promise<Round> {
  const { head, situation, decision, plan } = decided
  const event = decidedEvent(task, decided)
  if (isWorthNoting({ task, situation, decision, plan, event }))
    return note(ports, task, withHints(task, decided))
  return {
    kind: "done",
    result: resultOfDecision(task, decided),
    tail: { head, at: stampOf(situation), situation },
  }
}

/** The fields of a decision's entry that may change the state. Most decisions are not recorded, so the entry itself is made later. */
function decidedEvent(
  { signal, run: runId }: RunTask,
  { situation, decision }: PlannedDecision,
): DecidedEvent {
  const { policy, policyHash } = situation
  return {
    seq: 0,
    kind: "decided",
    at: stampOf(situation),
    confirmedAt: confirmedTime(situation),
    run: runId,
    signal,
    policyHash,
    policy,
    decision,
    situation,
  }
}

/** Appends a decision that buys nothing. If its entry would be too big, the decision is only the run's result. */
export async function note(ports: Ports, task: RunTask, decided: DecisionAtHead): Promise<Round> {
  const { head, situation, decision, plan, mode } = decided
  const fields = { ...entryFieldsOf(ports, task, { situation, mode }), kind: "decided" as const }
  const entry = nextNote(task.stream, head, { ...fields, decision, ...(plan ? { plan } : {}) })
  if (!entry) {
    const result = resultOfDecision(task, { ...decided, decision: heldTooBig(decision) })
    return { kind: "done", result, tail: { head, at: stampOf(situation), situation } }
  }
  if ((await ports.ledger.append(entry)) === "conflict") return { kind: "overtaken", decision, plan, mode }
  return {
    kind: "done",
    result: resultOfDecision(task, decided, entry),
    tail: { head: entry, at: entry.at, situation },
  }
}

/** Fields of this situation's entry. They leave out the state, which the previous entry has, and the policy, which has its own field. */
export function entryFieldsOf(
  ports: Ports,
  { signal, run: runId }: { signal: Signal; run: string },
  { situation, mode }: { situation: Situation; mode: RunMode },
): Omit<EntryFields, "kind"> {
  const { state: _before, policy, ...inputs } = situation
  return {
    at: stampOf(situation),
    confirmedAt: confirmedTime(situation),
    run: runId,
    writer: ports.newId(),
    mode,
    signal,
    policyHash: situation.policyHash,
    policy,
    situation: inputs,
  }
}

/**
 * The result of a run that other runs overtook too often. It buys nothing, and tries once to record that. Dry runs do not get here,
 * because they append nothing.
 */
export async function holdOvertaken(
  ports: Ports,
  task: RunTask,
  lost: Round & { kind: "overtaken" },
): Promise<FinishedRun> {
  const chain = await readHeads(ports, task)
  // One of the other runs may have handled another delivery of this same signal.
  const repeated = await firstDeliveryResult(ports, task, chain)
  if (repeated) return { result: repeated, tail: null }
  const says = `other runs wrote to the ledger ${MAX_ROUNDS} times while this run was deciding`
  const decision = holdFor(lost.decision, "overtaken", says)
  const { signal, run: runId, stream, loaded } = task
  const { mode, plan } = lost
  const at = Math.max(ports.clock.now(), chain.head?.at ?? 0)
  const fields = {
    at,
    run: runId,
    writer: ports.newId(),
    mode,
    signal,
    policyHash: loaded.hash,
    policy: loaded.policy,
  }
  const entry = isFirstOvertaken(task, stateOf(chain.head), at)
    ? nextNote(stream, chain.head, { ...fields, kind: "decided", decision })
    : null
  const written = entry && (await ports.ledger.append(entry)) === "appended" ? entry : null
  const parts = { supernode: loaded.policy.name, mode, decision, plan, outcome: null }
  return { result: resultOf({ ...parts, entry: written }), tail: { head: written ?? chain.head, at } }
}
