import type { AuditedLedger } from "../ledger/open.ts"
import type { CredentialSource } from "./credentials.ts"
import { openLedgerOf } from "./ledger-of.ts"
import { type PolicySource, policySource } from "./policies.ts"
import type { Settings } from "./settings.ts"

/**
 * The policy and the ledger are read side by side. If both fail, the policy's error is the one that is reported. `keys`: where
 * the app has a source of keys already. Throws PolicyError, LedgerError.
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
