import type { RequestSignal, Signal } from "../decision/inputs/signal.ts"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import type { AlarmMatch, Policy } from "../decision/policy/policy.ts"
import type { Concerns, Subject } from "./shape.ts"
import { isInShard } from "./shard.ts"
import { SignalError } from "./signal-error.ts"

/** One supernode that a signal concerns. */
export interface Route {
  policy: Policy
  /** The alarm is listed under this supernode only, so its points can concern no other. */
  exclusive: boolean
}

/**
 * Supernodes that a signal concerns. An alarm: every one that lists it, possibly none. A tick: all, or those
 * of its shard. A request: the one that it names; throws SignalError if there is none.
 */
export function routeSignal(signal: Signal, policies: readonly Policy[]): Route[] {
  switch (signal.kind) {
    case "alarm": {
      const concerned = policies.filter((policy) => policy.alarms.some((match) => matches(match, signal)))
      return concerned.map((policy) => ({ policy, exclusive: concerned.length === 1 }))
    }
    case "tick": {
      const { shard } = signal
      const concerned = shard === undefined ? policies : policies.filter(({ id }) => isInShard(id, shard))
      return concerned.map((policy) => ({ policy, exclusive: false }))
    }
    case "request":
      return [{ policy: named(signal, policies), exclusive: false }]
    default:
      return signal satisfies never
  }
}

/** Alarms that any of these supernodes lists. */
export function concernsAny(policies: readonly Policy[]): Concerns {
  return (subject) => policies.some((policy) => policy.alarms.some((match) => matches(match, subject)))
}

function matches(match: AlarmMatch, { source, alarm, labels }: Subject): boolean {
  switch (source) {
    case "cloud-eye":
    case "cloudwatch":
      return match[source] === alarm
    case "alertmanager": {
      const required = Object.entries(match.alertmanager ?? {})
      return (
        required.length > 0 &&
        required.every(([name, value]) => Object.hasOwn(labels, name) && labels[name] === value)
      )
    }
    default:
      return source satisfies never
  }
}

function named({ supernode }: RequestSignal, policies: readonly Policy[]): Policy {
  const policy = policies.find(({ name }) => name === supernode)
  if (policy) return policy
  const names = policies.map(({ name }) => name)
  const meant = didYouMean(supernode, names)
  throw new SignalError(
    `supernode: "${supernode}" is not in the policy${meant === null ? "." : `; did you mean "${meant}"?`} Known: ${names.join(", ") || "none"}`,
  )
}
