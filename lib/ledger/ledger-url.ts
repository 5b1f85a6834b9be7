import { resolve } from "node:path"
import { POSTGRES_FORM, type PostgresUrl, parsePostgres, withoutPassword } from "./postgres/url.ts"

export { POSTGRES_FORM, withCertificatesAt } from "./postgres/url.ts"

/** A `SUPERNODE_LEDGER` url, taken apart; or what is wrong with it and what is allowed. */
export type LedgerUrl =
  | { kind: "memory" }
  | { kind: "sqlite"; path: string }
  | { kind: "dynamodb"; table: string; region: string; endpoint: string | null }
  | PostgresUrl
  | {
      kind: "invalid" /** All at once; the url is repeated in none, since it may carry a password. */
      problems: string[]
    }

const FORMS = `write sqlite:PATH, dynamodb://TABLE?region=REGION[&endpoint=URL], ${POSTGRES_FORM} or memory:`

export function parseLedgerUrl(url: string): LedgerUrl {
  if (url === "memory:") return { kind: "memory" }
  if (url.startsWith("sqlite:")) return parseSqlite(url.slice("sqlite:".length))
  if (url.startsWith("dynamodb:")) return parseDynamo(url)
  if (/^postgres(?:ql)?:/.test(url)) {
    if (!URL.canParse(url)) return invalid(`is not a url; ${FORMS}`)
    const parsed = parsePostgres(new URL(url))
    return Array.isArray(parsed) ? invalid(...parsed) : parsed
  }
  return invalid(`names no store we know; ${FORMS}`)
}

/** Where a ledger is, for people and logs: a file by its absolute path, a table or database by its url without password. */
export function ledgerPlace(url: string): string {
  const parsed = parseLedgerUrl(url)
  switch (parsed.kind) {
    case "sqlite":
      return `sqlite:${resolve(parsed.path)}`
    case "postgres":
      return withoutPassword(url)
    case "invalid":
      return "the ledger's url"
    case "dynamodb":
    case "memory":
      return url
  }
}

function parseSqlite(path: string): LedgerUrl {
  // SQLite itself would take these for a database that is gone when the process ends: a ledger that forgets.
  if (path.trim() === "" || path === ":memory:") return invalid(`names no file; ${FORMS}`)
  // Two slashes begin a host, or a relative path to some, or an absolute one; three are absolute to everyone.
  if (/^\/\/(?!\/)/.test(path))
    return invalid("names a host; write sqlite:ledger.db or sqlite:/var/lib/ledger.db")
  return { kind: "sqlite", path }
}

// AWS allows periods as well, GeminiDB does not; one rule for both.
const TABLE = /^[A-Za-z0-9_-]{3,255}$/
const REGION = /^[a-z0-9-]{1,64}$/
const PARAMETERS = ["region", "endpoint"]

function parseDynamo(url: string): LedgerUrl {
  if (!URL.canParse(url)) return invalid(`is not a url; ${FORMS}`)
  const { host: table, pathname, username, password, hash, searchParams } = new URL(url)
  const region = searchParams.get("region") ?? ""
  const endpoint = searchParams.get("endpoint")
  const names = [...searchParams.keys()]
  const problems = [
    username + password === "" ? null : "must carry no credentials",
    TABLE.test(table) ? null : "must name a table of 3 to 255 of A-Z a-z 0-9 _ -",
    (pathname === "" || pathname === "/") && hash === ""
      ? null
      : "must have nothing but parameters after the table",
    REGION.test(region) ? null : "must have a region, as in dynamodb://TABLE?region=eu-central-1",
    endpoint === null ? null : endpointProblem(endpoint),
    names.every((name) => PARAMETERS.includes(name))
      ? null
      : `must have no parameters but ${PARAMETERS.join(", ")}`,
    new Set(names).size === names.length ? null : "must have no parameter twice",
  ].filter((problem) => problem !== null)
  return problems.length === 0 ? { kind: "dynamodb", table, region, endpoint } : invalid(...problems)
}

function endpointProblem(endpoint: string): string | null {
  const says = "must have an http or https url without credentials as endpoint"
  if (!URL.canParse(endpoint)) return says
  const { protocol, username, password } = new URL(endpoint)
  return /^https?:$/.test(protocol) && username + password === "" ? null : says
}

function invalid(...problems: string[]): LedgerUrl {
  return { kind: "invalid", problems }
}
