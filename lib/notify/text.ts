import { cleanText } from "../decision/inputs/foreign-text.ts"

/**
 * A vendor's text as one line of at most `max` printable characters. Redacts secrets before the cut, so that
 * no part of one remains.
 */
export function cleanedWords(text: string, max: number, secrets: readonly string[]): string {
  return cleanText(withoutSecrets(text, secrets), max)
}

/** Text of at most `maxBytes` in UTF-8. A longer text is cut, but not inside a character, and ends in "…". */
export function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const end = "…"
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength(end))
  return `${new TextDecoder().decode(bytes).replace(/\ufffd+$/, "")}${end}`
}

/** Redacts secrets of 4 or more characters, also JSON- or URL-encoded: a server may echo its request. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}
