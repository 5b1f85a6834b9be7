import type { Reading } from "../../lib/decision/inputs/reading.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { BuyOrder, Cloud, Read } from "../../lib/ports.ts"
import type { TrueSupernode } from "./supernode.ts"

/**
 * The way from one caller to the cloud and back: the place of delays and faults. Each effect is one step. A
 * way may have the effect at once, later or never, and may lose the response.
 */
export interface CloudWay<S> {
  read<T>(what: "readSupernode" | "readOffers", look: () => T): Promise<Read<T>>
  measure(look: () => Reading[]): Promise<Reading[]>
  /** Sends at most one request, and none after the order's last moment to send. */
  buy(order: BuyOrder, supernode: S): Promise<Outcome>
}

/** The cloud with these supernodes, as one caller sees it through `way`. */
export function cloudOver<S extends TrueSupernode>(
  supernodeOf: (policy: Policy) => S,
  way: CloudWay<S>,
): Cloud {
  return {
    readSupernode: (policy) => way.read("readSupernode", () => supernodeOf(policy).view()),
    readOffers: (policy) => way.read("readOffers", () => supernodeOf(policy).offers()),
    readMetrics: (question) => way.measure(() => supernodeOf(question.policy).readings(question)),
    buy: (order) => way.buy(order, supernodeOf(order.policy)),
  }
}
