import { decideAndExplain } from "../decision/decide.ts"
import { NOT_FETCHED } from "../decision/inputs/fetched.ts"
import type { EarlierDelivery } from "../decision/state/freshness.ts"
import { getOwn } from "../decision/state/get-own.ts"
import { digest } from "../digest.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { stateOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import type { Heads } from "./heads.ts"
import { type RunResult, resultOf } from "./result.ts"
import type { RunTask } from "./task.ts"

/** How far back a request's first delivery is looked for: days of entries, since repeated holds are not written. */
const RECENT_ENTRIES = 200

/**
 * The answer to a signal that led to an `opened` entry of another run: that run's plan, outcome and entry, under a decision
 * that says `duplicate`. Writes nothing. null where the signal opened nothing so far: then it is decided.
 */
export async function firstDeliveryResult(
  ports: Ports,
  task: RunTask,
  { head, control }: Heads,
): Promise<RunResult | null> {
  const standing = stateOf(head)
  const first = getOwn(standing.signals, task.signal.id)
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
    state: standing,
    control,
    cloudSkewMs: null,
    supernode: NOT_FETCHED,
    readings: NOT_FETCHED,
    offers: NOT_FETCHED,
  }
  const decision = decideAndExplain({ ...facts, ...seen }, digest)
  const entries = await entriesOf(ports, task.stream, {
    fromSeq: first.seq,
    toSeq: first.seq + 20,
    isOne: (entry) => entry.run === first.run,
  })
  const last = entries.at(-1) ?? null
  const outcome = entries.findLast((entry) => entry.outcome)?.outcome ?? null
  const plan = entries.findLast((entry) => entry.plan)?.plan ?? null
  return resultOf({ supernode: policy.name, mode: task.mode, decision, plan, outcome, entry: last })
}

/**
 * When a person's live request first came, where all its deliveries only held: every decision on it is an entry, so the
 * state need not remember it. undefined where this is the first one.
 */
export async function firstDelivery(
  ports: Ports,
  { signal, stream, mode }: RunTask,
  head: LedgerEntry | undefined,
): Promise<EarlierDelivery | undefined> {
  if (signal.kind !== "request" || mode === "dry-run" || !head) return undefined
  const isOne = ({ kind, signal: other }: LedgerEntry) => kind === "decided" && other?.id === signal.id
  const fromSeq = Math.max(1, head.seq - RECENT_ENTRIES)
  const [first] = await entriesOf(ports, stream, { fromSeq, toSeq: head.seq, isOne })
  if (!first) return undefined
  const failed = first.decision?.findings.filter(({ passed }) => passed === false) ?? []
  const forApprovalOnly = failed.length > 0 && failed.every(({ reason }) => reason === "approval-needed")
  return { at: first.at, forApprovalOnly }
}

interface EntrySearch {
  fromSeq: number
  toSeq: number
  isOne(entry: LedgerEntry): boolean
}

export async function entriesOf(
  ports: Pick<Ports, "ledger">,
  stream: string,
  { fromSeq, toSeq, isOne }: EntrySearch,
): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const entry of ports.ledger.read(stream, { fromSeq, toSeq }))
    if (isOne(entry)) entries.push(entry)
  return entries
}
