import { idKey } from "../inputs/id.ts"
import type { Supernode } from "../inputs/supernode.ts"
import type { SupernodeState } from "./state.ts"

/**
 * Ids of servers that the chain knows and the cloud no longer lists, although no response showed them as DELETED.
 * A list that omits servers must not be used for counting: it may omit what we bought.
 */
export function missingServers({ servers, attempt }: SupernodeState, supernode: Supernode): string[] {
  const listed = new Set((supernode.servers ?? []).map((server) => idKey(server.id)))
  return [...new Set([...(servers ?? []), ...(attempt?.before ?? [])])].filter((id) => !listed.has(idKey(id)))
}
