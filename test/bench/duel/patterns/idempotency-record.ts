import { HOUR, SUPERNODE_ID } from "../../../decision/builders.ts"
import { type Pattern, referencePattern, type Wakeup } from "../pattern.ts"
import { NEEDED_SERVERS } from "../world.ts"

// The documented protocol of Powertools for AWS Lambda's idempotency (TypeScript, 2.35.0), not the package
// itself. It follows IdempotencyHandler.ts and DynamoDBPersistenceLayer.ts. In a comparison over these
// scripts it bought the same as the package. Its conditional put:
//
//   |  LOCKED  |  taken over if "INPROGRESS"  |  taken over
//   put        in_progress_expiry             expiry
//              (the function's limit)         (an hour)

interface IdempotencyRecord {
  status: "INPROGRESS" | "COMPLETED"
  expiresAt: number
  /** Time at which the function that wrote it must have ended. */
  inProgressUntil: number
}

const EXPIRES_AFTER_MS = HOUR

function idempotent(name: string, keyOf: (wakeup: Wakeup) => string): Pattern {
  return referencePattern(name, async (wakeup, { process, records, isNeeded, buy }) => {
    const key = keyOf(wakeup)
    const now = process.now
    const inProgressUntil = now + process.timeLeftMs
    const record: IdempotencyRecord = {
      status: "INPROGRESS",
      expiresAt: now + EXPIRES_AFTER_MS,
      inProgressUntil,
    }
    const condition = (old?: IdempotencyRecord) =>
      !old || old.expiresAt < now || (old.status === "INPROGRESS" && old.inProgressUntil < now)
    if (!(await records.put(process, { key, value: record, condition }))) {
      const existing = await records.get<IdempotencyRecord>(process, key)
      if (existing?.status === "COMPLETED") return
      throw new Error("IdempotencyAlreadyInProgressError")
    }
    try {
      if (await isNeeded()) await buy()
    } catch (error) {
      // On any error: this also deletes the record of a purchase whose response was lost.
      await records.delete(process, key)
      throw error
    }
    const expiresAt = process.now + EXPIRES_AFTER_MS
    await records.put(process, { key, value: { ...record, status: "COMPLETED", expiresAt } })
  })
}

/** The key of most examples is the event's id, which is equal for all its deliveries. */
export const idempotentByEvent = idempotent("idempotency record, by event", (wakeup) => wakeup.id)

/** The best possible key is the order itself, which is equal for all signals. */
export const idempotentByOrder = idempotent(
  "idempotency record, by order",
  () => `${SUPERNODE_ID} to ${NEEDED_SERVERS} servers`,
)
