// The texts that approvers sign: docs/approvals.md. Each text can be used once, since it names something that
// ends with the command.

/**
 * Namespace of the signatures (`ssh-keygen -Y sign -n`), so that a signature for another purpose does not
 * count.
 */
export const SIGNATURE_NAMESPACE = "supernode-autoscaler"

/** Content of one signed text. `ledger` is the ledger's id, `approver` the name in the policy's spelling. */
export type SignedStatement = { ledger: string; approver: string } & (
  | { kind: "approval"; planHash: string /** Epoch milliseconds. */; expires: number }
  | { kind: "settle"; supernode: string; attempt: string }
  | { kind: "reset"; supernode: string /** `sha256:` over the state that the reset clears. */; state: string }
  | {
      kind: "ledger-confirm"
      supernode: string /** Time at which `ledger restored` was recorded, epoch milliseconds. */
      restored: number
    }
)

/** The exact text, a line feed after each line. */
export function signedText(statement: SignedStatement): string {
  const { kind, ledger, approver } = statement
  const lines = [
    `supernode-autoscaler ${kind} v1`,
    `ledger: ${ledger}`,
    ...aboutLines(statement),
    `approver: ${approver}`,
  ]
  return lines.map((line) => `${line}\n`).join("")
}

function aboutLines(statement: SignedStatement): string[] {
  switch (statement.kind) {
    case "approval":
      return [`plan: ${statement.planHash}`, `expires: ${isoTime(statement.expires)}`]
    case "settle":
      return [`supernode: ${statement.supernode}`, `attempt: ${statement.attempt}`, "as: absent"]
    case "reset":
      return [`supernode: ${statement.supernode}`, `state: ${statement.state}`]
    case "ledger-confirm":
      return [`supernode: ${statement.supernode}`, `restored: ${isoTime(statement.restored)}`]
    default:
      return statement satisfies never
  }
}

/** ISO 8601, UTC, with milliseconds. */
function isoTime(at: number): string {
  return new Date(at).toISOString()
}
