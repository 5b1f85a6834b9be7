/** A start of a schedule, by the schedule's name and the local date and time of the start. */
export interface Occurrence {
  schedule: string
  occurrence: string
  /** Servers that its floor wanted when it acted; not there in what releases before recorded. */
  atLeast?: number
}
