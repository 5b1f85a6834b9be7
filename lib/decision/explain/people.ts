import { personKey } from "../state/approver.ts"
import { sayTime } from "../verdict.ts"
import type { Hint } from "./change.ts"
import type { HintInputs } from "./hint-maker.ts"
import { operatorCommand } from "./operator-command.ts"

export function shownAgain({ situation: { policy }, planOf }: HintInputs): Hint {
  return {
    says: `run: ${operatorCommand.dryRun(policy.name)}, and send a request with the planHash that it shows`,
    change: { kind: "person", verb: "dry-run", planHash: planOf()?.hash ?? null },
  }
}

/**
 * The approvals that are missing. If the policy lists too few people besides the requester, the hint is to
 * list more.
 */
export function approvedByMore({ situation, planOf, finding }: HintInputs): Hint | null {
  const plan = planOf()
  const { approval, approvers } = situation.policy
  const { approvedBy } = finding.facts
  // If this gate failed, all three are present.
  if (!approval || !plan || !Array.isArray(approvedBy)) return null
  const { signal, state, now } = situation
  const done = new Set(approvedBy.map((name) => personKey(String(name))))
  if (signal.kind === "request") done.add(personKey(signal.requestedBy))
  const among = approvers.map(({ name }) => name).filter((name) => !done.has(personKey(name)))
  const count = approval.approvers - approvedBy.length
  if (among.length < count) return moreApprovers(count - among.length)
  // The newest attempt used up all approvals up to its time. Its time may still be ahead of our clock.
  const after = state.openedAt !== null && state.openedAt >= now ? state.openedAt : null
  const later = after === null ? "" : ` after ${sayTime(after)}`
  return {
    says: `${count} of ${approval.approvers} approvals ${count === 1 ? "is" : "are"} missing; run${later}: ${operatorCommand.approve(plan.hash)}, where WHO is ${among.join(" or ")}`,
    change: { kind: "person", verb: "approve", planHash: plan.hash, count, among, after },
  }
}

function moreApprovers(missing: number): Hint {
  const says = `approvers must list ${missing} more ${missing === 1 ? "person" : "people"} besides the requester`
  return { says, change: { kind: "policy", path: "approvers", value: null } }
}
