/** A problem with one series; `server` is `null` if the series covers the whole supernode. */
export interface SeriesProblem {
  server: string | null
  says: string
}

const NAMED_AT_MOST = 4
/** A `problem` is recorded with every decision, so many complaints of a meter must not fill the ledger. */
const COMPLAINTS_AT_MOST = 8

/**
 * The `problem` of a reading. Equal complaints are merged and list their servers. `null` without complaints.
 */
export function sayProblems(problems: readonly SeriesProblem[]): string | null {
  const serversBySaying = new Map<string, string[]>()
  for (const { server, says } of problems) {
    const servers = serversBySaying.get(says) ?? []
    if (server !== null) servers.push(server)
    serversBySaying.set(says, servers)
  }
  const lines = [...serversBySaying].map(([says, servers]) =>
    servers.length === 0 ? says : `${sayServers(servers)}: ${says}`,
  )
  const more = lines.length - COMPLAINTS_AT_MOST
  const shown = more > 0 ? [...lines.slice(0, COMPLAINTS_AT_MOST), `${more} more problems`] : lines
  return shown.length === 0 ? null : shown.join("; ")
}

function sayServers(ids: readonly string[]): string {
  const named = ids.slice(0, NAMED_AT_MOST).join(", ")
  const more = ids.length - NAMED_AT_MOST
  return `${ids.length === 1 ? "server" : "servers"} ${named}${more > 0 ? ` and ${more} more` : ""}`
}
