import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from "node:net"
import { connect as tlsConnect } from "node:tls"
import type { NotSent } from "../../decision/state/outcome.ts"
import { proxySecrets } from "../../http/proxy.ts"
import { codeOf, messageOf } from "../failure.ts"
import { oneLine, redact } from "./redaction.ts"
import { openTunnel, TunnelRefused } from "./tunnel.ts"

export interface ConnectOptions {
  url: URL
  /** For name, TCP, tunnel and TLS together. */
  budgetMs: number
  /** The proxy to go through by CONNECT; null: directly. Only for https, whose own handshake then verifies the endpoint. */
  proxy: URL | null
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string } | undefined
  lookup?: LookupFunction | undefined
}

/**
 * The one connection of a purchase, standing but unused; or why there is none, which is a safe ending.
 *
 *   direct:  TCP ─▶ TLS with the endpoint ─▶ ready
 *   proxy:   TCP ─▶ (TLS with the proxy) ─▶ CONNECT, 2xx ─▶ TLS with the endpoint ─▶ ready
 *
 * Everything before "ready" carries no byte of the request: what fails there is `not-sent`.
 */
export async function connectForPurchase(options: ConnectOptions): Promise<Socket | NotSent> {
  const { url, budgetMs, proxy, lookup, tls } = options
  // Monotonic clocks have fractions of a millisecond, which AbortSignal.timeout refuses.
  const deadline = AbortSignal.timeout(Math.max(1, Math.min(Math.floor(budgetMs), 2 ** 31 - 1)))
  const steps: Socket[] = []
  let stage: Stage = "connect"
  const to = (target: URL) => ({ host: hostOf(target), ...(lookup ? { lookup } : {}) })
  try {
    const first = proxy ?? url
    let socket: Socket = tcpConnect({ ...to(first), port: portOf(first) }).setNoDelay(true)
    steps.push(socket)
    await ready(socket, "connect", deadline)
    if (proxy) {
      if (proxy.protocol === "https:") {
        stage = "proxy-tls"
        socket = secured(socket, proxy, tls)
        steps.push(socket)
        await ready(socket, "secureConnect", deadline)
      }
      stage = "tunnel"
      await openTunnel(socket, { proxy, host: `${url.hostname}:${portOf(url)}`, deadline })
    }
    if (url.protocol === "https:") {
      stage = "tls"
      socket = secured(socket, url, tls)
      steps.push(socket)
      await ready(socket, "secureConnect", deadline)
    }
    return socket
  } catch (cause) {
    for (const socket of steps.toReversed()) socket.destroy()
    return notConnected({ options, stage, cause, isLate: deadline.aborted })
  }
}

type Stage = "connect" | "proxy-tls" | "tunnel" | "tls"

interface Failure {
  options: ConnectOptions
  stage: Stage
  cause: unknown
  isLate: boolean
}

function notConnected({ options: { url, proxy, budgetMs }, stage, cause, isLate }: Failure): NotSent {
  const says = isLate ? `no connection within ${Math.round(budgetMs)} ms` : messageOf(cause)
  const where = proxy ? `${url.host} through the proxy ${proxy.host}` : url.host
  const clean = redact(`${where}: ${says}; nothing was sent`, proxy ? proxySecrets(proxy) : [])
  return {
    kind: "not-sent",
    reason: isLate ? "connect-timeout" : reasonOf(cause, stage),
    says: oneLine(clean),
  }
}

function secured(socket: Socket, { hostname }: URL, tls: ConnectOptions["tls"]): Socket {
  const host = hostname.replace(/^\[|\]$/g, "")
  return tlsConnect({
    socket,
    host,
    ALPNProtocols: ["http/1.1"],
    // Said, so that no environment variable (NODE_TLS_REJECT_UNAUTHORIZED) can switch the check off.
    rejectUnauthorized: true,
    ...(isIP(host) ? {} : { servername: host }),
    ...tls,
  })
}

/** Waits for the socket's own word. Its listeners stay: a socket that errs while nobody listens would end the process. */
function ready(socket: Socket, event: "connect" | "secureConnect", deadline: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once(event, () => resolve())
    socket.on("error", reject)
    socket.once("close", () => reject(new Error("the connection was closed")))
    deadline.addEventListener("abort", () => reject(new Error("timeout")), { once: true })
    if (deadline.aborted) reject(new Error("timeout"))
  })
}

function hostOf({ hostname }: URL): string {
  return hostname.replace(/^\[|\]$/g, "")
}

function portOf({ port, protocol }: URL): number {
  return Number(port || (protocol === "https:" ? 443 : 80))
}

function reasonOf(cause: unknown, stage: Stage): string {
  if (cause instanceof TunnelRefused) return "proxy-refused"
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
