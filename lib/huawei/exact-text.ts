import * as z from "zod"
import { isVisible } from "../decision/inputs/foreign-text.ts"
import { onFirstUse } from "../on-first-use.ts"

/** Maximum length of an id, a name, a status or a flavor in an answer. */
const MAX_CHARS = 256

/**
 * An id, a name, a status or a flavor in an answer. It is compared, shown, or sent back to the API, so it is
 * kept unchanged. It is unreadable if it has more than 256 characters or invisible characters. It is never
 * cleaned: a cleaned text could equal another one, and the API would not know it.
 */
export const exactText = onFirstUse(() => z.string().max(MAX_CHARS).refine(isVisible))
