import { decide } from "../decision/decide.ts"
import { NOT_READ } from "../decision/inputs/seen.ts"
import { own } from "../decision/state/own.ts"
import { digest } from "../digest.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { standingOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import type { Chain } from "./heads.ts"
import { type RunResult, resultOf } from "./result.ts"
import type { RunTask } from "./task.ts"

/**
 * A repeated signal writes nothing and is answered with what became of the first delivery: its plan, outcome and entry,
 * under a decision that says `duplicate`. null where the signal is new.
 */
export async function firstResult(
  ports: Ports,
  task: RunTask,
  { head, control }: Chain,
): Promise<RunResult | null> {
  const standing = standingOf(head)
  const first = own(standing.signals, task.signal.id)
  // A dry run shows everything: there the gate says `duplicate`, beside all the others.
  if (!first || first.run === task.run || task.mode === "dry-run") return null
  const { policy, hash } = task.loaded
  const now = ports.clock.now()
  const facts = {
    signal: task.signal,
    exclusive: task.exclusive,
    policy,
    policyHash: hash,
    endpoint: task.endpoint,
    run: task.run,
    now,
  }
  const seen = {
    headAt: head?.at ?? null,
    standing,
    control,
    cloudSkewMs: null,
    supernode: NOT_READ,
    readings: NOT_READ,
    offers: NOT_READ,
  }
  const decision = decide({ ...facts, ...seen }, digest)
  const entries = await entriesOfRun(ports, task.stream, first)
  const last = entries.at(-1) ?? null
  const outcome = entries.findLast((entry) => entry.outcome)?.outcome ?? null
  const plan = entries.findLast((entry) => entry.plan)?.plan ?? null
  return resultOf({ supernode: policy.name, mode: task.mode, decision, plan, outcome, entry: last })
}

/** The first run's entries: its decision or attempt, and the settlement, which follows within a few entries. */
async function entriesOfRun(
  ports: Ports,
  stream: string,
  first: { run: string; seq: number },
): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const entry of ports.ledger.read(stream, { fromSeq: first.seq, toSeq: first.seq + 20 })) {
    if (entry.run === first.run) entries.push(entry)
    if (entry.run === first.run && entry.kind === "decided") break
  }
  return entries
}
