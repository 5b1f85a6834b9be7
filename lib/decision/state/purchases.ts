import type { Money } from "../policy/money.ts"

/** An attempt that may have cost money; kept as long as any window can count it. */
export interface Purchase {
  attempt: string
  at: number
  cost: Money | null
  state: "reserved" | "booked"
}
