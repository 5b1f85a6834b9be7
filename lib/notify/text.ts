import { cleanText } from "../decision/inputs/foreign-text.ts"

/** A vendor's words as one visible line of at most `max` characters. Redacted before the cut, so that no half of a secret stays. */
export function cleanedWords(text: string, max: number, secrets: readonly string[]): string {
  return cleanText(withoutSecrets(text, secrets), max)
}

/** The beginning of a text that has at most so many bytes in UTF-8, no character cut in two. */
export function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const end = "…"
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength(end))
  return `${new TextDecoder().decode(bytes).replace(/\ufffd+$/, "")}${end}`
}

/** The text without these secrets, as they are or as in JSON and URLs: a server may repeat what it was sent. */
function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}
