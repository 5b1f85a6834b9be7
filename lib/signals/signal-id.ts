import { digestText } from "../digest.ts"

/** Longest id that is kept as it is; the ledger keeps many of them in every entry. */
export const MAX_ID_CHARS = 200

/** What of the world a signal or an episode is about: `source|part|part`. Equal parts, equal id; too long: their digest. */
export function signalId(source: string, ...parts: readonly (string | number)[]): string {
  // The separator inside a part is escaped, so that no two lists of parts can ever give one id.
  const text = [source, ...parts.map(escaped)].join("|")
  return text.length > MAX_ID_CHARS ? `${source}|${digestText(text)}` : text
}

function escaped(part: string | number): string {
  return String(part).replaceAll("%", "%25").replaceAll("|", "%7C")
}
