/** True if secrets may be sent there: https to any host, or plain http that never leaves this machine. */
export function isSecureAddress(address: string): boolean {
  if (!URL.canParse(address)) return false
  const { protocol, hostname } = new URL(address)
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname))
}

/**
 * A `hostname` of a URL that names this machine itself. URL has already converted 127.1, 0x7f000001 and
 * similar forms into four numbers.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
