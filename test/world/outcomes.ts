import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { outcomeOf } from "../../lib/simulate/order-ending.ts"

export { NO_ANSWER as unknown, refusal as rejected } from "../../lib/simulate/order-ending.ts"

export const accepted: Outcome = outcomeOf("accepted", { orderId: "CS1", servers: [] })
