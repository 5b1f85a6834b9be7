import { Agent, type Dispatcher, ProxyAgent } from "undici"
import { type ProxySettings, proxyAuthorization, proxyFor } from "./proxy.ts"

export interface DispatcherOptions {
  proxy: ProxySettings | null
  /** Certificates to trust instead of the system's; PEM. Of the endpoint, and of a proxy that is https itself. */
  ca?: string | undefined
  /** Of connecting, milliseconds. */
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
  let tunnel: ProxyAgent | undefined
  return {
    for(url) {
      const address = proxyFor(url, proxy)
      if (!address) return direct
      const token = proxyAuthorization(address)
      tunnel ??= new ProxyAgent({
        uri: address.origin,
        ...(token === null ? {} : { token }),
        requestTls: connect,
        proxyTls: connect,
        ...limits,
      })
      return tunnel
    },
    async close() {
      await Promise.all([direct.destroy(), tunnel?.destroy()])
    },
  }
}
