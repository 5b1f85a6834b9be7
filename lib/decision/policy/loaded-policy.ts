import type { Policy } from "./policy.ts"

/** Effective policy of one supernode, ready for a decision. */
export interface LoadedPolicy {
  policy: Policy
  /** `sha256:` and hex over the policy: decisions, approvals and arming refer to it. */
  hash: string
  /** base64 of the userdata whose digest is in the policy; null without. */
  userdata: string | null
  /** The only ledger that this policy may be used with (`ledger_id`); absent: any. Not part of the hash. */
  ledgerId?: string
}
