/** Calls functions later. Tests use one that does not wait. */
export interface Timer {
  /** Calls `work` once after `ms` milliseconds, unless the returned function is called before. */
  after(ms: number, work: () => void): () => void
}

export const systemTimer: Timer = {
  after(ms, work) {
    const timeout = setTimeout(work, ms)
    return () => clearTimeout(timeout)
  },
}
