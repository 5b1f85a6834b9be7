/**
 * Makes a value at its first use and keeps it. For schemas and formatters: making all of them at start takes
 * longer than loading the modules that use them, and one event needs only a few.
 */
export function onFirstUse<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
