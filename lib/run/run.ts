import type { Ports } from "../ports.ts"
import { decideAndPlan } from "./decide-and-plan.ts"
import { endDecisions } from "./decide-once.ts"
import { firstDeliveryResult } from "./duplicate.ts"
import { beginEarlyRead, type EarlyRead, rememberEnd } from "./early-read.ts"
import { followOrder } from "./follow-order.ts"
import { followUnknown } from "./follow-unknown.ts"
import { gatherAndRecord } from "./gather.ts"
import { readHeads } from "./heads.ts"
import { endRolledBack, endUnusable } from "./ledger-ends.ts"
import { type FinishedRun, notifyOperators } from "./notify.ts"
import { purchase } from "./purchase.ts"
import { holdOvertaken, recordDecision } from "./record-decision.ts"
import { type RunResult, resultOfDecision } from "./result.ts"
import { MAX_ROUNDS, overtaken, type Round } from "./round.ts"
import { MAX_ROUND_MS, staleAfter } from "./stale-after.ts"
import type { RunTask } from "./task.ts"

// One signal for one supernode, in order. Reads may repeat; only `buy` spends, and it is never retried.

/**
 * Handles one signal for one supernode: reads, decides, buys if all gates pass, and notifies operators.
 * Throws LedgerError if the ledger fails before anything was sent, or if an outcome could not be recorded. In the second case the
 * attempt stays open, and later runs count it as a purchase.
 */
export async function run(ports: Ports, task: RunTask): Promise<RunResult> {
  const ended = await runRounds(ports, task)
    .catch((error: unknown) => endRolledBack(task, error))
    .finally(() => endDecisions(task))
  const followed = await followUnknown(ports, task, await followOrder(ports, task, ended))
  rememberEnd(ports, task, followed)
  await notifyOperators(ports, task, followed)
  return ended.result
}

async function runRounds(ports: Ports, task: RunTask): Promise<FinishedRun> {
  let conflicts = 0
  let purchases = 0
  let lastOutcome: RunResult["outcome"]
  // Only the first round uses this early read. A further round starts because of a newer entry, so the read would be too old.
  let early = beginEarlyRead(ports, task)
  for (;;) {
    const round = await oneRound(ports, task, early)
    early = null
    if (round.kind === "next-larger" && ++purchases < MAX_ROUNDS) {
      lastOutcome = round.result.outcome
      continue
    }
    if (round.kind === "overtaken" && ++conflicts < MAX_ROUNDS) continue
    const { result, tail } = round.kind === "overtaken" ? await holdOvertaken(ports, task, round) : round
    return { tail, result: result.outcome || !lastOutcome ? result : { ...result, outcome: lastOutcome } }
  }
}

async function oneRound(ports: Ports, task: RunTask, early: EarlyRead | null): Promise<Round> {
  const isStale = staleAfter(ports, MAX_ROUND_MS)
  const chain = await readHeads(ports, task)
  const unusable = endUnusable(task, chain)
  if (unusable) return { kind: "done", ...unusable }
  const repeated = await firstDeliveryResult(ports, task, chain)
  if (repeated) return { kind: "done", result: repeated, tail: null }

  const gathered = await gatherAndRecord(ports, task, { ...chain, early })
  if (gathered === "overtaken") return overtaken(task)
  const { situation, head, fleet } = gathered
  const { decision, plan, mode } = decideAndPlan(ports, task, situation)
  const decided = { situation, head, fleet, decision, plan, mode }

  if (mode === "dry-run") return { kind: "done", result: resultOfDecision(task, decided), tail: null }
  if (mode === "live" && decision.kind === "scale-up" && plan)
    return purchase(ports, task, { ...decided, plan, isStale }) // opens the attempt, sends the one request, settles
  return recordDecision(ports, task, decided)
}
