/** Location of a ledger in PostgreSQL. */
export interface PostgresPlace {
  host: string
  port: number
  database: string
  user: string
  /** Password in the url; `null` if it has none. Never printed. */
  password: string | null
  /** `verify-full` checks the server's certificate and name. `disable` means no TLS, only for loopback. */
  sslmode: "verify-full" | "disable"
  /** Path of a PEM file with the certificates to trust; `null` for those of Node.js. */
  sslrootcert: string | null
}

/** A parsed url. */
export interface PostgresUrl extends PostgresPlace {
  kind: "postgres"
}

export const POSTGRES_FORM = "postgres://USER@HOST[:PORT]/DB[?sslrootcert=FILE]"

const PORT = 5432
const PARAMETERS = ["sslmode", "sslrootcert"]

/** Parsed url, or all problems with it. They never contain the url, which may have a password. */
export function parsePostgres(url: URL): PostgresUrl | string[] {
  const { hostname, port, pathname, hash, searchParams } = url
  const user = decoded(url.username)
  const password = decoded(url.password)
  const database = decoded(pathname.slice(1))
  const host = hostname.replace(/^\[(.*)\]$/, "$1")
  const sslmode = searchParams.get("sslmode") ?? "verify-full"
  const sslrootcert = searchParams.get("sslrootcert")
  const names = [...searchParams.keys()]
  const problems = [
    user === null || password === null || database === null ? "must have % only before two hex digits" : null,
    host === "" ? `must name a host, as in ${POSTGRES_FORM}` : null,
    user === "" ? `must name a user, as in ${POSTGRES_FORM}` : null,
    database === "" || database?.includes("/") ? `must name one database, as in ${POSTGRES_FORM}` : null,
    hash === "" ? null : "must have nothing after the parameters: write # in a password as %23",
    sslmodeProblem(sslmode, host),
    sslrootcert === "" ? "must name a certificate file in sslrootcert" : null,
    names.every((name) => PARAMETERS.includes(name))
      ? null
      : `must have only the parameters ${PARAMETERS.join(", ")}`,
    new Set(names).size === names.length ? null : "must not repeat a parameter",
  ].filter((problem) => problem !== null)
  if (problems.length > 0 || user === null || database === null) return problems
  return {
    kind: "postgres",
    host,
    port: port === "" ? PORT : Number(port),
    database,
    user,
    password: password || null,
    sslmode: sslmode === "disable" ? "disable" : "verify-full",
    sslrootcert,
  }
}

/** Url without its password, for messages. */
export function withoutPassword(url: string): string {
  const shown = new URL(url)
  shown.password = ""
  return shown.href
}

/** Url with another path for its certificates. Everything else stays as it is written. */
export function withCertificatesAt(url: string, at: (path: string) => string): string {
  const path = new URL(url).searchParams.get("sslrootcert")
  if (path === null || at(path) === path) return url
  const written = encodeURIComponent(at(path)).replaceAll("%2F", "/")
  return url.replace(/([?&]sslrootcert=)[^&]*/, (_, name: string) => `${name}${written}`)
}

function sslmodeProblem(sslmode: string, host: string): string | null {
  if (sslmode === "verify-full") return null
  if (sslmode !== "disable") return "must have sslmode=verify-full, or sslmode=disable for a loopback host"
  return isLoopback(host)
    ? null
    : "may use sslmode=disable only on loopback: otherwise entries and password are sent unencrypted"
}

function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || /^127(?:\.\d{1,3}){3}$/.test(host)
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}
