import { isIP, type LookupFunction, type Socket, connect as tcpConnect } from "node:net"
import { connect as tlsConnect } from "node:tls"
import type { NotSent } from "../../decision/state/outcome.ts"
import { codeOf, messageOf } from "../failure.ts"
import { oneLine } from "./redaction.ts"

export interface ConnectOptions {
  url: URL
  /** For name, TCP and TLS together. */
  budgetMs: number
  /** Certificates to trust instead of the system's; PEM. */
  tls?: { ca: string } | undefined
  lookup?: LookupFunction | undefined
}

/** The one connection of a purchase, standing but unused; or why there is none, which is a safe ending. */
export function connectForPurchase(options: ConnectOptions): Promise<Socket | NotSent> {
  const { url, budgetMs } = options
  const isSecure = url.protocol === "https:"
  return new Promise((resolve) => {
    let tcpStands = false
    const socket = openSocket(options)
    const timer = setTimeout(
      () => fail("connect-timeout", `no connection within ${Math.round(budgetMs)} ms`),
      budgetMs,
    )
    function fail(reason: string, says: string) {
      clearTimeout(timer)
      socket.destroy()
      resolve({ kind: "not-sent", reason, says: oneLine(`${url.host}: ${says}; nothing was sent`) })
    }
    socket.once("connect", () => {
      tcpStands = true
    })
    socket.once(isSecure ? "secureConnect" : "connect", () => {
      clearTimeout(timer)
      resolve(socket)
    })
    // These listeners stay: a socket that errs while nobody listens would end the process.
    socket.on("error", (cause) => fail(reasonOf(cause, tcpStands && isSecure), messageOf(cause)))
    socket.once("close", () =>
      fail(tcpStands && isSecure ? "tls-failure" : "connect-failure", "the connection was closed"),
    )
  })
}

function openSocket({ url, tls, lookup }: ConnectOptions): Socket {
  const host = url.hostname.replace(/^\[|\]$/g, "")
  const address = { host, ...(lookup ? { lookup } : {}) }
  const socket =
    url.protocol === "https:"
      ? tlsConnect({
          ...address,
          port: Number(url.port || 443),
          ALPNProtocols: ["http/1.1"],
          rejectUnauthorized: true,
          ...(isIP(host) ? {} : { servername: host }),
          ...tls,
        })
      : tcpConnect({ ...address, port: Number(url.port || 80) })
  return socket.setNoDelay(true)
}

function reasonOf(cause: Error, isInTls: boolean): string {
  if (isInTls) return "tls-failure"
  const code = codeOf(cause) ?? ""
  if (("syscall" in cause && cause.syscall === "getaddrinfo") || /^(ENOTFOUND|EAI_)/.test(code))
    return "dns-failure"
  if (code === "ECONNREFUSED") return "refused"
  if (code === "ETIMEDOUT") return "connect-timeout"
  return "connect-failure"
}
