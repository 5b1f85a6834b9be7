import type { Approver } from "../policy/approvers.ts"
import { personKey } from "./approver.ts"
import type { Approval } from "./control.ts"

export interface ApprovalTime {
  /** The policy's `approval.expires`, milliseconds. */
  expires: number
  now: number
}

/** When an approval ends, epoch milliseconds: by the policy, and by the signed text where that is sooner. */
export function approvalEnd({ at, expires: signedEnd }: Approval, expires: number): number {
  return Math.min(at + expires, signedEnd ?? Number.POSITIVE_INFINITY)
}

/** The listed approver whose approval this is; null for other people, after its end, and without the signature that a key asks for. */
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
