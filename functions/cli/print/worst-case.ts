import type { Most, WorstCase } from "../../../lib/decision/money/worst-case.ts"
import { amountOf, sayMoney } from "../../../lib/decision/policy/money.ts"

/** `any 24 hours: at most 2 purchases, 360000 CNY`, and the same of a month. */
export function worstCaseLines({ day, month }: WorstCase): string[] {
  return [`any 24 hours: at most ${sayMost(day)}`, `a calendar month: at most ${sayMost(month)}`]
}

function sayMost({ purchases, spend }: Most): string {
  const bought = `${purchases} purchase${purchases === 1 ? "" : "s"}`
  const money = spend ? sayMoney(spend) : "for an UNKNOWN amount: no budget, and a rung without a price"
  return spend ? `${bought}, ${money}` : `${bought} ${money}`
}

/** As `--json` prints it: amounts in whole units. */
export function worstCaseJson({ day, month }: WorstCase) {
  const shown = ({ purchases, spend }: Most) => ({ purchases, spend: spend && amountOf(spend) })
  return { day: shown(day), month: shown(month) }
}
