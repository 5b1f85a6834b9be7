import type { RequestSignal, Signal } from "../decision/inputs/signal.ts"
import { didYouMean } from "../decision/policy/did-you-mean.ts"
import type { AlarmMatch, Policy } from "../decision/policy/policy.ts"
import { onFirstUse } from "../on-first-use.ts"
import type { Concerns, Subject } from "./shape.ts"
import { isInShard } from "./shard.ts"
import { SignalError } from "./signal-error.ts"

/** One supernode that a signal concerns. */
export interface Route {
  policy: Policy
  /** True if only this supernode lists the alarm. Then its datapoints cannot concern another one. */
  exclusive: boolean
}

/** Finds the supernodes that a signal concerns. Create it once per list of policies: it builds an index. */
export class SignalRouter {
  readonly #policies: readonly Policy[]
  /** Positions in `#policies`, by key of the alarms that they list. Built for the first alarm. */
  readonly #listed: () => ReadonlyMap<string, readonly number[]>

  constructor(policies: readonly Policy[]) {
    this.#policies = policies
    this.#listed = onFirstUse(() => positionsByKey(policies))
  }

  /**
   * Supernodes that a signal concerns. An alarm concerns each supernode that lists it, possibly none. A tick
   * concerns all, or those of its shard. A request concerns the one that it names; throws SignalError if that
   * does not exist.
   */
  route(signal: Signal): Route[] {
    switch (signal.kind) {
      case "alarm": {
        const concerned = this.#thatList(signal)
        return concerned.map((policy) => ({ policy, exclusive: concerned.length === 1 }))
      }
      case "tick": {
        const { shard } = signal
        const all = this.#policies
        const concerned = shard === undefined ? all : all.filter(({ id }) => isInShard(id, shard))
        return concerned.map((policy) => ({ policy, exclusive: false }))
      }
      case "request":
        return [{ policy: named(signal, this.#policies), exclusive: false }]
      default:
        return signal satisfies never
    }
  }

  /** True for an alarm that any of the supernodes lists. */
  readonly concerns: Concerns = (subject) => this.#thatList(subject).length > 0

  /** Policies that list the alarm, in their order. A key covers only part of a match, so each policy that it finds is checked in full. */
  #thatList(subject: Subject): Policy[] {
    const positions = new Set(keysOf(subject).flatMap((key) => this.#listed().get(key) ?? []))
    return [...positions]
      .sort((a, b) => a - b)
      .flatMap((position) => this.#policies[position] ?? [])
      .filter(({ alarms }) => alarms.some((match) => matches(match, subject)))
  }
}

function positionsByKey(policies: readonly Policy[]): Map<string, number[]> {
  const positions = new Map<string, number[]>()
  for (const [position, { alarms }] of policies.entries()) {
    for (const key of alarms.flatMap(keysOfMatch)) {
      const known = positions.get(key)
      if (known) known.push(position)
      else positions.set(key, [position])
    }
  }
  return positions
}

/** Keys that find an entry of `alarms`. One of the labels that an Alertmanager alarm must have is enough. */
function keysOfMatch({ alertmanager = {}, ...byId }: AlarmMatch): string[] {
  const ids = Object.entries(byId).flatMap(([source, id]) => (id === undefined ? [] : [[source, id]]))
  const label = Object.entries(alertmanager).slice(0, 1)
  return [...ids, ...label.map((one) => ["alertmanager", ...one])].map(keyOf)
}

function keysOf({ source, alarm, labels }: Subject): string[] {
  return source === "alertmanager"
    ? Object.entries(labels).map((label) => keyOf([source, ...label]))
    : [keyOf([source, alarm])]
}

function keyOf(parts: readonly string[]): string {
  return parts.join("\n")
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
  const suggestion = didYouMean(supernode, names)
  throw new SignalError(
    `supernode: "${supernode}" is not in the policy${suggestion === null ? "." : `; did you mean "${suggestion}"?`} Known: ${names.join(", ") || "none"}`,
  )
}
