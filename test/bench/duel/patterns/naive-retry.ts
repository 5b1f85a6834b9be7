import { SECOND } from "../../../decision/builders.ts"
import { referencePattern } from "../pattern.ts"

/** The first request and two retries. */
const TRIES = 3

/**
 * Retries the request, and the platform delivers failed events again. Seen wherever a client's retries are
 * left on or extended to POST (p-retry, async-retry, axios-retry with its own condition; Huawei's own OBS
 * SDKs try three times more on a broken connection or a 5xx), under a queue or an asynchronous invocation
 * that delivers again. The set in the process's memory is a usual addition: it recognises handled deliveries
 * as long as the process lives.
 */
export const naiveRetry = referencePattern("naive retry", async (wakeup, { process, isNeeded, buy }) => {
  if (process.memory.has(wakeup.id)) return
  if (await isNeeded()) {
    for (let tries = 1; ; tries++) {
      try {
        await buy()
        break
      } catch (error) {
        if (tries === TRIES) throw error
        await process.wait(SECOND * 2 ** (tries - 1))
      }
    }
  }
  process.memory.add(wakeup.id)
})
