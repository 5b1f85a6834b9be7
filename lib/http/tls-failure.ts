/**
 * A failed TLS handshake in words; null for every other failure. OpenSSL's own text begins with a memory address and
 * ends with a line of its source, so only its `reason` is shown.
 */
export function tlsFailure(cause: Error): string | null {
  if (!("code" in cause) || !String(cause.code).startsWith("ERR_SSL_")) return null
  if (!("reason" in cause) || typeof cause.reason !== "string") return null
  const hint = cause.reason === "wrong version number" ? ": what answers there does not speak TLS" : ""
  return `TLS failed (${cause.reason})${hint}`
}
