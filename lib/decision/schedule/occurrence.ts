/** A start of a schedule, by the schedule's name and the local date and time of the start. */
export interface Occurrence {
  schedule: string
  occurrence: string
  /** Servers of its floor at the purchase; absent in entries of earlier releases. */
  atLeast?: number
}
