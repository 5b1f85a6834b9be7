import { HOUR } from "../../../decision/builders.ts"
import { referencePattern } from "../pattern.ts"

const COOLDOWN_MS = HOUR

/**
 * Check the state, make the call, then write state and cooldown, in one try. Seen in cloudspannerecosystem/autoscaler
 * (`processScalingRequest`): the call and its record share one try, and a failure of either is logged as a failed scaling,
 * so that no cooldown starts; the next poll evaluates anew. Theirs sets a size, where twice is harmless.
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
