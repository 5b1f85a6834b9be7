import { referencePattern } from "../pattern.ts"
import { TIMEOUT_MS } from "../purchase.ts"

interface Lease {
  owner: string
  until: number
}

/** Twice what the call may take: every guide says to leave such room. */
const LEASE_MS = 2 * TIMEOUT_MS

/**
 * A lock that ends by itself, around the call. Seen as Redis `SET NX PX` (Redlock's `using`), dynamodb-lock-client's fail
 * open lock, ShedLock's `lockAtMostFor`. As ShedLock does it: who finds it taken skips, and it is let go of at the end,
 * however that comes about; by its owner only.
 */
export const lease = referencePattern(
  "lock with a TTL",
  async (_wakeup, { process, records, isNeeded, buy }) => {
    const { now } = process
    const value: Lease = { owner: process.world.newId(), until: now + LEASE_MS }
    const condition = (old?: Lease) => !old || old.until <= now
    if (!(await records.put(process, { key: "lock", value, condition }))) return
    try {
      if (await isNeeded()) await buy()
    } finally {
      await records.delete<Lease>(process, "lock", (held) => held.owner === value.owner)
    }
  },
)
