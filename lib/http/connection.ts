import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from "node:net"
import { connect as tlsConnect } from "node:tls"
import { clearableDeadline } from "./deadline.ts"
import { openTunnel } from "./tunnel.ts"

export interface ConnectionOptions {
  url: URL
  /** Time limit for name lookup, TCP, tunnel and TLS together, milliseconds. */
  budgetMs: number
  /**
   * Proxy through which a CONNECT tunnel is opened; `null` connects directly. Only for https, because TLS
   * through the tunnel verifies the endpoint.
   */
  proxy: URL | null
  /** Certificates to trust instead of the system's; PEM. */
  ca?: string | undefined
  lookup?: LookupFunction | undefined
  /** Stops connecting at once when it is aborted. */
  signal?: AbortSignal
}

/** The step that failed. */
export type ConnectionStage = "connect" | "proxy-tls" | "tunnel" | "tls"

/** No connection could be opened, so no byte of a request was sent. `cause` has the reason. */
export class ConnectionFailure extends Error {
  override readonly name = "ConnectionFailure"
  readonly stage: ConnectionStage
  /** True if `budgetMs` was used up, or if `signal` was aborted. */
  readonly isLate: boolean

  constructor(stage: ConnectionStage, { cause, isLate }: { cause: unknown; isLate: boolean }) {
    super(`no connection (${stage})`, { cause })
    this.stage = stage
    this.isLate = isLate
  }
}

/**
 * Opens a connection, but sends no byte of a request. Rejects with ConnectionFailure.
 *
 *   direct:  TCP ─▶ TLS with the endpoint ─▶ ready
 *   proxy:   TCP ─▶ (TLS with the proxy) ─▶ CONNECT, 2xx ─▶ TLS with the endpoint ─▶ ready
 */
export async function openConnection(options: ConnectionOptions): Promise<Socket> {
  const { url, budgetMs, proxy, ca, lookup, signal } = options
  const { deadline, clear } = clearableDeadline(budgetMs, signal)
  const steps: Socket[] = []
  let stage: ConnectionStage = "connect"
  const to = (target: URL) => ({ host: hostOf(target), ...(lookup ? { lookup } : {}) })
  try {
    const first = proxy ?? url
    let socket: Socket = tcpConnect({ ...to(first), port: portOf(first) }).setNoDelay(true)
    steps.push(socket)
    await ready(socket, "connect", deadline)
    if (proxy) {
      if (proxy.protocol === "https:") {
        stage = "proxy-tls"
        socket = secured(socket, proxy, ca)
        steps.push(socket)
        await ready(socket, "secureConnect", deadline)
      }
      stage = "tunnel"
      await openTunnel(socket, { proxy, host: `${url.hostname}:${portOf(url)}`, deadline })
    }
    if (url.protocol === "https:") {
      stage = "tls"
      socket = secured(socket, url, ca)
      steps.push(socket)
      await ready(socket, "secureConnect", deadline)
    }
    return socket
  } catch (cause) {
    for (const socket of steps.toReversed()) socket.destroy()
    throw new ConnectionFailure(stage, { cause, isLate: deadline.aborted })
  } finally {
    clear()
  }
}

function secured(socket: Socket, { hostname }: URL, ca: string | undefined): Socket {
  const host = hostname.replace(/^\[|\]$/g, "")
  return tlsConnect({
    socket,
    host,
    ALPNProtocols: ["http/1.1"],
    // Explicit, so that no environment variable (NODE_TLS_REJECT_UNAUTHORIZED) can switch verification off.
    rejectUnauthorized: true,
    ...(isIP(host) ? {} : { servername: host }),
    ...(ca === undefined ? {} : { ca }),
  })
}

/**
 * Waits for the event of this socket. The listeners stay afterwards, because a socket error without a
 * listener would end the process.
 */
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
