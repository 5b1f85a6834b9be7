import type { ScaleUpPlan } from "../../lib/decision/plan.ts"

/** One purchase request. `attempt` is a label if the pattern has no ledger. */
export interface OrderRequest {
  attempt: string
  plan: Pick<ScaleUpPlan, "flavor" | "from" | "to" | "cost">
}

/** True fate of one purchase request. Only the world and its operators know it. */
export interface TrueOrder {
  attempt: string
  postedAt: number
  flavor: string
  from: number
  to: number
  /** Cost by its plan, in hundredths of the currency. */
  costMinor: number
  fate: "travelling" | "accepted" | "refused" | "lost"
  acceptedAt: number | null
  /** Ids of the servers that the order adds. */
  servers: string[]
  /** From this time on nothing more happens to an accepted order, epoch milliseconds. */
  resolvedAt: number
  /**
   * An operator settled it as absent while the request was still travelling, because nothing showed the
   * order.
   */
  wasTakenForAbsent: boolean
}

export function orderOf({ attempt, plan }: OrderRequest, postedAt: number): TrueOrder {
  const { flavor, from, to, cost } = plan
  return {
    attempt,
    postedAt,
    flavor,
    from,
    to,
    costMinor: Math.round((cost?.amount ?? 0) * 100),
    fate: "travelling",
    acceptedAt: null,
    servers: [],
    resolvedAt: Infinity,
    wasTakenForAbsent: false,
  }
}
