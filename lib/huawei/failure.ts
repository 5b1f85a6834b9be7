import { tlsFailure } from "../http/tls-failure.ts"

/**
 * `code` of a Node.js or undici error; for an AggregateError (failed connects) the code of its first error.
 */
export function codeOf(cause: unknown): string | null {
  if (!(cause instanceof Error)) return null
  if ("code" in cause && typeof cause.code === "string") return cause.code
  return cause instanceof AggregateError ? codeOf(cause.errors[0]) : null
}

/** Message of a thrown value; for an AggregateError without a message, the messages of all its errors. */
export function messageOf(cause: unknown): string {
  if (cause instanceof AggregateError && cause.message === "") return cause.errors.map(messageOf).join("; ")
  if (cause instanceof Error) return tlsFailure(cause) ?? (cause.message || cause.name)
  return String(cause)
}
