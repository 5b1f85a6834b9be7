import type { Approver } from "../policy/approvers.ts"
import { personKey } from "./approver.ts"
import type { Approval } from "./control.ts"

export interface ApprovalTime {
  /** The policy's `approval.expires`, milliseconds. */
  expires: number
  now: number
}

/** End of an approval, epoch milliseconds: by the policy, or by the signed text if that is sooner. */
export function approvalEnd({ at, expires: signedEnd }: Approval, expires: number): number {
  return Math.min(at + expires, signedEnd ?? Number.POSITIVE_INFINITY)
}

/**
 * The listed approver of this approval; null for other people, for an expired approval, and without the
 * signature that a key requires.
 */
export function approverOf(
  approval: Approval,
  approvers: readonly Approver[],
  { expires, now }: ApprovalTime,
): Approver | null {
  const key = personKey(approval.by)
  const approver = approvers.find(({ name }) => personKey(name) === key)
  if (!approver || approvalEnd(approval, expires) <= now) return null
  return approver.key === undefined || approval.isSigned === true ? approver : null
}
