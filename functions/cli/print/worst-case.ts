import type { Most, WorstCase } from "../../../lib/decision/money/worst-case.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { amountOf, sayMoney } from "../../../lib/decision/policy/money.ts"

/**
 * Lines such as `any 24 hours: at most 2 purchases, 360000 CNY = 2 purchases (limits.actions …) of …`, and
 * the same for a calendar month.
 */
export function worstCaseLines({ day, month }: WorstCase): string[] {
  return [`any 24 hours: at most ${sayMost(day)}`, `a calendar month: at most ${sayMost(month)}`]
}

function sayMost({ purchases, spend, says }: Most): string {
  const bought = counted(purchases, "purchase")
  return spend
    ? `${bought}, ${sayMoney(spend)} = ${says}`
    : `${bought} for an UNKNOWN amount: no budget, and a rung without a price`
}

/** The worst case for `--json`: amounts in units of the currency, and how they are calculated. */
export function worstCaseJson({ day, month }: WorstCase) {
  const shown = ({ purchases, spend, says }: Most) => ({ purchases, spend: spend && amountOf(spend), says })
  return { day: shown(day), month: shown(month) }
}
