import type { LookupFunction, Socket } from "node:net"
import type { NotSent } from "../../decision/state/outcome.ts"
import { ConnectionFailure, openConnection } from "../../http/connection.ts"
import { proxySecrets } from "../../http/proxy.ts"
import { TunnelRefused } from "../../http/tunnel.ts"
import { codeOf, messageOf } from "../failure.ts"
import { oneLine, redact } from "./redaction.ts"

export interface ConnectOptions {
  url: URL
  /** Limit for name resolution, TCP, tunnel and TLS together, in milliseconds. */
  budgetMs: number
  /** Proxy for a CONNECT tunnel; `null` for a direct connection. */
  proxy: URL | null
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string } | undefined
  lookup?: LookupFunction | undefined
}

/**
 * Opens the only connection of a purchase. A failure here is safe: no byte of the request was sent, so the
 * outcome is `not-sent`.
 */
export async function connectForPurchase(options: ConnectOptions): Promise<Socket | NotSent> {
  const { tls, ...target } = options
  try {
    return await openConnection({ ...target, ca: tls?.ca })
  } catch (failure) {
    return notConnected(options, failure)
  }
}

function notConnected({ url, proxy, budgetMs }: ConnectOptions, failure: unknown): NotSent {
  const isLate = failure instanceof ConnectionFailure && failure.isLate
  const cause = failure instanceof ConnectionFailure ? failure.cause : failure
  const says = isLate ? `no connection within ${Math.round(budgetMs)} ms` : messageOf(cause)
  const where = proxy ? `${url.host} through the proxy ${proxy.host}` : url.host
  const clean = redact(`${where}: ${says}; nothing was sent`, proxy ? proxySecrets(proxy) : [])
  return {
    kind: "not-sent",
    reason: isLate ? "connect-timeout" : reasonOf(failure, cause),
    says: oneLine(clean),
  }
}

function reasonOf(failure: unknown, cause: unknown): string {
  if (cause instanceof TunnelRefused) return "proxy-refused"
  const stage = failure instanceof ConnectionFailure ? failure.stage : "connect"
  if (stage === "tunnel" || stage === "proxy-tls") return "proxy-failure"
  if (stage === "tls") return "tls-failure"
  const code = codeOf(cause) ?? ""
  if (
    (cause instanceof Error && "syscall" in cause && cause.syscall === "getaddrinfo") ||
    /^(ENOTFOUND|EAI_)/.test(code)
  )
    return "dns-failure"
  if (code === "ECONNREFUSED") return "refused"
  if (code === "ETIMEDOUT") return "connect-timeout"
  return "connect-failure"
}
