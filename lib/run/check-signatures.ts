import { approversWithKeys } from "../decision/policy/approvers.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { personKey } from "../decision/state/approver.ts"
import type { Approval, Control } from "../decision/state/control.ts"
import { SIGNATURE_NAMESPACE, signedText } from "../decision/state/signed-text.ts"
import { isSignedBy } from "../ssh-signature/verify.ts"

/**
 * The state of stream `control` as a decision reads it: signatures of approvals are verified by the keys of this policy, and
 * the result takes their place. `decide` stays pure, and its entry holds what it decided by.
 */
export function withCheckedSignatures(
  control: Control,
  policy: Pick<Policy, "approval" | "approvers">,
): Control {
  const keys = new Map(approversWithKeys(policy.approvers).map((one) => [personKey(one.name), one]))
  const ledger = control.ledger?.id ?? null
  return {
    ...control,
    approvals: control.approvals.map(({ planHash, by, at, expires, signature }): Approval => {
      const bare = { planHash, by, at }
      if (!signature || expires === undefined) return bare
      const approver = keys.get(personKey(by))
      const isSigned =
        policy.approval !== null &&
        ledger !== null &&
        approver !== undefined &&
        isSignedBy({
          text: signedText({ kind: "approval", ledger, planHash, expires, approver: approver.name }),
          namespace: SIGNATURE_NAMESPACE,
          key: approver.key,
          signature,
        })
      return { ...bare, expires, isSigned }
    }),
  }
}
