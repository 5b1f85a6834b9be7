// Number of cases of a property. `npm test` uses a few and always the same ones, so that a failure can be
// repeated; `npm run properties` uses a hundred thousand, and PROPERTY_SEED other ones.

/**
 * fast-check prints the seed and the path to the failing case: `PROPERTY_SEED=… npx vitest run FILE` repeats
 * it.
 */
const SEED = 20_240_112

/** The options of `fc.assert`: `few` cases, or as many as PROPERTY_RUNS says. */
export function propertyRuns(few: number): { numRuns: number; seed: number } {
  return { numRuns: numberFrom("PROPERTY_RUNS") ?? few, seed: numberFrom("PROPERTY_SEED") ?? SEED }
}

/** Timeout of a property test, milliseconds. Whole runs, 100,000 times, take an hour. */
export const PROPERTY_TIMEOUT_MS = numberFrom("PROPERTY_RUNS") === null ? 60_000 : 12 * 3_600_000

function numberFrom(name: string): number | null {
  const text = process.env[name]
  if (text === undefined || text === "") return null
  const number = Number(text)
  if (!Number.isSafeInteger(number)) throw new RangeError(`${name} must be a whole number, not ${text}`)
  return number
}
