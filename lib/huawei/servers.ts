import { idKey } from "../decision/inputs/id.ts"
import type { Server } from "../decision/inputs/supernode.ts"
import type { Read } from "../ports.ts"
import { type SupernodePlace, supernodeUrl } from "./endpoints.ts"
import type { CloudReader } from "./http.ts"
import { PAGE_SIZE, pageIn, readAllPages } from "./pages.ts"
import { serversOf } from "./supernode.ts"

/**
 * GET /v1/{project_id}/dev-servers/hyperinstance/{id}/servers, all pages. Usually there is one: a page has
 * 100 servers, and a supernode has at most 48.
 */
export function listServers(reader: CloudReader, place: SupernodePlace): Promise<Read<Server[]>> {
  const operation = "listHyperinstanceServers"
  const { projectId } = place
  return readAllPages({
    operation,
    noun: "server",
    keyOf: ({ id }) => idKey(id),
    readPage: (offset) => {
      const url = `${supernodeUrl(place, "servers")}?limit=${PAGE_SIZE}&offset=${offset}`
      return reader.read({ operation, method: "GET", url, projectId }, (json, receivedAt) =>
        pageIn(json, (data) => serversOf(data, receivedAt)),
      )
    },
  })
}
