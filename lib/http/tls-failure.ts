/**
 * Message for a failed TLS handshake; `null` for any other failure. OpenSSL's own text contains a memory
 * address and a source location, so only its `reason` is shown.
 */
export function tlsFailure(cause: Error): string | null {
  if (!("code" in cause) || !String(cause.code).startsWith("ERR_SSL_")) return null
  if (!("reason" in cause) || typeof cause.reason !== "string") return null
  const hint = cause.reason === "wrong version number" ? ": the server there does not use TLS" : ""
  return `TLS failed (${cause.reason})${hint}`
}
