import type { ComparisonOperator } from "../policy/choices.ts"
import { sayTime } from "../verdict.ts"

/** Range of metric values that breach, or that are clear; for example `above` 85. */
export interface ValueBound {
  op: ComparisonOperator
  value: number
}

/** Machine-readable change after which one gate would pass. All times are epoch milliseconds. */
export type Change =
  /** Waiting is enough: at `until` the gate already passes. */
  | { kind: "wait"; until: number }
  /** `count` more of the N newest periods must reach `level`; `null` if any value is enough. */
  | { kind: "points"; rule: string; count: number; level: ValueBound | null }
  /** `count` more periods of a latched rule must be clear. The next decision then ends the latch. */
  | { kind: "clear"; rule: string; count: number; level: ValueBound }
  | { kind: "person"; verb: "settle"; attempt: string }
  /** Ends a pause. `supernode` is an id; `null` ends the pause of all supernodes. */
  | { kind: "person"; verb: "resume"; supernode: string | null }
  | { kind: "person"; verb: "reset" }
  | { kind: "person"; verb: "ledger-init" | "ledger-restored" | "ledger-confirm" }
  /**
   * `count` more people of `among` (names in the policy) must approve. Only approvals later than `after`
   * count; `null` if their time does not matter.
   */
  | {
      kind: "person"
      verb: "approve"
      planHash: string
      count: number
      among: string[]
      after: number | null
    }
  /** A new dry run, whose plan hash the request must carry; `null` if that hash is not known yet. */
  | { kind: "person"; verb: "dry-run"; planHash: string | null }
  /**
   * A key of the policy file and the smallest value that is enough, both as written there. `null` if only the
   * operator knows the value, such as a price.
   */
  | { kind: "policy"; path: string; value: string | number | boolean | null }
  /** A new rung in the ladder with `servers` servers, or with more unless `exactly` is set. */
  | { kind: "rung"; servers: number; exactly: boolean }
  | { kind: "cloud"; what: "readable" | "keys"; of: "control" | "supernode" | "metrics" | "offers" }
  | { kind: "cloud"; what: "supernode-active" | "server-running" }
  | { kind: "cloud"; what: "servers-settled"; servers: string[] }
  | { kind: "cloud"; what: "listed" | "in-stock"; flavor: string }
  /** The attempt in flight must be settled, or its purchase completed. */
  | { kind: "attempt"; becomes: "settled" | "completed"; attempt: string }
  /** The purchase must have improved its rule's metric by at least `gain`; measurable after `from`. */
  | { kind: "effect"; attempt: string; gain: number; from: number }
  /** Our clock must be moved by `byMs`, and then reach `until`; `null` if moving it is enough. */
  | { kind: "clock"; byMs: number; until: number | null }
  /** Another signal: an alarm in state `alarm`, the next signal of any kind, or one dated `from` or later. */
  | { kind: "signal"; what: "in-alarm" | "next" }
  | { kind: "signal"; what: "newer"; from: number }
  /** A change to the autoscaler's own environment: the function's time limit, or the ledger that it uses. */
  | { kind: "settings"; what: "time-limit" | "ledger" }
  /** Several changes, one after the other. */
  | { kind: "all"; changes: Change[] }

/** The nearest change after which a gate passes: `says` follows "to continue:", `change` is for programs. */
export interface Hint {
  says: string
  change: Change
}

/** Combines hints that are all needed, in their order; `null` if there are none. */
export function combineHints(needed: readonly (Hint | null)[]): Hint | null {
  const all = needed.filter((one) => one !== null)
  const [first] = all
  if (!first || all.length === 1) return first ?? null
  return {
    says: all.map(({ says }) => says).join(", and "),
    change: {
      kind: "all",
      changes: all.flatMap(({ change }) => (change.kind === "all" ? change.changes : [change])),
    },
  }
}

/** Hint that waiting is enough: `wait until 2026-03-02T14:32:10.000Z, when the cooldown ends`. */
export function wait(what: string, until: number): Hint {
  return { says: `wait until ${sayTime(until)}, when ${what}`, change: { kind: "wait", until } }
}

/** Like `combineHints`, but keeps only the longest wait, since waits run at the same time. */
export function withLastWait(needed: readonly Hint[]): Hint | null {
  const waits = needed.flatMap((one) =>
    one.change.kind === "wait" ? [{ one, until: one.change.until }] : [],
  )
  const last = waits.reduce<(typeof waits)[number] | null>(
    (latest, candidate) => (latest === null || candidate.until > latest.until ? candidate : latest),
    null,
  )
  return combineHints([...needed.filter(({ change }) => change.kind !== "wait"), last?.one ?? null])
}
