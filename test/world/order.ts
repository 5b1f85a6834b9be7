import type { ScaleUpPlan } from "../../lib/decision/plan.ts"

/** One purchase request; patterns without a ledger have a label instead of an attempt. */
export interface OrderRequest {
  attempt: string
  plan: Pick<ScaleUpPlan, "flavor" | "from" | "to" | "cost">
}

/** True fate of one request: only the world and its operators know it. */
export interface TrueOrder {
  attempt: string
  postedAt: number
  flavor: string
  from: number
  to: number
  /** As its plan says it. */
  costMinor: number
  fate: "travelling" | "accepted" | "refused" | "lost"
  acceptedAt: number | null
  /** Ids of the servers that it brings. */
  servers: string[]
  /** Nothing more happens to an accepted order from then on. */
  resolvedAt: number
  /** A person said absent while it was still travelling: nothing showed it. */
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
