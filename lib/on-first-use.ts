/**
 * A value that is made when it is first asked for, and kept. For schemas and formatters: to make all of them costs a start
 * more than the modules that use them, and one event needs only a few.
 */
export function onFirstUse<T>(make: () => T): () => T {
  let made: { value: T } | null = null
  return () => {
    made ??= { value: make() }
    return made.value
  }
}
