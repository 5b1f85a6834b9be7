import { distinctPeople } from "../state/approver.ts"
import { sayTime } from "../verdict.ts"
import type { Nearest } from "./change.ts"
import type { Question } from "./question.ts"

export function shownAgain({ situation: { policy }, plan }: Question): Nearest {
  return {
    says: `a new dry run: supernode-autoscaler dry-run ${policy.name}, and a request with the planHash that it shows`,
    change: { kind: "person", verb: "dry-run", planHash: plan?.hash ?? null },
  }
}

export function approvedByMore({ situation, plan, finding }: Question): Nearest | null {
  const { approval } = situation.policy
  const { approvedBy } = finding.facts
  // Neither is missing where the gate failed.
  if (!approval || !plan || !Array.isArray(approvedBy)) return null
  const { signal, standing, now } = situation
  const count = approval.approvers - distinctPeople(approvedBy.map(String)).length
  const except = signal.kind === "request" ? signal.requestedBy : null
  // An approval that is no newer than the last attempt was used up by it.
  const after = standing.openedAt !== null && standing.openedAt >= now ? standing.openedAt : null
  const notBy = except === null ? "" : `, who is not ${except}`
  const later = after === null ? "" : `, later than ${sayTime(after)}`
  return {
    says: `${count} of ${approval.approvers} approvals: supernode-autoscaler approve ${plan.hash} --by WHO${notBy}${later}`,
    change: { kind: "person", verb: "approve", planHash: plan.hash, count, except, after },
  }
}
