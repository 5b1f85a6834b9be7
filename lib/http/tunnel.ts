import type { Socket } from "node:net"
import { proxyAuthorization } from "./proxy.ts"

/** The proxy's response to CONNECT is not a well-formed 2xx, so there is no tunnel. */
export class TunnelRefused extends Error {
  override readonly name = "TunnelRefused"
}

/** Maximum size of a response to CONNECT, which is a status line and some headers. */
const MAX_HEAD_BYTES = 16 * 1024

export interface TunnelOptions {
  proxy: URL
  /** `host:port` of the endpoint. */
  host: string
  deadline: AbortSignal
}

/**
 * Requests a tunnel from the proxy over an open socket. Afterwards the next byte on the socket is the
 * endpoint's. Rejects unless the response is a well-formed 2xx. Also rejects if bytes follow the response's
 * head: a TLS endpoint sends nothing before the client does.
 */
export function openTunnel(socket: Socket, { proxy, host, deadline }: TunnelOptions): Promise<void> {
  const authorization = proxyAuthorization(proxy)
  const lines = [
    `CONNECT ${host} HTTP/1.1`,
    `Host: ${host}`,
    ...(authorization === null ? [] : [`Proxy-Authorization: ${authorization}`]),
  ]
  return new Promise((resolve, reject) => {
    let head = ""
    const onData = (chunk: Buffer) => {
      head += chunk.toString("latin1")
      const end = head.indexOf("\r\n\r\n")
      if (end < 0 && head.length <= MAX_HEAD_BYTES) return
      socket.off("data", onData)
      // TLS will read the next bytes. Until then the paused socket keeps them.
      socket.pause()
      const refusal =
        end < 0
          ? "the proxy's response to CONNECT is too long"
          : refusalIn({ head, end, hasLogin: authorization !== null })
      if (refusal === null) resolve()
      else reject(new TunnelRefused(refusal))
    }
    socket.on("data", onData)
    socket.once("end", () => reject(new Error("the proxy closed the connection")))
    socket.once("close", () => reject(new Error("the proxy closed the connection")))
    socket.on("error", reject)
    deadline.addEventListener("abort", () => reject(new Error("timeout")), { once: true })
    socket.write(`${lines.join("\r\n")}\r\n\r\n`)
  })
}

interface Answered {
  head: string
  /** Index in `head` of the blank line that ends it. */
  end: number
  /** True if the request contained a login. */
  hasLogin: boolean
}

/** Reason to refuse the response, or `null`. Shows only the status, because the rest may echo the login. */
function refusalIn({ head, end, hasLogin }: Answered): string | null {
  const status = /^HTTP\/1\.[01] (\d{3})(?: |\r\n)/.exec(head)?.[1]
  if (status === undefined) return "the proxy's response to CONNECT is not HTTP"
  if (status === "407") {
    const why = hasLogin
      ? "it rejected the login in HTTPS_PROXY"
      : "it requires a login, and HTTPS_PROXY has none: write it as http://USER:PASSWORD@HOST:PORT"
    return `the proxy answered CONNECT with 407: ${why}`
  }
  if (!status.startsWith("2")) return `the proxy answered CONNECT with ${status}`
  return head.length > end + 4 ? "the proxy sent unexpected bytes after its response to CONNECT" : null
}
