import * as z from "zod"
import type { Offer } from "../decision/inputs/supernode.ts"
import type { Read } from "../ports.ts"
import { type SupernodePlace, supernodeUrl } from "./endpoints.ts"
import type { CloudReader } from "./http.ts"
import type { Parsed } from "./http-answer.ts"

const shape = z.looseObject({ evaluations: z.array(z.unknown()) })

/** Anything but a clear `false` counts as sold out. */
const evaluation = z.looseObject({ flavor: z.string().min(1), is_sold_out: z.boolean().catch(true) })

/** GET …/hyperinstance/{id}/scale-evaluations: the flavors this supernode may be scaled to, as of now. */
export function readOffers(reader: CloudReader, place: SupernodePlace): Promise<Read<Offer[]>> {
  const url = supernodeUrl(place, "scale-evaluations")
  const { projectId } = place
  return reader.read({ operation: "getScaleEvaluationsDevServer", method: "GET", url, projectId }, offersOf)
}

/** An evaluation without a flavor offers nothing; a flavor listed twice is sold out where either says so. */
function offersOf(json: unknown): Parsed<Offer[]> {
  const parsed = shape.safeParse(json)
  if (!parsed.success) return { ok: false, why: "the answer has no list `evaluations`" }
  const soldOut = new Map<string, boolean>()
  for (const item of parsed.data.evaluations) {
    const { data } = evaluation.safeParse(item)
    if (data) soldOut.set(data.flavor, data.is_sold_out || soldOut.get(data.flavor) === true)
  }
  return { ok: true, value: [...soldOut].map(([flavor, isSoldOut]) => ({ flavor, soldOut: isSoldOut })) }
}
