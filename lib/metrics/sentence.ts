import { cleanText } from "../decision/inputs/foreign-text.ts"
import { tlsFailure } from "../http/tls-failure.ts"

/** The text as one line of at most 300 characters without control characters. A server's text may be long. */
export function oneLine(text: string): string {
  return cleanText(text, 300)
}

/** Replaces secrets in a text, plain or escaped as in JSON and URLs, since a server may echo its request. */
export function withoutSecrets(text: string, secrets: readonly string[]): string {
  return secrets
    .filter((secret) => secret.length >= 4)
    .flatMap((secret) => [secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])
    .toSorted((a, b) => b.length - a.length)
    .reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), text)
}

/** Message of a network failure (the first of several), or its code if the message is empty. */
export function messageOf(cause: unknown): string {
  const first: unknown = cause instanceof AggregateError ? (cause.errors[0] ?? cause) : cause
  if (!(first instanceof Error)) return String(first)
  const code = "code" in first && typeof first.code === "string" ? first.code : first.name
  return tlsFailure(first) ?? (first.message === "" ? code : first.message)
}
