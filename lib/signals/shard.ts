import * as z from "zod"
import type { Shard } from "../decision/inputs/signal.ts"
import { digestText } from "../digest.ts"
import { onFirstUse } from "../on-first-use.ts"

const FORM = /^([1-9]\d{0,5})\/([1-9]\d{0,5})$/
/** 48 bits: exact as a JavaScript number, and enough to spread evenly over the largest allowed `count`. */
const HASH_BYTES = 6

/** Parses `"i/n"`: the i-th of n shares of the supernodes, counted from 1. */
export const shardText = onFirstUse(() =>
  z.string({ error: wording }).transform((text, ctx): Shard => {
    const [, index, count] = FORM.exec(text)?.map(Number) ?? []
    if (index !== undefined && count !== undefined && index <= count) return { index, count }
    ctx.addIssue({ code: "custom", message: wording() })
    return z.NEVER
  }),
)

function wording(): string {
  return 'must be "i/n" with 1 ≤ i ≤ n, such as "2/4" for the second of four shares; leave it out to tick for all supernodes'
}

/**
 * True if the supernode with this id is in the shard. The result depends only on the id, so n ticks, one per
 * shard, reach each supernode exactly once.
 */
export function isInShard(supernodeId: string, { index, count }: Shard): boolean {
  const bytes = Buffer.from(digestText(supernodeId).slice("sha256:".length), "hex")
  return bytes.readUIntBE(0, HASH_BYTES) % count === index - 1
}
