import type { Approver } from "../../../lib/decision/policy/approvers.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { OperatorCommand } from "../../../lib/decision/state/control.ts"
import type { Task } from "../context.ts"
import { CommandError } from "../errors.ts"
import type { KnownPlan } from "../state/plans.ts"
import type { SignatureOptions } from "./options.ts"
import { refuseSignature, signatureOf } from "./signature.ts"

export interface Approving {
  approver: Approver | null
  known: KnownPlan | undefined
  policy: Policy | undefined
  hash: string
  options: SignatureOptions & { by: string }
  /** Id of the ledger. */
  ledger: string
}

/**
 * Returns the approval, signed if the policy lists a key for the approver. Throws CommandError if that
 * signature is missing or invalid.
 */
export async function approvalOf(
  task: Task,
  { approver, known, policy, hash, options, ledger }: Approving,
): Promise<Extract<OperatorCommand, { verb: "approve" }>> {
  const { by } = options
  if (approver?.key === undefined) {
    refuseSignature({ by, options })
    return { verb: "approve", planHash: hash, by }
  }
  const ends = signableEnds({ known, policy, now: task.now })
  const holder = { name: approver.name, key: approver.key }
  const { statement, signature } = await signatureOf(task, holder, {
    by,
    command: "approve",
    options,
    statements: (name) =>
      ends.map((expires) => ({
        kind: "approval" as const,
        ledger,
        planHash: hash,
        expires,
        approver: name,
      })),
  })
  return { verb: "approve", planHash: hash, by: approver.name, expires: statement.expires, signature }
}

/**
 * Possible ends of an approval that is signed now: the time of each recorded hold plus `approval.expires`.
 * The text to sign is then the same on every machine. Newest first, epoch milliseconds. Throws CommandError
 * if there is none.
 */
function signableEnds({
  known,
  policy,
  now,
}: Pick<Approving, "known" | "policy"> & { now: number }): number[] {
  const rule = policy?.approval
  if (!rule)
    throw new CommandError(
      "the ledger does not list this plan as waiting for approval, so there is no text to sign; nothing was recorded. A plan that an operator requests is recorded once its live request was sent",
    )
  const ends = (known?.heldAt ?? []).map((at) => at + rule.expires).filter((end) => end > now)
  if (ends.length > 0) return [...new Set(ends)]
  throw new CommandError(
    `no recent run recorded that this plan waits for approval, so there is no text to sign; nothing was recorded. The plan was bought or changed, or its text expired (approval.expires). The next tick records the plan of an automatic run again. A plan that an operator requests needs another live request`,
  )
}
