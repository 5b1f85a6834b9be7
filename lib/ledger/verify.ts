import { digest } from "../digest.ts"
import { type LedgerEntry, MAX_ENTRY_BYTES } from "./entry.ts"
import { parseEntry } from "./parse-entry.ts"
import { stateBeforeFirst, stateProblem } from "./refold.ts"
import type { LedgerStore, RawEntry } from "./store.ts"

/**
 * `head` is the newest entry's hash, or null for an empty chain. `notFolded` counts entries of `v: 1`, whose
 * state was not folded again; absent if there are none.
 */
export type Verification = { ok: true; entries: number; head: string | null; notFolded?: number } | BadEntry

/** First entry that is wrong or missing. `problem` continues the sentence "entry #seq …". */
export interface BadEntry {
  ok: false
  seq: number
  problem: string
}

/** End of a chain: the entry that the next entry must follow. */
export interface Link {
  seq: number
  hash: string
}

/** Link that the first entry follows. */
export const CHAIN_START: Link = { seq: 0, hash: "" }

/** Reason why `next` does not directly follow `before`; null if it does. */
export function linkProblem(before: Link, next: { seq: number; prev: string }): string | null {
  if (next.seq <= before.seq) return `comes after #${before.seq}: the chain forks here`
  if (next.seq > before.seq + 1) return `follows #${before.seq}: there is a gap before it`
  if (next.prev === before.hash) return null
  return before.seq === 0
    ? "is the first entry but has a prev hash"
    : `has prev ${JSON.stringify(next.prev)}, but the hash of the entry before it is ${before.hash}`
}

/** Receives each good entry, in order. */
export type OnGoodEntry = (entry: LedgerEntry) => void

/**
 * Checks one stream of a store from its first entry, up to the first bad one: form, size, hash, link, policy
 * reference and state, which is folded again. Throws only if the store cannot be read.
 */
export async function verifyStream(
  store: Pick<LedgerStore, "read">,
  stream: string,
  onGoodEntry?: OnGoodEntry,
): Promise<Verification> {
  const chain = new ChainVerifier(stream)
  // The read starts below 1, so that an entry with such a seq is reported and not skipped.
  for await (const raw of store.read(stream, { fromSeq: Number.MIN_SAFE_INTEGER })) {
    const step = chain.next(raw)
    if (!step.ok) return step
    onGoodEntry?.(step.entry)
  }
  return chain.verdict()
}

type Step = { ok: true; entry: LedgerEntry } | BadEntry

/** Verifies one chain, entry by entry. Keeps the newest state and the policies' hashes, but no entries. */
class ChainVerifier {
  readonly #stream: string
  #before = CHAIN_START
  #state: LedgerEntry["standing"]
  #notFolded = 0
  #version: LedgerEntry["v"] = 1
  readonly #policies = new Set<string>()

  constructor(stream: string) {
    this.#stream = stream
    this.#state = stateBeforeFirst(stream)
  }

  next(raw: RawEntry): Step {
    // Reports the missing entry itself, because the entry after the gap may be intact.
    if (raw.seq > this.#before.seq + 1) {
      const problem = `is missing; the next stored entry is #${raw.seq}`
      return { ok: false, seq: this.#before.seq + 1, problem }
    }
    const bad = (problem: string): BadEntry => ({ ok: false, seq: raw.seq, problem })
    if (raw.seq < 1) return bad("has a seq below 1; a chain begins at 1")
    const bytes = Buffer.byteLength(raw.text)
    if (bytes > MAX_ENTRY_BYTES) return bad(`has ${bytes} bytes; the maximum is ${MAX_ENTRY_BYTES}`)
    const parsed = parseEntry(this.#stream, raw)
    if (!parsed.ok) return bad(parsed.problem)
    const { entry } = parsed
    const problem =
      linkProblem(this.#before, entry) ??
      this.#versionProblem(entry) ??
      stateProblem(this.#state, entry) ??
      this.#policyProblem(entry)
    if (problem !== null) return bad(problem)
    this.#version = entry.v
    this.#before = { seq: entry.seq, hash: entry.hash }
    this.#state = entry.standing
    if (entry.v === 1) this.#notFolded += 1
    return { ok: true, entry }
  }

  verdict(): Verification {
    const { seq, hash } = this.#before
    const notFolded = this.#notFolded > 0 ? { notFolded: this.#notFolded } : {}
    return { ok: true, entries: seq, head: seq === 0 ? null : hash, ...notFolded }
  }

  /** No program writes an older version after a newer one. Such an entry would not be folded again. */
  #versionProblem({ v }: LedgerEntry): string | null {
    return v < this.#version ? `has version ${v}, but the entry before it has version ${this.#version}` : null
  }

  /**
   * The policy that an entry of `v: 2` names must be in this entry or an earlier one of the chain. A policy
   * in an entry must fit its hash.
   */
  #policyProblem({ v, policyHash, policy, situation }: LedgerEntry): string | null {
    const held = policy ?? situation?.policy
    if (held !== undefined) {
      if (policyHash === undefined || digest(held) !== policyHash)
        return `contains a policy that does not match its hash ${policyHash ?? "(none)"}`
      this.#policies.add(policyHash)
    }
    if (v === 1 || policyHash === undefined || this.#policies.has(policyHash)) return null
    return `refers to policy ${JSON.stringify(policyHash)}, which no entry up to this one contains`
  }
}
