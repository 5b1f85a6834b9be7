import * as z from "zod"
import { idKey } from "../decision/inputs/id.ts"
import type { Server } from "../decision/inputs/supernode.ts"
import type { Read } from "../ports.ts"
import { type SupernodePlace, supernodeUrl } from "./endpoints.ts"
import type { CloudReader } from "./http.ts"
import type { Parsed } from "./http-answer.ts"
import { serversOf } from "./supernode.ts"

/** More than the 48 servers a supernode may have, so one page is the rule. */
const PAGE_SIZE = 100
const MAX_PAGES = 20

const pageShape = z.looseObject({
  total: z.number().nullable().catch(null),
  data: z.array(z.unknown()),
})

interface Page {
  /** Of all pages; null where the answer does not say. */
  total: number | null
  servers: Server[]
}

/** GET /v1/{project_id}/dev-servers/hyperinstance/{id}/servers, all pages. A list that may be incomplete is refused. */
export async function listServers(reader: CloudReader, place: SupernodePlace): Promise<Read<Server[]>> {
  const found = new Map<string, Server>()
  for (let pages = 1; pages <= MAX_PAGES; pages++) {
    const before = found.size
    const read = await readPage(reader, place, found.size)
    if (!read.ok) return read
    const { total, servers } = read.value
    for (const server of servers) found.set(idKey(server.id), server)
    const isLast = total === null ? servers.length < PAGE_SIZE : found.size >= total
    if (isLast)
      return {
        ok: true,
        value: [...found.values()],
        skewMs: read.skewMs,
        ...(read.date === undefined ? {} : { date: read.date }),
      }
    if (found.size === before)
      return incomplete(`page ${pages} brought no server, ${found.size} of ${total ?? "?"} are known`)
  }
  return incomplete(`more than ${MAX_PAGES} pages`)
}

function readPage(reader: CloudReader, place: SupernodePlace, offset: number): Promise<Read<Page>> {
  const url = `${supernodeUrl(place, "servers")}?limit=${PAGE_SIZE}&offset=${offset}`
  const question = {
    operation: "listHyperinstanceServers",
    method: "GET",
    url,
    projectId: place.projectId,
  } as const
  return reader.read(question, pageOf)
}

function pageOf(json: unknown, receivedAt: number): Parsed<Page> {
  const parsed = pageShape.safeParse(json)
  if (!parsed.success) return { ok: false, why: "the answer has no list `data`" }
  const servers = serversOf(parsed.data.data, receivedAt)
  return servers.ok ? { ok: true, value: { total: parsed.data.total, servers: servers.value } } : servers
}

function incomplete(why: string): Extract<Read<never>, { ok: false }> {
  return { ok: false, why: `listHyperinstanceServers gave no complete list: ${why}`, credentials: false }
}
