/** The sandbox's own clock: the base clock plus manual advances. Epoch milliseconds. */
export interface SandboxClock {
  now(): number
  /** Advances by `ms`; time never goes back. */
  advance(ms: number): number
}

export function clockOn(base: () => number): SandboxClock {
  let advancedMs = 0
  return {
    now: () => base() + advancedMs,
    advance(ms) {
      advancedMs += ms
      return base() + advancedMs
    },
  }
}
