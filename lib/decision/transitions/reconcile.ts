import { confirmedTime, earliestNow, latestNow } from "../inputs/clock.ts"
import { includesId, isSameId } from "../inputs/id.ts"
import { presentServers, type Server, type Supernode } from "../inputs/supernode.ts"
import { counted } from "../policy/amounts.ts"
import type { Situation } from "../situation.ts"
import { type OpenAttempt, STUCK_AFTER_MS } from "../state/attempt.ts"
import { missingServers } from "../state/missing-servers.ts"
import type { Observation } from "../state/observation.ts"
import type { SupernodeState } from "../state/state.ts"
import { sayTime } from "../verdict.ts"
import { KEEP_ABSENT_MS } from "./remember.ts"

/**
 * Compares the state with the supernode. Returns one observation, the outcome of the attempt in flight or an
 * external change, since each observation is an entry of its own; null if nothing changed. Pure. Attempts
 * that are `stuck`, `partial` or `wrong` do not change here: a person settles them. If our clock and the
 * cloud's disagree, deadlines are checked by the earlier one, and waits start at the later one.
 */
export function reconcile(situation: Situation): Observation | null {
  const { state, supernode, policy } = situation
  const [now, latest] = [earliestNow(situation), latestNow(situation)]
  const { attempt } = state
  const isDated = situation.cloudSkewMs !== null
  if (attempt?.state === "open" && now > attempt.deadline) {
    const says = `was opened, but its outcome was not recorded by ${sayTime(attempt.deadline)}`
    return { kind: "unknown", says, attempt: attempt.id, servers: [], present: null, at: now }
  }
  const late = attempt ? undefined : state.absent.find(({ acceptedAt }) => acceptedAt !== null)
  if (late) return lateAnswer(late, now)
  if (supernode.state !== "read" || supernode.value.servers === null) return null
  // The list lacks a server that no response has shown as DELETED, so the list is incomplete and proves nothing.
  if (missingServers(state, supernode.value).length > 0) return null
  if (!attempt) return reconcileOthers({ ...state, absent: absentNow(situation) }, supernode.value, latest)
  const present = presentServers(supernode.value)
  const newcomers = present.filter((server) => !includesId(attempt.before, server.id))
  if (attempt.state === "unknown") {
    if (policy.unknownOutcome !== "auto" || newcomers.length === 0) return null
    const says = `counts as accepted: ${counted(newcomers.length, "new server")} since it was opened`
    return {
      kind: "accepted",
      says,
      attempt: attempt.id,
      servers: idsOf(newcomers),
      present: idsOf(present),
      at: now,
    }
  }
  return attempt.state === "accepted"
    ? reconcileAccepted({ attempt, supernode: supernode.value, newcomers, now, latest, isDated })
    : null
}

interface AcceptedFacts {
  attempt: OpenAttempt
  supernode: Supernode
  newcomers: Server[]
  now: number
  latest: number
  /** True if a response of the cloud had a time. */
  isDated: boolean
}

/**
 * Attempts that a person settled as absent so recently that new servers may belong to them; all of them if no
 * time is confirmed.
 */
function absentNow(situation: Situation): OpenAttempt[] {
  const { absent } = situation.state
  const now = confirmedTime(situation)
  return now === null ? absent : absent.filter(({ openedAt }) => openedAt > now - KEEP_ABSENT_MS)
}

