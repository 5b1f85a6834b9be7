import * as z from "zod"

// What the search for lenient readers is tried on.

export const shape = z.object({
  amount: z.number().nullish().catch(null),
  list: z.array(z.string()).catch([]),
})

/** .default( in a comment is none, and so is ".default(" in a text. */
export function read(written: string): { count: number; note: string } {
  return { count: Number(written), note: ".default(" }
}
