import { isVisible } from "../decision/inputs/foreign-text.ts"
import { digestText } from "../digest.ts"

/** Maximum length of an id that is kept unchanged; the ledger keeps many of them in every entry. */
const MAX_ID_CHARS = 200

/**
 * Identity of a signal or an episode: `source|part|part`. Equal parts, equal id. A part that is long, or that
 * contains unprintable characters, is replaced by its digest.
 */
export function signalId(source: string, ...parts: readonly (string | number)[]): string {
  // The separator inside a part is escaped, so that two lists of parts never give one id.
  const text = [source, ...parts.map(escaped)].join("|")
  const isShown = text.length <= MAX_ID_CHARS && isVisible(text)
  return isShown ? text : `${source}|${digestText(text)}`
}

function escaped(part: string | number): string {
  return String(part).replaceAll("%", "%25").replaceAll("|", "%7C")
}
