import { type BudgetUse, budgetUse, type RateUse, rateUse } from "../../../lib/decision/money/cap-use.ts"
import {
  type ChainTip,
  type FleetSpend,
  fleetSince,
  hasFleetCap,
  hasLapsed,
  isResolved,
  spendOfOthers,
} from "../../../lib/decision/money/fleet-spend.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import type { FleetState, Reservation } from "../../../lib/decision/state/fleet-reservations.ts"
import { FLEET_STREAM, fleetOf, stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { Ledger } from "../../../lib/ports.ts"
import { sayBudgetUse, sayRateUse } from "../print/cap-use.ts"
import type { Look } from "../print/result.ts"
import { tableOf } from "../print/table.ts"
import { type Timeframe, when } from "../print/time.ts"

/** Use of the caps across all supernodes. */
export interface FleetStatus {
  /** `null` if there is no such cap. */
  purchases: RateUse | null
  budget: BudgetUse | null
  /** Reservations of attempts that are about to be opened. */
  pending: Reservation[]
  /** Chains that still count, although their supernodes are no longer in the policy file. */
  gone: string[]
}

/** Data of the ledger for the caps across supernodes. */
export interface FleetLook {
  state: FleetStatus
  /** Other supernodes' purchases that a run of this supernode would count. */
  othersOf(stream: string): FleetSpend
}

/**
 * Reads the heads in the order of a run, and writes nothing. Returns `null` if the policy has no caps across
 * supernodes.
 */
export async function lookAtFleet(
  ledger: Pick<Ledger, "head">,
  supernodes: readonly LoadedPolicy[],
  now: number,
): Promise<FleetLook | null> {
  const policy = supernodes[0]?.policy
  if (!policy || !hasFleetCap(policy)) return null
  const fleet = fleetOf(await ledger.head(FLEET_STREAM))
  const own = supernodes.map((one) => supernodeStream(one.policy.id))
  const streams = new Set([
    ...own,
    ...Object.keys(fleet.members),
    ...fleet.pending.map(({ stream }) => stream),
  ])
  const tips = new Map<string, ChainTip>()
  for (const stream of streams) {
    const head = await ledger.head(stream)
    tips.set(stream, { seq: head?.seq ?? 0, purchases: stateOf(head).purchases })
  }
  const pending = fleet.pending.filter((one) => !isResolved(one, tips) && !hasLapsed(one, tips, now))
  const seen: FleetState = { ...fleet, pending }
  const since = fleetSince(policy, now)
  const all = spendOfOthers(seen, tips, { own: "", since }).purchases
  const caps = policy.fleet
  return {
    state: {
      purchases: caps?.actions ? rateUse(caps.actions, all, now) : null,
      budget: caps?.budget ? budgetUse(caps.budget, all, { timezone: policy.timezone, now }) : null,
      pending,
      gone: [...new Set(all.map(({ stream }) => stream))].filter((stream) => !own.includes(stream)),
    },
    othersOf: (stream) => spendOfOthers(seen, tips, { own: stream, since }),
  }
}

export function fleetLines(state: FleetStatus, { paint, columns, now, zone }: Look & Timeframe): string[] {
  const { purchases, budget, pending, gone } = state
  const rows = [
    ["  purchases", purchases ? sayRateUse(purchases) : "no cap"],
    ["  budget", sayBudgetUse(budget)],
    ...pending.map(({ stream, deadline }, i) => [
      i === 0 ? "  reserved" : "",
      `${stream}, lapses ${when(deadline, { now, zone })}`,
    ]),
    ...(gone.length > 0
      ? [
          [
            "  counted too",
            `${counted(gone.length, "supernode")} no longer in the policy: ${gone.join(", ")}`,
          ],
        ]
      : []),
  ]
  return [`${paint.bold("fleet")}  ${paint.dim("all supernodes together")}`, ...tableOf(rows, { columns })]
}
