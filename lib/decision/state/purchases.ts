import type { Money } from "../policy/money.ts"

/** Age at which a purchase is forgotten: longer than any window that counts purchases (at most 366 days). */
export const KEEP_PURCHASES_MS = 400 * 86_400_000

/** An attempt that may have cost money; kept as long as any window can count it. */
export interface Purchase {
  attempt: string
  at: number
  cost: Money | null
  state: "reserved" | "booked"
}
