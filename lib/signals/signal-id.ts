import { isVisible } from "../decision/inputs/foreign-text.ts"
import { digestText } from "../digest.ts"

/** Maximum length of an id that is kept unchanged, because the ledger stores many ids in every entry. */
const MAX_ID_CHARS = 200

/**
 * Identity of a signal or an episode: `source|part|part`. Equal parts give equal ids. If this text is too
 * long or contains invisible characters, the id is `source|` and the digest of the whole text.
 */
export function signalId(source: string, ...parts: readonly (string | number)[]): string {
  // The separator is escaped in each part, so different lists of parts never give the same id.
  const text = [source, ...parts.map(escaped)].join("|")
  const isShown = text.length <= MAX_ID_CHARS && isVisible(text)
  return isShown ? text : `${source}|${digestText(text)}`
}

function escaped(part: string | number): string {
  return String(part).replaceAll("%", "%25").replaceAll("|", "%7C")
}
