import { idKey } from "../decision/inputs/id.ts"
import type { Supernode } from "../decision/inputs/supernode.ts"
import type { Read } from "../ports.ts"
import type { Parsed } from "./cloud-response.ts"
import { type SupernodePlace, supernodesUrl } from "./endpoints.ts"
import type { CloudReader } from "./http.ts"
import { PAGE_SIZE, pageIn, readAllPages } from "./pages.ts"
import { listedSupernode } from "./supernode.ts"

/**
 * GET /v1/{project_id}/dev-servers/hyperinstance, all pages: supernodes of one project that belong to the
 * user of the access key.
 */
export function listSupernodes(
  reader: CloudReader,
  place: Omit<SupernodePlace, "id">,
): Promise<Read<Supernode[]>> {
  const operation = "listHyperinstances"
  const { projectId } = place
  return readAllPages({
    operation,
    noun: "supernode",
    keyOf: ({ id }) => idKey(id),
    readPage: (offset) => {
      const url = `${supernodesUrl(place)}?limit=${PAGE_SIZE}&offset=${offset}`
      return reader.read({ operation, method: "GET", url, projectId }, (json, receivedAt) =>
        pageIn(json, (data) => supernodesOf(data, receivedAt)),
      )
    },
  })
}

/** A supernode without a readable id makes the whole list unreadable: if skipped, it would seem absent. */
function supernodesOf(data: readonly unknown[], receivedAt: number): Parsed<Supernode[]> {
  const supernodes: Supernode[] = []
  for (const [i, item] of data.entries()) {
    const read = listedSupernode(item, receivedAt)
    if (!read.ok) return { ok: false, why: `supernode ${i + 1} of ${data.length}: ${read.why}` }
    supernodes.push(read.value)
  }
  return { ok: true, value: supernodes }
}
