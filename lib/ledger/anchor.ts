import * as z from "zod"
import type { Control } from "../decision/state/control.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { LedgerEntry } from "./entry.ts"
import { CONTROL_STREAM } from "./next-entry.ts"
import type { Link } from "./verify.ts"

const hash = () => z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits")

/** Newest entry of each stream at time `at` (epoch milliseconds), to be kept outside the ledger's store. */
const anchorSchema = onFirstUse(() =>
  z.strictObject({
    v: z.literal(1),
    /** Id of the ledger; null if it had none yet. */
    ledger: z.string().nullable(),
    at: z.number(),
    heads: z.record(z.string(), z.strictObject({ seq: z.int().min(1), hash: hash() })),
  }),
)

export type Anchor = z.infer<ReturnType<typeof anchorSchema>>

/** Part of an anchor that the ledger does not contain. `stream` is null if it concerns the whole ledger. */
export interface AnchorProblem {
  stream: string | null
  problem: string
}

export type ParsedAnchor = { ok: true; anchor: Anchor } | { ok: false; problems: string[] }

/** Parses the text of an anchor file. Reports all problems together. */
export function parseAnchor(text: string): ParsedAnchor {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { ok: false, problems: [`is not JSON: ${error instanceof Error ? error.message : String(error)}`] }
  }
  const parsed = anchorSchema().safeParse(value)
  if (parsed.success) return { ok: true, anchor: parsed.data }
  return {
    ok: false,
    problems: parsed.error.issues.map(({ path, message }) => [...path, message].join(": ")),
  }
}

export function anchorOf(heads: readonly LedgerEntry[], at: number): Anchor {
  const control = heads.find(({ stream }) => stream === CONTROL_STREAM)
  return {
    v: 1,
    ledger: control ? ledgerIdIn(control) : null,
    at,
    heads: Object.fromEntries(heads.map((head) => [head.stream, { seq: head.seq, hash: head.hash }])),
  }
}

/** Ledger id in the state of a `control` entry; null if the ledger has none. */
export function ledgerIdIn({ standing }: LedgerEntry): string | null {
  return (standing as Control).ledger?.id ?? null
}

/** Compares the entries of one chain, in order, with its anchored head. Does not keep the entries. */
export class AnchoredHead {
  readonly #anchoredHead: Link
  #newestSeq = 0
  #found: string | null = null

  constructor(anchoredHead: Link) {
    this.#anchoredHead = anchoredHead
  }

  see({ seq, hash: seen }: LedgerEntry): void {
    this.#newestSeq = seq
    if (seq === this.#anchoredHead.seq) this.#found = seen
  }

  problem(): string | null {
    const { seq, hash } = this.#anchoredHead
    if (this.#found === hash) return null
    const name = `does not contain its anchored head #${seq} ${hash}`
    if (this.#found !== null) return `${name}: that entry is ${this.#found}`
    return this.#newestSeq === 0
      ? `${name}: it has no good entries`
      : `${name}: its last good entry is #${this.#newestSeq}`
  }
}
