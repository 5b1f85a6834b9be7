/** True if secrets may be sent there: https to any host, or plain http that never leaves this machine. */
export function isSecureAddress(address: string): boolean {
  const url = URL.canParse(address) ? new URL(address) : null
  return url !== null && isSecureUrl(url)
}

/** The same for a URL that is parsed already. */
export function isSecureUrl({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname))
}

/**
 * True if a URL's `hostname` names this machine. `URL` has already converted 127.1, 0x7f000001 and similar
 * forms into four numbers.
 */
export function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127\.\d+\.\d+\.\d+$/.test(hostname)
}
