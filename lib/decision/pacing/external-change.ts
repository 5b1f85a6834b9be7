import { latestNow } from "../inputs/clock.ts"
import { presentServers } from "../inputs/supernode.ts"
import type { Situation } from "../situation.ts"

/**
 * Creation of the newest server that we did not buy, epoch milliseconds. On a chain that knows no servers
 * yet, every server is external: an operator may have scaled by hand a minute before the installation. A
 * server without a creation time may have been made just now.
 */
export function lastExternalChangeAt(situation: Situation): number | null {
  const { state, supernode } = situation
  if (state.servers !== null || supernode.state !== "read") return state.foreignAt
  const now = latestNow(situation)
  const created = presentServers(supernode.value).map((server) => Math.min(server.createAt ?? now, now))
  return created.length > 0 ? Math.max(state.foreignAt ?? 0, ...created) : state.foreignAt
}
