/** An input that was read, could not be read, or was not fetched because it was not needed. */
export type Fetched<T> =
  | { state: "not-read" }
  | { state: "read"; value: T }
  | {
      state: "unreadable"
      why: string /** True if the cloud responded with 401 or 403. */
      credentials: boolean
    }

/** An input that was not fetched. Ledger entries store this state under its older name, "not-read". */
export const NOT_FETCHED = { state: "not-read" } as const
