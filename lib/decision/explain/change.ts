import type { ComparisonOperator } from "../policy/choices.ts"
import { sayTime } from "../verdict.ts"

/** Values that count: the mildest that breach, or those that are clear. */
export interface Level {
  op: ComparisonOperator
  value: number
}

/** Change that would let one gate pass, for programs. All instants are epoch milliseconds. */
export type Change =
  /** Only time; `until` itself is late enough. */
  | { kind: "wait"; until: number }
  /** Number of further periods of the N newest past that level; null: of any value. */
  | { kind: "points"; rule: string; count: number; level: Level | null }
  /**
   * Number of further periods of a latched rule on the clear side. The decision after them clears the latch.
   */
  | { kind: "clear"; rule: string; count: number; level: Level }
  | { kind: "person"; verb: "settle"; attempt: string }
  /** Ends a pause; `supernode` is an id, null: the pause of all supernodes. */
  | { kind: "person"; verb: "resume"; supernode: string | null }
  | { kind: "person"; verb: "reset" }
  | { kind: "person"; verb: "ledger-init" | "ledger-restored" | "ledger-confirm" }
  /**
   * Number of further approvers out of `among` (names of the policy). An approval counts if it was given
   * later than `after`.
   */
  | {
      kind: "person"
      verb: "approve"
      planHash: string
      count: number
      among: string[]
      after: number | null
    }
  /** A new dry run, whose hash the request must carry; null: the hash is not known yet. */
  | { kind: "person"; verb: "dry-run"; planHash: string | null }
  /**
   * A key of the policy file and the smallest value that is enough, both as written there; null: any true
   * value.
   */
  | { kind: "policy"; path: string; value: string | number | boolean | null }
  /** A rung in the ladder with this number of servers, or with at least this number. */
  | { kind: "rung"; servers: number; exactly: boolean }
  | { kind: "cloud"; what: "readable" | "keys"; of: "control" | "supernode" | "metrics" | "offers" }
  | { kind: "cloud"; what: "supernode-active" | "server-running" }
  | { kind: "cloud"; what: "servers-settled"; servers: string[] }
  | { kind: "cloud"; what: "listed" | "in-stock"; flavor: string }
  /** Completion of the purchase in flight. */
  | { kind: "attempt"; becomes: "settled" | "completed"; attempt: string }
  /** The purchase moved the metric of its rule by this amount; measurable from `from` on. */
  | { kind: "effect"; attempt: string; gain: number; from: number }
  /** Our clock corrected, and then not before `until`. */
  | { kind: "clock"; byMs: number; until: number | null }
  /** Another event: its alarm in state alarm, dated `from` or later, or simply the next one. */
  | { kind: "signal"; what: "in-alarm" | "next" }
  | { kind: "signal"; what: "newer"; from: number }
  /** A change of the environment that runs the autoscaler. */
  | { kind: "settings"; what: "time-limit" | "ledger" }
  /** Several changes, one after the other. */
  | { kind: "all"; changes: Change[] }

/** The nearest change that would have let a gate pass: words that follow "to continue:", and the same for programs. */
export interface Hint {
  says: string
  change: Change
}

/** Several hints that are all needed, in their order; null if there are none. */
export function together(needed: readonly (Hint | null)[]): Hint | null {
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

/** `wait until 2026-03-02T14:32:10.000Z, when the cooldown ends`: it passes by itself. */
export function wait(what: string, until: number): Hint {
  return { says: `wait until ${sayTime(until)}, when ${what}`, change: { kind: "wait", until } }
}

/** Of several waits that are all needed, the last one is enough, since they run at the same time. */
export function withLastWait(needed: readonly Hint[]): Hint | null {
  const waits = needed.flatMap((one) =>
    one.change.kind === "wait" ? [{ one, until: one.change.until }] : [],
  )
  const last = waits.reduce<(typeof waits)[number] | null>(
    (latest, candidate) => (latest === null || candidate.until > latest.until ? candidate : latest),
    null,
  )
  return together([...needed.filter(({ change }) => change.kind !== "wait"), last?.one ?? null])
}
