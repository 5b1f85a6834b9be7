import type { Policy } from "../decision/policy/policy.ts"
import { getOwn } from "../decision/state/get-own.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import type { Ledger } from "../ports.ts"
import type { LedgerEntry } from "./entry.ts"

/** Seq of the entry that holds this entry's policy; null if it names no policy or if no entry holds it. */
export function policySeq({ seq, policyHash, policy, situation, standing }: LedgerEntry): number | null {
  if (policyHash === undefined) return null
  if (policy ?? situation?.policy) return seq
  return getOwn((standing as SupernodeState).policies ?? {}, policyHash) ?? null
}

/** Policy of an entry, from the entry of its chain at `policySeq`; null if none. Throws LedgerError. */
export async function policyOf(ledger: Pick<Ledger, "read">, entry: LedgerEntry): Promise<Policy | null> {
  const seq = policySeq(entry)
  if (seq === null) return null
  if (seq === entry.seq) return entry.policy ?? entry.situation?.policy ?? null
  for await (const { policy, policyHash } of ledger.read(entry.stream, { fromSeq: seq, toSeq: seq }))
    if (policyHash === entry.policyHash) return policy ?? null
  return null
}
