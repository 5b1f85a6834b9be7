import { STABLE_STATUSES } from "../gates/supernode.ts"
import { includesId } from "../inputs/id.ts"
import { missingServers } from "../state/missing-servers.ts"
import { type Change, combineHints, type Hint } from "./change.ts"
import type { HintInputs } from "./hint-maker.ts"
import { resetBy, settledBy } from "./in-flight.ts"

type Source = Extract<Change, { what: "readable" | "keys" }>["of"]

const SOURCES: Record<Source, string> = {
  control: "the control stream",
  supernode: "the supernode",
  metrics: "the metrics",
  offers: "scale-evaluations",
}

export function readable(of: Source): Hint {
  return { says: `${SOURCES[of]} must be readable again`, change: { kind: "cloud", what: "readable", of } }
}

export function keysAccepted(of: Source): Hint {
  return { says: `the keys for ${SOURCES[of]} must be accepted`, change: { kind: "cloud", what: "keys", of } }
}

/** All conditions that the supernode must still meet, not only the first that failed. */
export function supernodeIsReady({ situation }: HintInputs): Hint | null {
  const { supernode, state } = situation
  if (supernode.state !== "read" || supernode.value.servers === null) return readable("supernode")
  const { status, servers } = supernode.value
  const listed = servers.map(({ id }) => id)
  const { attempt } = state
  const isLost = attempt?.before.some((id) => !includesId(listed, id)) ?? false
  const unsettled = servers.filter((server) => !STABLE_STATUSES.includes(server.status))
  return combineHints([
    // A reset forgets the chain's list of servers, but not an attempt's `before`: that needs a settlement.
    attempt && isLost ? settledBy(situation, attempt.id) : null,
    missingServers({ ...state, attempt: null }, supernode.value).length > 0 ? resetBy(situation) : null,
    status === "ACTIVE"
      ? null
      : { says: "the supernode must become ACTIVE", change: { kind: "cloud", what: "supernode-active" } },
    unsettled.length === 0
      ? null
      : {
          says: `${unsettled.map(({ id, name }) => name ?? id).join(", ")} must become RUNNING`,
          change: { kind: "cloud", what: "servers-settled", servers: unsettled.map(({ id }) => id) },
        },
  ])
}
