/** A start of a schedule, identified by the schedule's name and the start's local date and time. */
export interface Occurrence {
  schedule: string
  occurrence: string
  /** Number of servers of the floor at the purchase; absent in entries of earlier releases. */
  atLeast?: number
}
