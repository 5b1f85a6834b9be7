import { BlockList, isIP } from "node:net"
import { isLoopback } from "../decision/policy/secure-address.ts"

// HTTPS_PROXY and NO_PROXY, with the same rules for every outgoing connection. undici's own rules cover
// neither all loopback addresses nor CIDR blocks, so undici gets only the result.

/** Values of HTTPS_PROXY and NO_PROXY. The address may contain a login, so it is never shown. */
export interface ProxySettings {
  address: string
  noProxy: string
}

/** Problem of an HTTPS_PROXY; `null` if it is valid. Never shows the value, which may contain a password. */
export function proxyProblem(address: string): string | null {
  const url = URL.canParse(address) ? new URL(address) : null
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === "")
    return "must be an http or https URL such as http://proxy.example.com:3128 (its value is not shown: it may hold a password)"
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "")
    return "must have no path, query or fragment (its value is not shown: it may hold a password)"
  return null
}

/** Proxy for a request to this URL; `null` connects directly. Plain http and loopback are always direct. */
export function proxyFor(url: URL, proxy: ProxySettings | null): URL | null {
  if (!proxy || url.protocol !== "https:" || isLoopback(url.hostname)) return null
  const host = plainHost(url.hostname)
  const port = url.port || "443"
  const entries = proxy.noProxy.split(/[,\s]+/).filter((entry) => entry !== "")
  return entries.some((entry) => covers(entry.toLowerCase(), host, port)) ? null : new URL(proxy.address)
}

/** Suffix of error messages: ` (through the proxy proxy.example.com:3128)`; empty for a direct request. */
export function sayProxy(url: URL, proxy: ProxySettings | null): string {
  const via = proxyFor(url, proxy)
  return via === null ? "" : ` (through the proxy ${via.host})`
}

/**
 * True if a NO_PROXY entry matches a host. Entries are `*`, `host`, `.domain` or `*.domain`, each with or
 * without `:port`, an address, or a block such as `10.0.0.0/8`.
 */
function covers(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true
  const [, base = "", bits] = /^(.+)\/(\d{1,3})$/.exec(entry) ?? []
  if (bits !== undefined) return isInBlock(base, Number(bits), host)
  if (isIP(entry)) return isInBlock(entry, isIP(entry) === 4 ? 32 : 128, host)
  const [, written = entry, entryPort] = /^(.+):(\d+)$/.exec(entry) ?? []
  if (entryPort !== undefined && entryPort !== port) return false
  const name = plainHost(written.replace(/^\*?\./, ""))
  if (isIP(name)) return covers(name, host, port)
  return host === name || host.endsWith(`.${name}`)
}

/** Host in lower case, without the brackets of an IPv6 address and the trailing dot of a full name. */
function plainHost(host: string): string {
  return host.toLowerCase().replace(/^\[|\]$|\.$/g, "")
}

function isInBlock(base: string, bits: number, host: string): boolean {
  const family = isIP(base)
  if (family === 0 || isIP(host) !== family || bits > (family === 4 ? 32 : 128)) return false
  const type = family === 4 ? "ipv4" : "ipv6"
  const block = new BlockList()
  block.addSubnet(base, bits, type)
  return block.check(host, type)
}

/** Value of Proxy-Authorization; `null` if the address contains no login. */
export function proxyAuthorization({ username, password }: URL): string | null {
  if (username === "" && password === "") return null
  const login = `${decoded(username)}:${decoded(password)}`
  return `Basic ${Buffer.from(login).toString("base64")}`
}

/** All forms of the login's password. No message and no record may contain any of them. */
export function proxySecrets(proxy: URL): string[] {
  const basic = proxyAuthorization(proxy)
  const { username, password } = proxy
  return [decoded(password), password, basic?.slice("Basic ".length) ?? "", `${username}:${password}`].filter(
    (secret) => secret.length > 1,
  )
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
