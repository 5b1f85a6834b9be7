import { type Anchor, AnchoredHead, type AnchorProblem, ledgerIdIn } from "./anchor.ts"
import { CrossCheck, type CrossProblem } from "./cross-check.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "./next-entry.ts"
import { parseEntry } from "./parse-entry.ts"
import type { LedgerStore } from "./store.ts"
import { type Verification, verifyStream } from "./verify.ts"

export interface LedgerVerification {
  ok: boolean
  streams: ({ stream: string } & Verification)[]
  /** Contradictions between streams. */
  across: CrossProblem[]
  /** Parts of the anchor that the ledger does not contain; empty without an anchor. */
  anchor: AnchorProblem[]
}

/**
 * Checks every stream, the streams against each other, and the ledger against an anchor. Reads each entry
 * once and keeps none. Other processes may append meanwhile. Throws only if the store cannot be read.
 */
export async function verifyLedger(
  store: Pick<LedgerStore, "read" | "streams">,
  anchor: Anchor | null = null,
): Promise<LedgerVerification> {
  const cross = new CrossCheck()
  const heads = new Map(
    Object.entries(anchor?.heads ?? {}).map(([name, link]) => [name, new AnchoredHead(link)]),
  )
  const verdicts = new Map<string, Verification>()
  let ledger: string | null = null
  const read = async (stream: string): Promise<void> => {
    const head = heads.get(stream)
    const verdict = await verifyStream(store, stream, (entry) => {
      cross.see(entry)
      head?.see(entry)
      if (stream === CONTROL_STREAM) ledger = ledgerIdIn(entry)
    })
    verdicts.set(stream, verdict)
  }
  // `fleet` refers only to entries that the supernodes' chains already hold, so it is read before them.
  await read(CONTROL_STREAM)
  await read(FLEET_STREAM)
  const named: string[] = []
  for await (const stream of store.streams()) named.push(stream)
  for (const stream of named.sort()) if (!verdicts.has(stream)) await read(stream)
  for (const stream of [CONTROL_STREAM, FLEET_STREAM])
    await seeAppended(store, { stream, verdict: verdicts.get(stream), cross })

  // A stream that does not exist counts as whole and empty.
  const across = cross.problems((stream) => verdicts.get(stream)?.ok ?? true)
  const anchored = anchor ? anchorProblems(anchor, { heads, ledger }) : []
  const present = new Set(named)
  const streams = [...verdicts]
    .filter(([stream]) => present.has(stream))
    .map(([stream, verdict]) => ({ stream, ...verdict }))
    .sort((a, b) => (a.stream < b.stream ? -1 : 1))
  const ok = streams.every((verdict) => verdict.ok) && across.length === 0 && anchored.length === 0
  return { ok, streams, across, anchor: anchored }
}

/** Passes on the entries that were appended since a stream was read. The next verification checks them. */
async function seeAppended(
  store: Pick<LedgerStore, "read">,
  { stream, verdict, cross }: { stream: string; verdict: Verification | undefined; cross: CrossCheck },
): Promise<void> {
  if (!verdict?.ok) return
  for await (const raw of store.read(stream, { fromSeq: verdict.entries + 1 })) {
    const parsed = parseEntry(stream, raw)
    if (!parsed.ok) return
    cross.seeAppended(parsed.entry)
  }
}

function anchorProblems(
  anchor: Anchor,
  { heads, ledger }: { heads: Map<string, AnchoredHead>; ledger: string | null },
): AnchorProblem[] {
  const problems: AnchorProblem[] = []
  if (anchor.ledger !== null && anchor.ledger !== ledger) {
    const found = ledger === null ? "has no id" : `has id ${ledger}`
    problems.push({
      stream: null,
      problem: `is not the anchored ledger: the anchor belongs to ${anchor.ledger}, this ledger ${found}`,
    })
  }
  for (const [stream, head] of heads) {
    const problem = head.problem()
    if (problem !== null) problems.push({ stream, problem })
  }
  return problems
}
