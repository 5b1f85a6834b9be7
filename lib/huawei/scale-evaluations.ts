import * as z from "zod"
import type { Offer } from "../decision/inputs/supernode.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Read } from "../ports.ts"
import { listIn } from "./answer-list.ts"
import type { Parsed } from "./cloud-response.ts"
import { type SupernodePlace, supernodeUrl } from "./endpoints.ts"
import { exactText } from "./exact-text.ts"
import type { CloudReader } from "./http.ts"

/** Only a boolean `is_sold_out` counts, else it is null: true leads to a larger rung, false to a purchase. */
const evaluation = onFirstUse(() =>
  z.looseObject({
    flavor: exactText().min(1),
    is_sold_out: z.boolean().nullable().catch(null),
  }),
)

/** GET …/hyperinstance/{id}/scale-evaluations: the flavors this supernode may be scaled to, as of now. */
export function readOffers(reader: CloudReader, place: SupernodePlace): Promise<Read<Offer[]>> {
  const url = supernodeUrl(place, "scale-evaluations")
  const { projectId } = place
  return reader.read({ operation: "getScaleEvaluationsDevServer", method: "GET", url, projectId }, offersOf)
}

/** Skips evaluations without a flavor. If a flavor is listed with different flags, its `soldOut` is null. */
function offersOf(json: unknown): Parsed<Offer[]> {
  const list = listIn(json, "evaluations")
  if (!list.ok) return list
  const soldOut = new Map<string, boolean | null>()
  for (const item of list.value) {
    const { data } = evaluation().safeParse(item)
    if (!data) continue
    const before = soldOut.get(data.flavor)
    soldOut.set(data.flavor, before === undefined || before === data.is_sold_out ? data.is_sold_out : null)
  }
  return { ok: true, value: [...soldOut].map(([flavor, isSoldOut]) => ({ flavor, soldOut: isSoldOut })) }
}
