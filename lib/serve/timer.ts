/** Calls back later. Tests bring one that does not wait. */
export interface Timer {
  /** Calls `work` once after that many milliseconds, unless what it gives back was called before. */
  after(ms: number, work: () => void): () => void
}

export const systemTimer: Timer = {
  after(ms, work) {
    const timeout = setTimeout(work, ms)
    return () => clearTimeout(timeout)
  },
}
