import type { Notification } from "../../lib/ports.ts"

export const HASH = `sha256:${"c".repeat(64)}`
export const STREAM = "supernode:b4beacb6-4380-448c-a218-daa82cf03f5d"

/** Notification of an unknown outcome of train-a, recorded in entry 2. */
export function noticeOf(over: Partial<Notification> = {}): Notification {
  return {
    supernode: "train-a",
    mode: "live",
    state: "unknown",
    about: "unknown attempt-1 1705078800000",
    says: "the attempt has an unknown outcome: no response came",
    todo: "supernode-autoscaler settle train-a --as accepted|completed|absent --why TEXT --by WHO",
    since: Date.parse("2024-01-12T17:00:00Z"),
    attempt: "attempt-1",
    orderId: "CS1",
    planHash: null,
    entry: { stream: STREAM, seq: 2, hash: HASH },
    ...over,
  }
}
