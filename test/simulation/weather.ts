import type { Random } from "../world/random.ts"

/** Probabilities of faults. Every seed has its own weather, so that faults occur in all combinations. */
export interface Weather {
  /** Per request to the store. */
  storeIsSlow: number
  storeFails: number
  storeLosesAnswer: number
  /** There is no response, and the write takes effect later. */
  storeWritesLate: number
  /** The write takes effect, and the response reports a conflict. */
  storeSaysConflict: number
  /** Per read of the cloud. */
  cloudReadFails: number
  cloudIsSlow: number
  metricsAreMissing: number
  /** Per purchase. */
  connectFails: number
  purchaseIsRefused: number
  purchaseAnswerIsLost: number
  purchaseNeverArrives: number
  /** The response is lost or has no outcome, and the purchase happens minutes or hours later. */
  purchaseHappensLater: number
  deliveryIsOdd: number
  /** Per request that leaves a process. */
  processDies: number
  processFreezes: number
  /** Per event. */
  eventIsDropped: number
  eventIsDoubled: number
  eventIsLate: number
}

export const CALM: Weather = {
  storeIsSlow: 0,
  storeFails: 0,
  storeLosesAnswer: 0,
  storeWritesLate: 0,
  storeSaysConflict: 0,
  cloudReadFails: 0,
  cloudIsSlow: 0,
  metricsAreMissing: 0,
  connectFails: 0,
  purchaseIsRefused: 0,
  purchaseAnswerIsLost: 0,
  purchaseNeverArrives: 0,
  purchaseHappensLater: 0,
  deliveryIsOdd: 0,
  processDies: 0,
  processFreezes: 0,
  eventIsDropped: 0,
  eventIsDoubled: 0,
  eventIsLate: 0,
}

/** Highest probability of each fault. A seed has none, a quarter or all of it. */
const WORST: Weather = {
  storeIsSlow: 0.06,
  storeFails: 0.06,
  storeLosesAnswer: 0.12,
  storeWritesLate: 0.06,
  storeSaysConflict: 0.08,
  cloudReadFails: 0.2,
  cloudIsSlow: 0.1,
  metricsAreMissing: 0.15,
  connectFails: 0.2,
  purchaseIsRefused: 0.35,
  purchaseAnswerIsLost: 0.3,
  purchaseNeverArrives: 0.15,
  purchaseHappensLater: 0.15,
  deliveryIsOdd: 0.4,
  processDies: 0.012,
  processFreezes: 0.008,
  eventIsDropped: 0.3,
  eventIsDoubled: 0.4,
  eventIsLate: 0.3,
}

export function drawWeather(random: Random): Weather {
  const weather = { ...CALM }
  for (const fault of Object.keys(WORST) as (keyof Weather)[]) {
    weather[fault] = WORST[fault] * random.weighted([[2, 0] as const, [4, 0.25] as const, [3, 1] as const])
  }
  return weather
}
