import type { AuditedLedger } from "../ledger/open.ts"
import type { CredentialSource } from "./credentials.ts"
import { openLedgerOf } from "./ledger-of.ts"
import { type PolicySource, policySource } from "./policies.ts"
import type { Settings } from "./settings.ts"

/**
 * Reads the policy file and opens the ledger in parallel. If both fail, throws the policy's error. `keys`
 * defaults to a new source that is made from the settings. Throws PolicyError, LedgerError.
 */
export async function openPolicyAndLedger(
  settings: Settings,
  { now, keys }: { now(): number; keys?: CredentialSource },
): Promise<{ policies: PolicySource; ledger: AuditedLedger }> {
  const [read, opened] = await Promise.allSettled([
    policySource(settings.policyPath, now),
    openLedgerOf(settings, { now, ...(keys ? { keys } : {}) }),
  ])
  if (read.status === "fulfilled" && opened.status === "fulfilled")
    return { policies: read.value, ledger: opened.value }
  if (opened.status === "fulfilled") await opened.value.close().catch(() => undefined)
  throw read.status === "rejected" ? read.reason : (opened as PromiseRejectedResult).reason
}
