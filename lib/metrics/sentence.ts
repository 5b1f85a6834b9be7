import { cleanText } from "../decision/inputs/foreign-text.ts"
import { tlsFailure } from "../http/tls-failure.ts"

/** One line for a sentence: no control characters, at most 300 characters. What a server says is never believed to be short. */
export function oneLine(text: string): string {
  return cleanText(text, 300)
}

/** The text without these secrets, as they are or as in JSON and URLs: a server may repeat what it was sent. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}

/** What a failure of the network says, the first of several; its code where it says nothing. */
export function messageOf(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause
  if (!(first instanceof Error)) return String(first)
  const code = "code" in first && typeof first.code === "string" ? first.code : first.name
  return tlsFailure(first) ?? (first.message === "" ? code : first.message)
}
