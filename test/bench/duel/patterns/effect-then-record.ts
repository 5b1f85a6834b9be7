import { HOUR } from "../../../decision/builders.ts"
import { referencePattern } from "../pattern.ts"

const COOLDOWN_MS = HOUR

/**
 * Checks the state, makes the call, then writes state and cooldown, all in one `try`. Seen in
 * cloudspannerecosystem/autoscaler (`processScalingRequest`): a failure of the call or of its record is
 * logged as a failed scaling. No cooldown starts then, and the next poll decides again. Their call sets a
 * size, so a repetition is harmless.
 */
export const effectThenRecord = referencePattern(
  "effect, then record",
  async (_wakeup, { process, records, isNeeded, buy }) => {
    const state = await records.get<{ lastScaledAt: number }>(process, "state")
    if (state && process.now - state.lastScaledAt < COOLDOWN_MS) return
    if (!(await isNeeded())) return
    try {
      await buy()
      await records.put(process, { key: "state", value: { lastScaledAt: process.now } })
    } catch {
      // "Unsuccessful scaling attempt": logged, and the event counts as handled.
    }
  },
)
