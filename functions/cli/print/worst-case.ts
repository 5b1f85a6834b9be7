import type { Most, WorstCase } from "../../../lib/decision/money/worst-case.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { amountOf, sayMoney } from "../../../lib/decision/policy/money.ts"

/** `any 24 hours: at most 2 purchases, 360000 CNY = 2 purchases (limits.actions …) of …`, and the same of a month. */
export function worstCaseLines({ day, month }: WorstCase): string[] {
  return [`any 24 hours: at most ${sayMost(day)}`, `a calendar month: at most ${sayMost(month)}`]
}

function sayMost({ purchases, spend, says }: Most): string {
  const bought = counted(purchases, "purchase")
  return spend
    ? `${bought}, ${sayMoney(spend)} = ${says}`
    : `${bought} for an UNKNOWN amount: no budget, and a rung without a price`
}

/** As `--json` prints it: amounts in whole units, and how they come about. */
export function worstCaseJson({ day, month }: WorstCase) {
  const shown = ({ purchases, spend, says }: Most) => ({ purchases, spend: spend && amountOf(spend), says })
  return { day: shown(day), month: shown(month) }
}
