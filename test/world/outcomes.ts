import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { NO_ANSWER, outcomeOf } from "../../lib/simulate/order-ending.ts"

export { NO_ANSWER as unknown, refusal as rejected } from "../../lib/simulate/order-ending.ts"

export const accepted: Outcome = outcomeOf("accepted", { orderId: "CS1", servers: [] })

/** An unknown outcome: the order may have been accepted. `reason`: why no response shows it. */
export function noAnswer(reason: string): Outcome {
  return { ...NO_ANSWER, reason, says: `no answer to believe: ${reason}` }
}
