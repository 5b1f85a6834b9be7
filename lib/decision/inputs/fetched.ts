/** An input that was read, could not be read, or was not needed. */
export type Fetched<T> =
  | { state: "not-read" }
  | { state: "read"; value: T }
  | { state: "unreadable"; why: string /** The cloud answered 401 or 403. */; credentials: boolean }

export const NOT_FETCHED = { state: "not-read" } as const
