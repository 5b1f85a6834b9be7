import { type Telling, tellingDue } from "../decision/explain/pending-action.ts"
import type { Observation } from "../decision/state/observation.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { nextEntry, standingOf } from "../ledger/next-entry.ts"
import type { Delivery, Notice, Notifier, Ports } from "../ports.ts"
import type { RunResult } from "./result.ts"
import type { RunTask } from "./task.ts"

// Telling people what waits for them: after the run, when all that it did is written, and never a reason for it to fail.

/** A run that is over. */
export interface Ended {
  result: RunResult
  /** The chain's newest entry, and the time, as the run left them; null where it may tell nobody: a dry run, a repeated signal. */
  left: { head: LedgerEntry | undefined; at: number } | null
}

const MOST_WAIT_MS = 5_000
/** Kept for each write to the ledger: the claim before, and the failure after. */
const LEDGER_WRITE_MS = 5_000
const MOST_TRIES = 3

/**
 * Tells at most hourly what lasts. That it is told is appended first: of many workers who notice the same, the one whose
 * append wins tells, and a worker that dies in between has told nobody for this hour. Never throws.
 */
export async function tell(ports: Ports, task: RunTask, { result, left }: Ended): Promise<void> {
  const { notify } = ports
  if (!notify || !left) return
  try {
    const claim = await claimTelling(ports, task, { result, ...left })
    const delivery = claim && (await deliver(ports, notify, claim.notice))
    if (claim && delivery && !delivery.ok) await noteFailure(ports, task, { ...claim, why: delivery.why })
  } catch {
    // The run is over and written. What the ledger did not take now, the next tick finds still waiting.
  }
}

interface After {
  result: RunResult
  head: LedgerEntry | undefined
  at: number
}

interface Claim {
  /** The entry that says so. */
  head: LedgerEntry
  notice: Notice
}

/** Appends that we are telling; null where nothing is due, another worker tells, or too little time is left. */
async function claimTelling(ports: Ports, task: RunTask, after: After): Promise<Claim | null> {
  const { mode, supernode, decision, plan = null } = after.result
  let { head } = after
  for (let tries = 0; head && tries < MOST_TRIES; tries++) {
    const standing = standingOf(head)
    const now = Math.max(after.at, head.at)
    const telling = tellingDue({ name: supernode, standing, decision, plan, now })
    if (!telling || ports.timeLeftMs() <= 2 * LEDGER_WRITE_MS) return null
    const { state, about, says } = telling
    const stated = standing.told?.[about]?.entry ?? statementIn(head, telling)
    const claim = observed(ports, task, head, {
      mode,
      observation: {
        ...aboutPeople(now),
        kind: "telling",
        says: `${state}: ${says}`,
        telling: { about, entry: stated },
      },
    })
    if ((await ports.ledger.append(claim)) === "appended") {
      const { seq, hash } = stated ?? claim
      return {
        head: claim,
        notice: { ...telling, supernode, mode, entry: { stream: task.stream, seq, hash } },
      }
    }
    head = await ports.ledger.head(task.stream)
  }
  return null
}

/** Every entry's standing states what became of an attempt; a plan stands only in the decision for it. */
function statementIn(
  { seq, hash, plan }: LedgerEntry,
  { planHash }: Telling,
): { seq: number; hash: string } | null {
  return planHash === null || plan?.hash === planHash ? { seq, hash } : null
}

async function deliver(ports: Ports, notify: Notifier, notice: Notice): Promise<Delivery> {
  const timeoutMs = Math.min(MOST_WAIT_MS, ports.timeLeftMs() - LEDGER_WRITE_MS)
  if (timeoutMs <= 0) return { ok: false, why: "too little time was left in the function" }
  // What a notifier throws in breach of its promise may hold the address, so its words are not kept.
  return notify.tell(notice, timeoutMs).catch(() => ({ ok: false, why: "the notifier itself failed" }))
}

async function noteFailure(ports: Ports, task: RunTask, failed: Claim & { why: string }): Promise<void> {
  const { mode, state } = failed.notice
  let { head }: { head: LedgerEntry | undefined } = failed
  const says = `nobody was told of ${state}: ${failed.why}`
  for (let tries = 0; head && tries < MOST_TRIES; tries++) {
    const { at } = head
    const note = observed(ports, task, head, {
      mode,
      observation: { ...aboutPeople(at), kind: "not-told", says },
    })
    if ((await ports.ledger.append(note)) === "appended") return
    head = await ports.ledger.head(task.stream)
  }
}

/** It changes nothing about an attempt or a server, so it names none. */
function aboutPeople(at: number): Omit<Observation, "kind" | "says"> {
  return { attempt: null, servers: [], present: null, at }
}

/** An entry of its own run: a repeated signal is answered with what the first one came to, not with who was told. */
function observed(
  ports: Ports,
  { stream, signal }: RunTask,
  head: LedgerEntry | undefined,
  news: Pick<LedgerEntry, "mode"> & { observation: Observation },
): LedgerEntry {
  const { at } = news.observation
  return nextEntry(stream, head, {
    ...news,
    at,
    run: ports.newId(),
    writer: ports.newId(),
    kind: "observed",
    signal,
  })
}
