import { isVisible } from "../decision/inputs/foreign-text.ts"
import { digestText } from "../digest.ts"

/** Longest id that is kept as it is; the ledger keeps many of them in every entry. */
export const MAX_ID_CHARS = 200

/**
 * Identity of a signal or an episode: `source|part|part`. Equal parts, equal id. Parts that are long, or that hold
 * characters which must not be shown, are replaced by their digest.
 */
export function signalId(source: string, ...parts: readonly (string | number)[]): string {
  // The separator inside a part is escaped, so that no two lists of parts can ever give one id.
  const text = [source, ...parts.map(escaped)].join("|")
  const isShown = text.length <= MAX_ID_CHARS && isVisible(text)
  return isShown ? text : `${source}|${digestText(text)}`
}

function escaped(part: string | number): string {
  return String(part).replaceAll("%", "%25").replaceAll("|", "%7C")
}
