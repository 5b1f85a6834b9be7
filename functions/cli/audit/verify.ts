import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { Anchor, AnchorProblem } from "../../../lib/ledger/anchor.ts"
import type { AuditedLedger, LedgerVerification, Verification } from "../../../lib/ledger/open.ts"
import { type Task, withLedger } from "../context.ts"
import { CommandError } from "../errors.ts"
import { requireAnyLedger } from "../known-ledger.ts"
import { instantOf } from "../print/time.ts"
import { type PolicyAtHand, policyAtHand } from "../state/in-flight.ts"
import { readAnchor } from "./anchor.ts"
import { streamName, streamOf } from "./streams.ts"

interface Verifying {
  /** A stream or a supernode; `undefined` means all streams. */
  name: string | undefined
  anchorFile: string | undefined
}

/** Verifies every entry of one stream, or of all. Exits 1 if anything is wrong. */
export async function verifyLedger(task: Task, { name, anchorFile }: Verifying): Promise<void> {
  const { screen, options } = task
  if (name !== undefined && anchorFile !== undefined)
    throw new CommandError("--anchor applies to the whole ledger; leave NAME out")
  const anchor = anchorFile === undefined ? null : await readAnchor(anchorFile, task.io)
  await withLedger(task, async (ledger, settings) => {
    await requireAnyLedger(ledger, settings)
    const found =
      name === undefined
        ? await ledger.verifyAll(anchor)
        : await verifyOne(ledger, await streamOf(settings.policyPath, name))
    const policy = await policyAtHand(task, settings)
    if (options.json) screen.json(jsonOf(found, anchor))
    else screen.say(...linesOf(found, { ...policy, anchor }))
    if (!found.ok) task.fail()
  })
}

async function verifyOne(ledger: AuditedLedger, stream: string): Promise<LedgerVerification> {
  const verdict = await ledger.verify(stream)
  return { ok: verdict.ok, streams: [{ stream, ...verdict }], across: [], anchor: [] }
}

function jsonOf(
  { ok, streams, across, anchor: problems }: LedgerVerification,
  anchor: Anchor | null,
): object {
  const counts = streams.map((verdict) => (verdict.ok ? { notFolded: 0, ...verdict } : verdict))
  const compared = anchor && { ledger: anchor.ledger, at: anchor.at, problems }
  return { ok, streams: counts, across, anchor: compared }
}

function linesOf(
  { ok, streams, across, anchor: problems }: LedgerVerification,
  { names, zone, anchor }: PolicyAtHand & { anchor: Anchor | null },
): string[] {
  const isAllGood = anchor && problems.length === 0
  return [
    ...streams.map((verdict) => sayVerdict(streamName(verdict.stream, names), verdict)),
    ...across.map(({ stream, seq, problem }) => `✗ ${streamName(stream, names)}: entry ${seq} ${problem}`),
    ...problems.map((problem) => sayAnchor(problem, names)),
    ...(isAllGood ? [`✓ anchor of ${instantOf(anchor.at, zone)}: the ledger contains every head`] : []),
    sayAll(streams, { ok, others: across.length + problems.length }),
  ]
}

function sayAnchor({ stream, problem }: AnchorProblem, names: Map<string, string>): string {
  return `✗ ${stream === null ? "the ledger" : streamName(stream, names)} ${problem}`
}

function sayAll(streams: readonly Verification[], { ok, others }: { ok: boolean; others: number }): string {
  if (streams.length === 0 && ok) return "nothing to verify: the ledger has no entries"
  if (ok) return `intact: ${counted(streams.length, "stream")}`
  const bad = streams.filter((verdict) => !verdict.ok).length
  const beyond = others > 0 ? `, and ${counted(others, "contradiction")}` : ""
  return `NOT INTACT: ${bad} of ${counted(streams.length, "stream")}${beyond}`
}

function sayVerdict(name: string, verdict: Verification): string {
  if (!verdict.ok) return `✗ ${name}: entry ${verdict.seq} ${verdict.problem}`
  const { entries, head, notFolded = 0 } = verdict
  const old = notFolded === 0 ? "" : `, the states of ${sayEntries(notFolded)} of version 1 were not checked`
  return `✓ ${name}: ${sayEntries(entries)}${head === null ? "" : `, newest ${head}`}${old}`
}

function sayEntries(count: number): string {
  return count === 1 ? "1 entry" : `${count} entries`
}