function reconcileAccepted({
  attempt,
  supernode,
  newcomers,
  now,
  latest,
  isDated,
}: AcceptedFacts): Observation | null {
  const present = presentServers(supernode)
  const count = present.length
  const about = { attempt: attempt.id, servers: idsOf(newcomers), present: idsOf(present), at: now }
  const running = newcomers.filter((server) => server.status === "RUNNING")
  const foreignFlavor = otherFlavor(attempt, supernode, newcomers)
  if (count > attempt.to)
    return {
      ...about,
      kind: "wrong",
      says: `led to ${counted(count, "server")}; ${attempt.to} were planned`,
    }
  if (foreignFlavor)
    return {
      ...about,
      kind: "wrong",
      says: `delivered servers of flavor ${foreignFlavor}, unlike the existing servers`,
    }
  if (count === attempt.to && running.length === newcomers.length) {
    return {
      ...about,
      kind: "completed",
      says: `is complete: ${counted(count, "server")}`,
      at: completedAt(attempt, newcomers, latest),
    }
  }
  const acceptedAt = attempt.acceptedAt ?? attempt.openedAt
  // Without a time of the cloud, our own clock may be hours ahead. A later run then decides whether it is stuck.
  if (!isDated || now - acceptedAt <= STUCK_AFTER_MS) return null
  if (newcomers.length > 0 && running.length === newcomers.length) {
    return {
      ...about,
      kind: "partial",
      says: `led to only ${counted(count, "server")}; ${attempt.to} were planned, and the rest is not ordered again`,
    }
  }
  const statuses =
    newcomers.map((server) => `${server.id} ${server.status}`).join(", ") || "no new server is listed"
  return { ...about, kind: "stuck", says: `is not complete 45 minutes after it was accepted: ${statuses}` }
}

/**
 * Completion: the newest `update_at` among the new servers, limited to the time between the request and now.
 */
function completedAt(attempt: OpenAttempt, newcomers: Server[], now: number): number {
  const newest = Math.max(...newcomers.map((server) => server.updateAt ?? now), attempt.openedAt)
  return Math.max(attempt.openedAt, Math.min(newest, now))
}

/** Flavor of a new server that differs from the one flavor of all earlier servers; null if there is none. */
function otherFlavor(attempt: OpenAttempt, supernode: Supernode, newcomers: Server[]): string | null {
  const before = new Set(
    (supernode.servers ?? [])
      .filter((server) => includesId(attempt.before, server.id))
      .map((server) => server.flavor),
  )
  const [usual] = before
  if (before.size !== 1 || usual === null || usual === undefined) return null
  return newcomers.find((server) => server.flavor !== null && server.flavor !== usual)?.flavor ?? null
}

/** Observation about an attempt that a person had settled as absent, although the cloud accepted it. */
function lateAnswer({ id, orderId }: OpenAttempt, now: number): Observation {
  const says = `was settled as absent, but the cloud accepted it${orderId ? ` as order ${orderId}` : ""}`
  return { kind: "wrong", says, attempt: id, servers: [], present: null, at: now }
}

/**
 * Servers that appeared or were deleted without us. If a person settled an attempt as absent, new servers show
 * that its purchase did happen.
 */
function reconcileOthers(state: SupernodeState, supernode: Supernode, now: number): Observation | null {
  const absent = state.absent.at(-1)
  const known = state.servers ?? absent?.before
  if (!known) return null
  const present = presentServers(supernode)
  const newcomers = present.filter((server) => !includesId(known, server.id))
  const departed = (supernode.servers ?? []).filter(
    ({ id, status }) =>
      status === "DELETED" && includesId(known, id) && !present.some((server) => isSameId(server.id, id)),
  )
  if (newcomers.length > 0 && absent) {
    const says = `was settled as absent, but ${counted(newcomers.length, "new server")} appeared`
    return {
      kind: "wrong",
      says,
      attempt: absent.id,
      servers: idsOf(newcomers),
      present: idsOf(present),
      at: now,
    }
  }
  if (newcomers.length === 0 && departed.length === 0) return null
  const says = [
    ...(newcomers.length > 0 ? [`${counted(newcomers.length, "server")} appeared that we did not buy`] : []),
    ...(departed.length > 0
      ? [`${counted(departed.length, "server")} ${departed.length === 1 ? "was" : "were"} deleted`]
      : []),
  ].join("; ")
  const createdAt =
    newcomers.length > 0 ? Math.max(...newcomers.map((server) => server.createAt ?? now)) : now
  return {
    kind: "out-of-band",
    says,
    attempt: null,
    servers: idsOf([...newcomers, ...departed]),
    present: idsOf(present),
    at: Math.min(createdAt, now),
  }
}

function idsOf(servers: Server[]): string[] {
  return servers.map((server) => server.id)
}
