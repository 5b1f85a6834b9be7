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

/** Maximum age of a request's first delivery. The state keeps a request that led to an attempt equally long. */
const LOOK_BACK_MS = 7 * 86_400_000
/** Entries per read. One read is nearly always enough, since repeated holds are not recorded. */
const PAGE_ENTRIES = 200
/** Maximum number of reads. Only a faulty writer appends more entries within LOOK_BACK_MS; the older ones are then not searched. */
const MAX_PAGES = 25

/**
 * The result of a signal that is delivered again after it led to a purchase attempt; null for any other signal. It repeats the first
 * run's plan, outcome and entry, with a hold for the reason `duplicate`. Appends nothing.
 */
export async function firstDeliveryResult(
  ports: Ports,
  task: RunTask,
  { head, control }: Heads,
): Promise<RunResult | null> {
  const state = stateOf(head)
  const first = getOwn(state.signals, task.signal.id)
  // A dry run shows all gates, so the gate signal-is-new gives the reason `duplicate`.
  if (!first || first.run === task.run || task.mode === "dry-run") return null
  const { policy, hash } = task.loaded
  const now = ports.clock.now()
  const fixed = {
    signal: task.signal,
    exclusive: task.exclusive,
    policy,
    policyHash: hash,
    endpoint: task.endpoint,
    run: task.run,
    now,
  }
  const fetched = {
    headAt: head?.at ?? null,
    state,
    control,
    cloudSkewMs: null,
    supernode: NOT_FETCHED,
    readings: NOT_FETCHED,
    offers: NOT_FETCHED,
  }
  const decision = decideAndExplain({ ...fixed, ...fetched }, digest)
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
 * The first delivery of a person's live request, if all deliveries were held so far; undefined if this is the first one. It is
 * found among the entries, since each decision about a request is recorded.
 */
export async function readFirstDelivery(
  ports: Pick<Ports, "ledger">,
  { signal, mode }: RunTask,
  head: LedgerEntry | undefined,
): Promise<EarlierDelivery | undefined> {
  if (signal.kind !== "request" || mode === "dry-run" || !head) return undefined
  const first = await earliest(
    ports,
    head,
    ({ kind, signal: one }) => kind === "decided" && one?.id === signal.id,
  )
  if (!first) return undefined
  const failed = first.decision?.findings.filter(({ passed }) => passed === false) ?? []
  const forApprovalOnly = failed.length > 0 && failed.every(({ reason }) => reason === "approval-needed")
  return { at: first.at, forApprovalOnly }
}

/** The first matching entry within LOOK_BACK_MS before `head`. The limit is a time, so that many entries do not shorten it. */
async function earliest(
  ports: Pick<Ports, "ledger">,
  head: LedgerEntry,
  isOne: EntrySearch["isOne"],
): Promise<LedgerEntry | undefined> {
  let first: LedgerEntry | undefined
  let toSeq = head.seq
  for (let pages = 0; toSeq >= 1 && pages < MAX_PAGES; pages++) {
    const fromSeq = Math.max(1, toSeq - PAGE_ENTRIES + 1)
    const page = await entriesOf(ports, head.stream, { fromSeq, toSeq, isOne: () => true })
    first = page.find(isOne) ?? first
    if ((page[0]?.at ?? 0) < head.at - LOOK_BACK_MS) break
    toSeq = fromSeq - 1
  }
  return first
}

interface EntrySearch {
  fromSeq: number
  toSeq: number
  isOne(entry: LedgerEntry): boolean
  /** Reading ends with the first entry for which this is true. If absent, all entries are read. */
  isLast?(entry: LedgerEntry): boolean
}

/** Reads the matching entries of a stream, in order. */
export async function entriesOf(
  ports: Pick<Ports, "ledger">,
  stream: string,
  { fromSeq, toSeq, isOne, isLast }: EntrySearch,
): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = []
  for await (const entry of ports.ledger.read(stream, { fromSeq, toSeq })) {
    if (isOne(entry)) entries.push(entry)
    if (isLast?.(entry)) break
  }
  return entries
}
