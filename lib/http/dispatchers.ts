import { Agent, type buildConnector, type Dispatcher } from "undici"
import { ConnectionFailure, openConnection } from "./connection.ts"
import { type ProxySettings, proxyFor } from "./proxy.ts"

export interface DispatcherOptions {
  proxy: ProxySettings | null
  /** Certificates to trust instead of the system's; PEM. Of the endpoint, and of a proxy that is https itself. */
  ca?: string | undefined
  /** Of connecting, the tunnel included, milliseconds. */
  connectMs: number
  /** Bytes of a whole answer's body, as they come. */
  maxResponseSize: number
  /** To one host at the same time; what is asked beyond that waits. Left out: as many as are asked. */
  connections?: number
}

/** Connections for requests that may be repeated: directly, or through the proxy by CONNECT. */
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
  // Said, so that no environment variable (NODE_TLS_REJECT_UNAUTHORIZED) can switch the check off.
  const connect = { ...(ca === undefined ? {} : { ca }), rejectUnauthorized: true, timeout: connectMs }
  // One bound for a whole try is set at each request; undici's own count silence only.
  const limits = {
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize,
    ...(connections === undefined ? {} : { connections }),
  }
  const direct = new Agent({ connect, ...limits })
  let tunnels: Agent | undefined
  const closing = new AbortController()
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
      // A tunnel that is being opened would keep the process for the rest of its time.
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

/** undici's own ProxyAgent waits for the answer to CONNECT without a limit, and keeps later requests waiting with it. */
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
