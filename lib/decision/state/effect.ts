/** Why rules bought: the one that wanted most (of several the first in the policy), and how bad its metric was. */
export interface Cause {
  rule: string
  /** Digest of what is measured and which side of it is bad: another metric by the same rule's name tells nothing of this one. */
  metric: string
  /** `levelOf` the points that caused it, in the metric's unit; null where silence was held to breach. */
  before: number | null
}

/** What became of the metric of a purchase that rules caused and that is complete. */
export interface Effect extends Cause {
  attempt: string
  /** Epoch milliseconds. */
  completedAt: number
  /** The same statistic after completion and warm-up, and how much better it is; null until it was measured. */
  after: number | null
  gain: number | null
}
