import type { ComparisonOperator } from "../policy/policy.ts"
import { sayTime } from "../verdict.ts"

/** Which values count: the mildest that breach, or those that are clear. */
export interface Level {
  op: ComparisonOperator
  value: number
}

/** What would have to be different for one gate to pass, for programs. All instants are epoch milliseconds. */
export type Change =
  /** Nothing but time; `until` itself is late enough. */
  | { kind: "wait"; until: number }
  /** So many more of the rule's N newest periods past that level; null: of any value at all. */
  | { kind: "points"; rule: string; count: number; level: Level | null }
  /** A latched rule's metric on the clear side in so many more periods: the decision after that lifts the latch. */
  | { kind: "clear"; rule: string; count: number; level: Level }
  | { kind: "person"; verb: "settle"; attempt: string }
  /** Lifts a pause; `supernode` is an id, null: the pause of everything. */
  | { kind: "person"; verb: "resume"; supernode: string | null }
  | { kind: "person"; verb: "reset" }
  | { kind: "person"; verb: "ledger-init" | "ledger-restored" | "ledger-confirm" }
  /** So many more people out of `among`, the policy's names; an approval counts that was given later than `after`. */
  | {
      kind: "person"
      verb: "approve"
      planHash: string
      count: number
      among: string[]
      after: number | null
    }
  /** A new dry run, whose hash is sent along; null: it is not known yet. */
  | { kind: "person"; verb: "dry-run"; planHash: string | null }
  /** A key of the policy file and the least value that would do, both as written there; null: whatever is true. */
  | { kind: "policy"; path: string; value: string | number | boolean | null }
  /** A rung in the ladder, of so many servers, or of at least as many. */
  | { kind: "rung"; servers: number; exactly: boolean }
  | { kind: "cloud"; what: "readable" | "keys"; of: "control" | "supernode" | "metrics" | "offers" }
  | { kind: "cloud"; what: "supernode-active" | "server-running" }
  | { kind: "cloud"; what: "servers-settled"; servers: string[] }
  | { kind: "cloud"; what: "listed" | "in-stock"; flavor: string }
  /** What is on its way arrives. */
  | { kind: "attempt"; becomes: "settled" | "completed"; attempt: string }
  /** The purchase turns out to have moved its rule's metric by so much, which can be told from `from` on. */
  | { kind: "effect"; attempt: string; gain: number; from: number }
  /** Our clock set right, and then not before `until`. */
  | { kind: "clock"; byMs: number; until: number | null }
  /** Another event: its alarm in alarm, dated `from` or later, or simply the next one. */
  | { kind: "signal"; what: "in-alarm" | "next" }
  | { kind: "signal"; what: "newer"; from: number }
  /** Something of where we run. */
  | { kind: "settings"; what: "time-limit" | "ledger" }
  /** One after the other. */
  | { kind: "all"; changes: Change[] }

/** The nearest change that would have let a gate pass: words that follow "to continue:", and the same for programs. */
export interface Hint {
  says: string
  change: Change
}

/** Several that are all needed, in their order; null without any. */
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

/** Of several that are all needed: the waits go on at once, so that the last one is enough. */
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
