import type { BudgetUse, RateUse } from "../../../lib/decision/money/cap-use.ts"
import { sayDuration } from "../../../lib/decision/policy/amounts.ts"

export function sayRateUse({ used, allowed, perMs, left }: RateUse): string {
  return `${used} of ${allowed} in ${sayDuration(perMs)}, ${left} left`
}

export function sayBudgetUse(budget: BudgetUse | null): string {
  if (!budget) return "none"
  const [spent, cap, left] = [budget.spent, budget.cap, budget.left].map(
    ({ amount, currency }) => `${amount} ${currency}`,
  )
  return `${spent} of ${cap} ${budget.window}, ${left} left`
}
