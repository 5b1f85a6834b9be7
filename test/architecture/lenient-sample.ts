import * as z from "zod"
import { isRecord } from "../../lib/decision/policy/amounts.ts"

// Sample source for the test of the search for lenient readers.

export const shape = z.object({
  amount: z.number().nullish().catch(null),
  list: z.array(z.string()).catch([]),
})

/** .default( in a comment does not count, nor does ".default(" in a string. */
export function read(written: string): { count: number; note: string } {
  const instant = Date.parse(written)
  const items = Array.isArray(shape) ? shape : []
  const data = isRecord(items[instant]) ? items : { values: null }
  const isIt = isRecord(data)
  const all = "values" in data ? (data.values ?? isIt) : null
  return { count: Number(written), note: `.default( ${all ? "x" : "y"}` }
}
