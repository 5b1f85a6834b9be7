import type { Outcome, RejectionClass, Unknown } from "../decision/state/outcome.ts"

/**
 * Endings of an order in a model of the cloud. `lost`: the order takes effect, but its response is lost.
 * `vanished`: neither effect nor response. The others are named as in `Outcome`.
 */
export const ORDER_ENDINGS = [
  "accepted",
  "lost",
  "vanished",
  "not-sent",
  "throttle",
  "capacity",
  "quota",
  "balance",
  "invalid",
  "auth",
  "not-found",
  "state-conflict",
] as const
export type OrderEnding = (typeof ORDER_ENDINGS)[number]

/** True if the order adds servers. */
export function takesEffect(ending: OrderEnding): boolean {
  return ending === "accepted" || ending === "lost"
}

/** Outcome that the client reports for an ending. `orderId` and `servers` apply only to an accepted order. */
export function outcomeOf(
  ending: OrderEnding,
  { orderId, servers }: { orderId: string; servers: string[] },
): Outcome {
  if (ending === "lost" || ending === "vanished") return NO_ANSWER
  if (ending === "not-sent") return { kind: "not-sent", reason: "dns", says: "the host has no address" }
  if (ending !== "accepted") return refusal(ending)
  const raw = { body: "{}", bytes: 2, truncated: false }
  return { kind: "accepted", status: 200, orderId, requestId: "r1", servers, raw }
}

/** No response came in time; the order may have been accepted. */
export const NO_ANSWER: Unknown = {
  kind: "unknown",
  reason: "timeout",
  says: "no response came",
  status: null,
  code: null,
  requestId: null,
  raw: null,
}

export function refusal(of: RejectionClass, retryAfterMs: number | null = null): Outcome {
  const answer = {
    status: of === "throttle" ? 429 : 400,
    message: "no",
    retryAfterMs,
    requestId: null,
    raw: null,
  }
  return { kind: "rejected", class: of, code: "ModelArts.0000", ...answer }
}
