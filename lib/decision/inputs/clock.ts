/** How far clocks may differ before times cannot be compared. */
export const CLOCK_TOLERANCE_MS = 60_000
