import { approversWithKeys } from "../decision/policy/approver-keys.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { personKey } from "../decision/state/approver.ts"
import type { Approval, Control } from "../decision/state/control.ts"
import { SIGNATURE_NAMESPACE, signedText } from "../decision/state/signed-text.ts"
import { isSignedBy } from "../ssh-signature/verify.ts"

type Approvers = Pick<Policy, "approval" | "approvers">

/**
 * The state of stream `control`, with each signature replaced by `isSigned`: the result of its verification with the keys of this
 * policy. So `decide` stays pure, and the entry of the decision holds the results that it used.
 */
export function withCheckedSignatures(control: Control, policy: Approvers): Control {
  const ledger = control.ledger?.id ?? null
  const approvals = control.approvals.map(({ planHash, by, at, expires, signature }): Approval => {
    const bare = { planHash, by, at }
    if (!signature || expires === undefined) return bare
    return { ...bare, expires, isSigned: isSigned({ planHash, by, expires, signature }, ledger, policy) }
  })
  return { ...control, approvals }
}

type SignedApproval = Pick<Required<Approval>, "planHash" | "by" | "expires" | "signature">

function isSigned(
  { planHash, by, expires, signature }: SignedApproval,
  ledger: string | null,
  { approval, approvers }: Approvers,
): boolean {
  if (!approval || ledger === null) return false
  // `isoTime` would throw for a time outside the range of a date. This program never writes one.
  if (Number.isNaN(new Date(expires).getTime())) return false
  const approver = approversWithKeys(approvers).find(({ name }) => personKey(name) === personKey(by))
  if (!approver) return false
  const text = signedText({ kind: "approval", ledger, planHash, expires, approver: approver.name })
  return isSignedBy({ text, namespace: SIGNATURE_NAMESPACE, key: approver.key, signature })
}
