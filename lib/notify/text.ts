/** One line of foreign text: without control and format characters, at most `max` characters. */
export function cleaned(text: string, max: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\u2028\u2029\s]+/gu, " ").trim()
  return cut(line, max)
}

/** The text, or its beginning where it is longer than `max` characters. */
export function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text
}

/** The beginning of a text that has at most so many bytes in UTF-8, no character cut in two. */
export function cutBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text
  const end = "…"
  const bytes = Buffer.from(text).subarray(0, maxBytes - Buffer.byteLength(end))
  return `${new TextDecoder().decode(bytes).replace(/\ufffd+$/, "")}${end}`
}

/** The text without these secrets, as they are or as in JSON and URLs: a server may repeat what it was sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}
