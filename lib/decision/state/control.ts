import { cleanText } from "../inputs/foreign-text.ts"
import type { LedgerIdentity, LedgerOrigin, LedgerRestore } from "./ledger-identity.ts"

/** Somebody stopped the buying. */
export interface Stop {
  why: string
  by: string
  /** When it was said, epoch milliseconds. */
  at: number
  /** When it ends by itself; null: only by `resume`. */
  until: number | null
}

/** One person's yes to one plan. */
export interface Approval {
  planHash: string
  by: string
  at: number
}

/** The folded state of stream `control`. Supernodes are named by id, so that a rename lifts nothing. */
export interface Control {
  /** The pause of everything. */
  pausedAll: Stop | null
  /** Pauses by supernode id. */
  paused: Record<string, Stop>
  /** Holds by supernode id: no automatic purchases; people may still buy. */
  held: Record<string, Stop>
  approvals: Approval[]
  /** Absent: no `ledger init` is on record. */
  ledger?: LedgerIdentity
  /** The newest `ledger restored`; absent: the ledger was never restored. */
  restored?: LedgerRestore
}

export const NO_CONTROL: Control = { pausedAll: null, paused: {}, held: {}, approvals: [] }

/** What a person said, as entries of kind `said` keep it. `supernode` is an id, null for all. */
export type Said =
  | { verb: "pause"; supernode: string | null; why: string; by: string; until: number | null }
  | { verb: "resume"; supernode: string | null; why: string; by: string }
  | { verb: "hold"; supernode: string; why: string; by: string; until: number }
  | { verb: "approve"; planHash: string; by: string }
  | {
      verb: "settle"
      attempt: string
      as: "accepted" | "completed" | "absent"
      why: string
      by: string
      servers: string[] | null
    }
  | { verb: "reset"; why: string; by: string }
  | { verb: "init"; ledger: { id: string }; origin: LedgerOrigin; why: string; by: string }
  | { verb: "restored"; why: string; by: string }
  | { verb: "confirm"; supernode: string; why: string; by: string }

/** The newest approvals are kept. By count, so that no wrong clock makes us forget one. */
const MOST_APPROVALS = 100

/** Texts of operators in the state, UTF-16 units; the entry that recorded the command keeps them whole. */
const MAX_WHY_CHARS = 200
const MAX_BY_CHARS = 100

/** The control state after something was said at `at`. Words about attempts and breakers are for the supernode's own stream. */
export function foldControl(control: Control, written: Said, at: number): Control {
  const said = shortened(written)
  switch (said.verb) {
    case "pause": {
      const stop: Stop = { why: said.why, by: said.by, at, until: said.until }
      if (said.supernode === null) return { ...control, pausedAll: stop }
      return { ...control, paused: { ...control.paused, [said.supernode]: stop } }
    }
    case "resume": {
      if (said.supernode === null) return { ...control, pausedAll: null }
      const { [said.supernode]: _lifted, ...paused } = control.paused
      return { ...control, paused }
    }
    case "hold": {
      const stop: Stop = { why: said.why, by: said.by, at, until: said.until }
      return { ...control, held: { ...control.held, [said.supernode]: stop } }
    }
    case "approve":
      return {
        ...control,
        approvals: [...control.approvals, { planHash: said.planHash, by: said.by, at }].slice(
          -MOST_APPROVALS,
        ),
      }
    case "init":
      // A ledger keeps its first id.
      return control.ledger
        ? control
        : { ...control, ledger: { id: said.ledger.id, at, origin: said.origin } }
    case "restored":
      // The attempts that used these approvals up may be missing now.
      return { ...control, approvals: [], restored: { at, why: said.why, by: said.by, confirmed: [] } }
    case "confirm":
      return control.restored
        ? { ...control, restored: confirmedBy(control.restored, said.supernode) }
        : control
    case "settle":
    case "reset":
      throw new TypeError(`"${said.verb}" is said in the supernode's own stream, not in control`)
    default:
      return said satisfies never
  }
}

function shortened<T extends Said>(said: T): T {
  const by = cleanText(said.by, MAX_BY_CHARS)
  return "why" in said ? { ...said, by, why: cleanText(said.why, MAX_WHY_CHARS) } : { ...said, by }
}

function confirmedBy(restored: LedgerRestore, supernode: string): LedgerRestore {
  const others = restored.confirmed.filter((id) => id !== supernode)
  return { ...restored, confirmed: [...others, supernode] }
}

/** The stop that is in force for a supernode at `now`, if any. */
export function stopInForce(stop: Stop | null | undefined, now: number): Stop | null {
  return stop && (stop.until === null || stop.until > now) ? stop : null
}
