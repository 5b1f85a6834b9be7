import { setMaxListeners } from "node:events"
import { Agent, type buildConnector, type Dispatcher } from "undici"
import { ConnectionFailure, openConnection } from "./connection.ts"
import { type ProxySettings, proxyFor } from "./proxy.ts"

export interface DispatcherOptions {
  proxy: ProxySettings | null
  /** PEM certificates to trust instead of the system's, for the endpoint and for an https proxy. */
  ca?: string | undefined
  /** Time limit for connecting, including the tunnel, milliseconds. */
  connectMs: number
  /** Maximum size of a response body before decompression, bytes. */
  maxResponseSize: number
  /** Maximum number of connections to one host; further requests wait. Unlimited by default. */
  connections?: number
}

/** Connections for requests that may be repeated. They are direct, or go through the proxy by CONNECT. */
export interface Dispatchers {
  for(url: URL): Dispatcher
  close(): Promise<void>
}

export function dispatchersOf({
  proxy,
  ca,
  connectMs,
  maxResponseSize,
  connections,
}: DispatcherOptions): Dispatchers {
  // Explicit, so that no environment variable (NODE_TLS_REJECT_UNAUTHORIZED) can switch verification off.
  const connect = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true, timeout: connectMs }
  // Each request has one time limit for the whole try. undici's timeouts limit only silence, so they are off.
  const limits = {
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize,
    ...(connections === undefined ? {} : { connections }),
  }
  const direct = new Agent({ connect, ...limits })
  let tunnels: Agent | undefined
  const closing = new AbortController()
  // One listener for each tunnel that is being opened. Above ten, Node.js would warn of a leak.
  setMaxListeners(0, closing.signal)
  return {
    for(url) {
      const address = proxyFor(url, proxy)
      if (!address) return direct
      tunnels ??= new Agent({
        connect: tunnelConnector({ proxy: address, ca, budgetMs: connectMs, signal: closing.signal }),
        ...limits,
      })
      return tunnels
    },
    async close() {
      // A tunnel that is still being opened would keep the process alive until its time limit.
      closing.abort()
      await Promise.all([direct.destroy(), tunnels?.destroy()])
    },
  }
}

interface TunnelConnector {
  proxy: URL
  ca: string | undefined
  budgetMs: number
  signal: AbortSignal
}

/** Replaces undici's ProxyAgent, which waits for CONNECT without a limit and blocks later requests. */
function tunnelConnector({ proxy, ca, budgetMs, signal }: TunnelConnector): buildConnector.connector {
  return ({ protocol, host, hostname, port }, callback) => {
    const authority = host ?? (port === "" ? hostname : `${hostname}:${port}`)
    openConnection({ url: new URL(`${protocol}//${authority}`), budgetMs, proxy, ca, signal }).then(
      (socket) => callback(null, socket),
      (failure: unknown) => callback(causeOf(failure, budgetMs), null),
    )
  }
}

function causeOf(failure: unknown, budgetMs: number): Error {
  if (!(failure instanceof ConnectionFailure))
    return failure instanceof Error ? failure : new Error(String(failure))
  if (failure.isLate) return new Error(`no connection within ${budgetMs} ms`)
  return failure.cause instanceof Error ? failure.cause : failure
}
