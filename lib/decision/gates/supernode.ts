import { presentServers } from "../inputs/supernode.ts"
import { counted } from "../policy/amounts.ts"
import { missingServers } from "../state/missing-servers.ts"
import { fail, notEvaluated, pass, type Verdict } from "../verdict.ts"
import type { GateFacts } from "./gate.ts"

/** Statuses of servers that are not about to change. Every other status is transitional or broken. */
export const STABLE_STATUSES: readonly string[] = ["RUNNING", "STOPPED", "DELETED"]

/** Passes if the supernode is ACTIVE, all its servers are stable, and the cloud lists every server that the ledger knows. */
export function supernodeReady({ situation: { supernode, state } }: GateFacts): Verdict {
  if (supernode.state === "not-read") return notEvaluated("the supernode was not read")
  if (supernode.state === "unreadable") {
    return fail(
      supernode.credentials ? "credentials" : "supernode-unreadable",
      `the supernode could not be read: ${supernode.why}`,
    )
  }
  const { status, servers } = supernode.value
  if (servers === null) return fail("supernode-unreadable", "the response has no list of servers", { status })
  const missing = missingServers(state, supernode.value)
  if (missing.length > 0) {
    return fail(
      "supernode-unreadable",
      `servers known from the ledger are not in the cloud's list, not even as DELETED: ${missing.join(", ")}`,
      { vanished: missing },
    )
  }
  const statuses = Object.fromEntries(servers.map((server) => [server.id, server.status]))
  if (status !== "ACTIVE")
    return fail("supernode-not-ready", `the supernode is ${status}; it must be ACTIVE`, { status, statuses })
  const unsettled = servers.filter((server) => !STABLE_STATUSES.includes(server.status))
  if (unsettled.length > 0) {
    const named = unsettled.map((server) => `${server.name ?? server.id} is ${server.status}`).join(", ")
    return fail("supernode-not-ready", `${named}; servers must be RUNNING or STOPPED`, { status, statuses })
  }
  return pass(`ACTIVE with ${counted(presentServers(supernode.value).length, "server")}`, {
    status,
    statuses,
  })
}
