import { presentServers, type Server } from "../../../lib/decision/inputs/supernode.ts"
import type { Policy } from "../../../lib/decision/policy/policy.ts"
import type { Cloud } from "../../../lib/ports.ts"

/** The present servers, or the reason why they are unknown. */
export type Look = ({ ok: true; servers: Server[] } | { ok: false; why: string }) & {
  /** The cloud's clock minus ours, milliseconds; `null` if the cloud's response has no `Date`. */
  skewMs: number | null
  /** That `Date`, epoch milliseconds; `null` without one. */
  date: number | null
}

export async function lookNow(cloud: Cloud, policy: Policy): Promise<Look> {
  const read = await cloud.readSupernode(policy)
  const time = { skewMs: read.skewMs ?? null, date: read.date ?? null }
  if (!read.ok) return { ok: false, why: read.why, ...time }
  if (read.value.servers === null) return { ok: false, why: "the response has no list of servers", ...time }
  return { ok: true, servers: presentServers(read.value), ...time }
}
