/** Maximum size of one part of the state. */
export interface Bound {
  maxCount: number
  /** Maximum size of its JSON text in UTF-8. */
  maxBytes: number
}

export interface Kept<T> {
  kept: Record<string, T>
  /** Members that did not fit, in no particular order. */
  dropped: T[]
}

/** The newest members of a record that fit a bound. The newest one is always kept. */
export function newestWithin<T>(
  record: Record<string, T>,
  timeOf: (value: T) => number,
  bound: Bound,
): Kept<T> {
  const members = Object.entries(record)
  if (members.length <= bound.maxCount && bytesOf(record) <= bound.maxBytes)
    return { kept: record, dropped: [] }
  // If two members have the same time, the one added later is newer.
  const newestFirst = members.reverse().sort(([, a], [, b]) => timeOf(b) - timeOf(a))
  let bytes = 0
  const fits = newestFirst.map(([key, value], i) => {
    bytes += bytesOf({ [key]: value })
    return i === 0 || (i < bound.maxCount && bytes <= bound.maxBytes)
  })
  const firstOut = fits.indexOf(false)
  const count = firstOut < 0 ? members.length : firstOut
  return {
    kept: Object.fromEntries(newestFirst.slice(0, count)),
    dropped: newestFirst.slice(count).map(([, value]) => value),
  }
}

/** Size of a text in JSON: printable ASCII is one byte each; another UTF-16 unit needs at most three. */
function bytesOf(value: unknown): number {
  const text = JSON.stringify(value)
  return /^[ -~]*$/.test(text) ? text.length : 3 * text.length
}
