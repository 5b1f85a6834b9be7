import { createHash, timingSafeEqual } from "node:crypto"
import type { IncomingMessage } from "node:http"

/** Refusal of a request for data about supernodes and money; `null` allows the request. */
export type Denial = { status: 401 | 403; error: string } | null

/** A longer Authorization header is refused without parsing it. */
const MAX_AUTHORIZATION_CHARS = 4_096

/**
 * Checks access to /metrics and to the page: Bearer, or Basic with any user name and the token as password.
 * Without a configured token, only requests from this machine that passed no proxy are allowed, since a proxy
 * makes every client look local. Their Host must be this machine's, too. Otherwise a website could resolve
 * its own name to this machine and send requests through a local browser.
 */
export function readerDenial(
  {
    socket,
    rawHeaders,
  }: Pick<IncomingMessage, "rawHeaders"> & { socket: { remoteAddress?: string | undefined } },
  tokens: readonly string[],
): Denial {
  if (tokens.length === 0) return localDenial(socket.remoteAddress, rawHeaders)
  const given = valuesOf(rawHeaders, "authorization")
  if (given.length > 1) return { status: 401, error: "header Authorization: must be sent once" }
  const token = tokenIn(given[0] ?? "")
  if (token === null)
    return { status: 401, error: "header Authorization: must be Bearer, or Basic with the token as password" }
  // Tokens are hashed and all compared, so that timing reveals neither length nor a correct beginning.
  const fits = tokens.map((one) => timingSafeEqual(sha256(token), sha256(one)))
  return fits.includes(true) ? null : { status: 401, error: "the token is wrong" }
}

function localDenial(address: string | undefined, rawHeaders: readonly string[]): Denial {
  const isProxied = rawHeaders.some((name, i) => i % 2 === 0 && /^(?:x-)?forwarded(?:-|$)/i.test(name))
  if (isProxied || !isLoopbackAddress(address ?? ""))
    return {
      status: 403,
      error:
        "without SUPERNODE_METRICS_TOKEN only this machine may read this path, and not through a proxy. Set the token and send it",
    }
  const hosts = valuesOf(rawHeaders, "host")
  if (hosts.every(isLoopbackName)) return null
  return {
    status: 403,
    error:
      "without SUPERNODE_METRICS_TOKEN this path is available only at http://localhost or http://127.0.0.1. Set the token, or use such an address",
  }
}

/** True for a loopback address of a socket; an IPv4 address may be written as IPv6. */
function isLoopbackAddress(address: string): boolean {
  return address === "::1" || /^(?:::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/i.test(address)
}

/** True for a loopback Host header with or without a port: `localhost`, `127.0.0.1:8080`, `[::1]:8080`. */
function isLoopbackName(host: string): boolean {
  const name = host.replace(/:\d{1,5}$/, "").replace(/^\[(.*)\]$/, "$1")
  return name.toLowerCase() === "localhost" || isLoopbackAddress(name)
}

function valuesOf(rawHeaders: readonly string[], headerName: string): string[] {
  return rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && name.toLowerCase() === headerName ? (rawHeaders[i + 1] ?? "") : [],
  )
}

function tokenIn(authorization: string): string | null {
  if (authorization.length > MAX_AUTHORIZATION_CHARS) return null
  const [, scheme = "", value = ""] = /^(Bearer|Basic) +(\S+) *$/i.exec(authorization) ?? []
  if (value === "") return null
  if (scheme.toLowerCase() === "bearer") return value
  const pair = Buffer.from(value, "base64").toString("utf8")
  const colon = pair.indexOf(":")
  return colon < 0 ? null : pair.slice(colon + 1)
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest()
}
