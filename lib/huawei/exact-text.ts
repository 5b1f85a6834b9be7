import * as z from "zod"
import { isVisible } from "../decision/inputs/foreign-text.ts"
import { onFirstUse } from "../on-first-use.ts"

/** The longest id, name or status that is kept of an answer. */
const MAX_CHARS = 256

/**
 * A text of an answer that is compared, shown, or sent back to the API: an id, a name, a status, a flavor. It is kept as
 * it came. One that is longer than 256 characters or holds characters that cannot be seen is unreadable: it is never
 * cleaned, since a cleaned text could equal another one, and the API would not know it.
 */
export const exactText = onFirstUse(() => z.string().max(MAX_CHARS).refine(isVisible))
