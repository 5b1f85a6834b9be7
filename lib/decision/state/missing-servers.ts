import { idKey } from "../inputs/id.ts"
import type { Supernode } from "../inputs/supernode.ts"
import type { SupernodeState } from "./state.ts"

/**
 * Ids of servers that the chain knows and the cloud no longer lists, though nobody saw them DELETED. An answer that
 * leaves servers out is not one to count by: what we bought might be what is missing.
 */
export function missingServers({ servers, attempt }: SupernodeState, supernode: Supernode): string[] {
  const listed = new Set((supernode.servers ?? []).map((server) => idKey(server.id)))
  return [...new Set([...(servers ?? []), ...(attempt?.before ?? [])])].filter((id) => !listed.has(idKey(id)))
}
