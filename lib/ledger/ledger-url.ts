/** A `SUPERNODE_LEDGER` url, taken apart; or what is wrong with it and what is allowed. */
export type LedgerUrl =
  | { kind: "memory" }
  | { kind: "sqlite"; path: string }
  | { kind: "dynamodb"; table: string; region: string; endpoint: string | null }
  | { kind: "invalid"; problem: string }

const FORMS = "write sqlite:PATH, dynamodb://TABLE?region=REGION[&endpoint=URL] or memory:"

export function parseLedgerUrl(url: string): LedgerUrl {
  if (url === "memory:") return { kind: "memory" }
  if (url.startsWith("sqlite:")) return parseSqlite(url)
  if (url.startsWith("dynamodb:")) return parseDynamo(url)
  return invalid(url, `it names no store we know; ${FORMS}`)
}

function parseSqlite(url: string): LedgerUrl {
  const path = url.slice("sqlite:".length)
  // SQLite itself would take these for a database that is gone when the process ends: a ledger that forgets.
  if (path === "" || path === ":memory:") return invalid(url, `it names no file; ${FORMS}`)
  // Two slashes begin a host, or a relative path to some, or an absolute one; three are absolute to everyone.
  if (/^\/\/(?!\/)/.test(path)) return invalid(url, "write sqlite:ledger.db or sqlite:/var/lib/ledger.db")
  return { kind: "sqlite", path }
}

// AWS allows periods as well, GeminiDB does not; one rule for both.
const TABLE = /^[A-Za-z0-9_-]{3,255}$/
const REGION = /^[a-z0-9-]{1,64}$/
const PARAMETERS = ["region", "endpoint"]

function parseDynamo(url: string): LedgerUrl {
  if (!URL.canParse(url)) return invalid(url, `it is not a url; ${FORMS}`)
  const { host: table, pathname, username, password, hash, searchParams } = new URL(url)
  const region = searchParams.get("region") ?? ""
  const endpoint = searchParams.get("endpoint")
  const names = [...searchParams.keys()]
  const problems = [
    username + password === "" ? null : "it must carry no credentials",
    TABLE.test(table) ? null : "its table name must be 3 to 255 of A-Z a-z 0-9 _ -",
    (pathname === "" || pathname === "/") && hash === ""
      ? null
      : "nothing but parameters may follow the table",
    REGION.test(region) ? null : "it needs region=REGION, as in region=eu-central-1",
    endpoint === null ? null : endpointProblem(endpoint),
    names.every((name) => PARAMETERS.includes(name))
      ? null
      : `its parameters may only be ${PARAMETERS.join(", ")}`,
    new Set(names).size === names.length ? null : "a parameter is there twice",
  ].filter((problem) => problem !== null)
  return problems.length === 0
    ? { kind: "dynamodb", table, region, endpoint }
    : invalid(url, problems.join("; "))
}

function endpointProblem(endpoint: string): string | null {
  const says = "its endpoint must be an http or https url without credentials"
  if (!URL.canParse(endpoint)) return says
  const { protocol, username, password } = new URL(endpoint)
  return /^https?:$/.test(protocol) && username + password === "" ? null : says
}

// Whatever stands before an @ may be a password, and these words reach logs.
function invalid(url: string, problem: string): LedgerUrl {
  return {
    kind: "invalid",
    problem: `ledger ${JSON.stringify(url.replace(/\/\/[^/?]*@/g, "//…@"))}: ${problem}`,
  }
}
