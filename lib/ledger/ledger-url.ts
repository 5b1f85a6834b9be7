import { resolve } from "node:path"
import { POSTGRES_FORM, type PostgresUrl, parsePostgres, withoutPassword } from "./postgres/url.ts"

export { POSTGRES_FORM, withCertificatesAt } from "./postgres/url.ts"

/** A parsed `SUPERNODE_LEDGER` url, or the problems with it. */
export type LedgerUrl =
  | { kind: "memory" }
  | { kind: "sqlite"; path: string }
  | { kind: "dynamodb"; table: string; region: string; endpoint: string | null }
  | PostgresUrl
  | {
      kind: "invalid" /** All problems together. They never contain the url, which may have a password. */
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
  return invalid(`has an unknown scheme; ${FORMS}`)
}

/** Location of a ledger for messages and logs: a file's absolute path, else the url without its password. */
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
  // SQLite itself would open a temporary database for these, and lose the ledger when the process ends.
  if (path.trim() === "" || path === ":memory:") return invalid(`has no file path; ${FORMS}`)
  // Two slashes are ambiguous: a host, a relative or an absolute path. Three always mean an absolute path.
  if (/^\/\/(?!\/)/.test(path))
    return invalid("names a host; write sqlite:ledger.db or sqlite:/var/lib/ledger.db")
  return { kind: "sqlite", path }
}

// AWS also allows periods but GeminiDB does not. The same rule applies to both.
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
    username + password === "" ? null : "must not contain credentials",
    TABLE.test(table) ? null : "must name a table of 3 to 255 of A-Z a-z 0-9 _ -",
    (pathname === "" || pathname === "/") && hash === "" ? null : "must have only parameters after the table",
    REGION.test(region) ? null : "must have a region, as in dynamodb://TABLE?region=eu-central-1",
    endpoint === null ? null : endpointProblem(endpoint),
    names.every((name) => PARAMETERS.includes(name))
      ? null
      : `must have only the parameters ${PARAMETERS.join(", ")}`,
    new Set(names).size === names.length ? null : "must not repeat a parameter",
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
