import type { Finding } from "../decision.ts"
import type { GateFacts } from "../gates/gate.ts"
import type { Hint } from "./change.ts"

/** A failed gate with all its inputs. */
export interface HintInputs extends GateFacts {
  finding: Finding
}

/** Returns `null` if no hint is useful; a comment at the `return` gives the reason. */
export type HintMaker = (inputs: HintInputs) => Hint | null
