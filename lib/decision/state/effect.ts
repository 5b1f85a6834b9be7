/**
 * Cause of a purchase by rules: the rule with the highest proposal, and its severity. If several rules propose
 * the same, the first one in the policy counts.
 */
export interface Cause {
  rule: string
  /**
   * Digest of the metric and its breaching side: another metric under the same rule name says nothing about
   * this effect.
   */
  metric: string
  /** `levelOf` the points that caused it, in the metric's unit; null if missing data counted as breaching. */
  before: number | null
}

/** Effect of a complete purchase on the metric of the rule that caused it. */
export interface Effect extends Cause {
  attempt: string
  /** Epoch milliseconds. */
  completedAt: number
  /** The same statistic after completion and warm-up, and its improvement; null until it was measured. */
  after: number | null
  gain: number | null
}
