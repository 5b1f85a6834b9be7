import type { Outcome, RejectionClass, Unknown } from "../../lib/decision/state/outcome.ts"

export const accepted: Outcome = {
  kind: "accepted",
  status: 200,
  orderId: "CS1",
  requestId: "r1",
  servers: [],
  raw: { body: "{}", bytes: 2, truncated: false },
}

/** No answer came in time; the order may have been taken. */
export const unknown: Unknown = {
  kind: "unknown",
  reason: "timeout",
  says: "no answer came",
  status: null,
  code: null,
  requestId: null,
  raw: null,
}

export function rejected(of: RejectionClass, retryAfterMs: number | null = null): Outcome {
  return {
    kind: "rejected",
    status: 400,
    class: of,
    code: "ModelArts.6716",
    message: "no",
    retryAfterMs,
    requestId: null,
    raw: null,
  }
}
