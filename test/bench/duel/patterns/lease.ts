import { referencePattern } from "../pattern.ts"
import { TIMEOUT_MS } from "../purchase.ts"

interface Lease {
  owner: string
  until: number
}

/** Twice the time limit of the call, since every guide recommends such a reserve. */
const LEASE_MS = 2 * TIMEOUT_MS

/**
 * A lock with an expiry around the call. Seen as Redis `SET NX PX` (Redlock's `using`),
 * dynamodb-lock-client's fail open lock, ShedLock's `lockAtMostFor`. As in ShedLock, a process skips its work
 * if the lock is taken. The owner, and only the owner, releases the lock at the end, also after an error.
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
