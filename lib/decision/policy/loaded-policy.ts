import type { Policy } from "./policy.ts"

/** One supernode's effective policy, ready to decide by. */
export interface LoadedPolicy {
  policy: Policy
  /** `sha256:` and hex over the policy: what decisions, approvals and arming are pinned to. */
  hash: string
  /** base64 of the userdata whose digest stands in the policy; null without. */
  userdata: string | null
  /** The only ledger that this policy may be used with (`ledger_id`); absent: any. Not part of the hash. */
  ledgerId?: string
}
