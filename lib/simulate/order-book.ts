import type { Finding } from "../decision/decision.ts"
import type { Amount } from "../decision/policy/money.ts"
import type { LedgerEntry } from "../ledger/entry.ts"

/** One order that may have cost money. Instants are epoch milliseconds. */
export interface SimulatedPurchase {
  at: number
  /** Total servers before the order (`from`) and after it (`to`). */
  from: number
  to: number
  flavor: string
  /** `null` if the ladder has no price for it. */
  cost: Amount | null
  /** Names of the rules that proposed it; empty if only schedules did. */
  rules: string[]
  /** Schedules whose floors it satisfies. */
  schedules: string[]
  /** Time of the run that observed all its servers running; `null` if no run observed that. */
  completedAt: number | null
  outcome: "accepted" | "unknown"
  /** Reason for the order: the `says` of the evidence gate. */
  says: string
}

/** Collects the orders of a simulation from its ledger entries. */
export class OrderBook {
  /** Number of attempts that were opened, with any outcome. */
  opened = 0
  readonly failed: Record<string, number> = {}
  readonly #orders = new Map<string, SimulatedPurchase>()

  get purchases(): SimulatedPurchase[] {
    return [...this.#orders.values()]
  }

  note(entry: LedgerEntry): void {
    switch (entry.kind) {
      case "opened":
        this.#open(entry)
        return
      case "settled":
        this.#settle(entry)
        return
      case "observed":
        this.#observe(entry)
        return
      case "decided":
      case "said":
        return
      default:
        entry.kind satisfies never
    }
  }

  #open({ attempt, plan, decision, at }: LedgerEntry): void {
    if (!attempt || !plan) return
    this.opened += 1
    const { flavor, from, to, cost } = plan
    const { rules = [], schedules = [] } = decision?.target ?? {}
    const causes = { rules: [...rules], schedules: schedules.map(({ schedule }) => schedule) }
    const says = reasonOf(decision?.findings ?? [])
    const open = { completedAt: null, outcome: "unknown" as const, says }
    this.#orders.set(attempt.id, { at, from, to, flavor, cost, ...causes, ...open })
  }

  #settle({ attempt, outcome }: LedgerEntry): void {
    const order = attempt && this.#orders.get(attempt.id)
    if (!attempt || !order || !outcome) return
    switch (outcome.kind) {
      case "accepted":
      case "unknown":
        order.outcome = outcome.kind
        return
      case "rejected":
      case "not-sent": {
        const how = outcome.kind === "rejected" ? outcome.class : outcome.kind
        this.failed[how] = (this.failed[how] ?? 0) + 1
        this.#orders.delete(attempt.id)
        return
      }
      default:
        outcome satisfies never
    }
  }

  #observe({ observation }: LedgerEntry): void {
    const order = observation?.attempt ? this.#orders.get(observation.attempt) : undefined
    if (!order || !observation) return
    if (observation.kind === "accepted") order.outcome = "accepted"
    if (observation.kind === "completed") {
      order.outcome = "accepted"
      order.completedAt = observation.at
    }
  }
}

function reasonOf(findings: readonly Finding[]): string {
  return findings.find(({ gate }) => gate === "evidence")?.says ?? ""
}
