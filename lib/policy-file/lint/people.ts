import { sayDuration } from "../../decision/policy/amounts.ts"
import type { Policy } from "../../decision/policy/policy.ts"
import type { LintFinding } from "./finding.ts"

/** Three ticks: enough to notice the notification, to approve, and for a tick to buy. */
const SOON_MS = 15 * 60_000
const LONG_MS = 7 * 86_400_000

/** Warns about approvals that cannot work as intended. */
export function lintPeople({ approval, approvers, armAfterMs }: Policy): LintFinding[] {
  const found: LintFinding[] = []
  if (approval && approval.approvers === approvers.length) {
    const message = `needs ${approval.approvers} of the ${approvers.length} approvers: a purchase that one of them requests can never be approved`
    found.push({ id: "few-approvers", path: ["approval", "approvers"], message })
  }
  if (approval && approval.expires < SOON_MS) {
    const message = `is ${sayDuration(approval.expires)}: an approval may expire before the next tick can use it`
    found.push({ id: "approval-expires-soon", path: ["approval", "expires"], message })
  }
  if (armAfterMs > LONG_MS) {
    const message = `is ${sayDuration(armAfterMs)}: after every change of the policy no purchase is made for that long`
    found.push({ id: "long-unarmed", path: ["arm_after"], message })
  }
  return found
}

/** Warns about the file's list of approvers as a whole. */
export function lintApprovers(policies: readonly Policy[]): LintFinding[] {
  const approvers = policies[0]?.approvers ?? []
  if (approvers.length === 0) return []
  const claims = approvers.filter(({ key }) => key === undefined).map(({ name }) => name)
  if (claims.length === approvers.length && !policies.some(({ approval }) => approval !== null)) {
    return [
      { id: "unused-approvers", path: ["approvers"], message: "has no use: no supernode has `approval`" },
    ]
  }
  if (claims.length === 0) return []
  const who = claims.length === approvers.length ? "has no keys" : `has no key for ${claims.join(", ")}`
  const message = `${who}: anyone who can run \`approve\` can use such a name, so only the cloud's access control limits who approves. Add each person's SSH public key`
  return [{ id: "approvers-without-keys", path: ["approvers"], message }]
}
