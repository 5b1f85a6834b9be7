import type { Finding } from "../decision.ts"
import type { GateFacts } from "../gates/gate.ts"
import type { Hint } from "./change.ts"

/** A gate that failed, with all that it looked at. */
export interface Question extends GateFacts {
  finding: Finding
}

/** null: in this situation nothing honest can be said; the reason stands where it is returned. */
export type HintMaker = (question: Question) => Hint | null
