import type { Policy } from "./policy.ts"

/** Effective policy of one supernode, ready for a decision. */
export interface LoadedPolicy {
  policy: Policy
  /** SHA-256 of the policy, as `sha256:` and hex digits. Decisions and arming refer to it. */
  hash: string
  /** Base64 of the userdata whose digest is in the policy; `null` if the policy has none. */
  userdata: string | null
  /** The only ledger that this policy allows (`ledger_id`); absent if any is allowed. Not in the hash. */
  ledgerId?: string
}
