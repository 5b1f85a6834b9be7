import { cleanText } from "../inputs/foreign-text.ts"
import type { LedgerIdentity, LedgerOrigin, LedgerRestore } from "./ledger-identity.ts"

/** A pause or hold by an operator. */
export interface Stop {
  why: string
  by: string
  /** Time of the command, epoch milliseconds. */
  at: number
  /** Time at which it ends by itself; null: only `resume` ends it. */
  until: number | null
}

/** An SSH signature as the state keeps it: `value` is base64 of its algorithm and its bytes. */
export interface KeptSignature {
  /** Hash of the message, `sha256` or `sha512`. */
  hash: string
  value: string
}

/**
 * The signature as an entry of kind `said` keeps it: with the public key that made it, so that anyone can
 * verify it.
 */
export interface SaidSignature extends KeptSignature {
  /** `ssh-ed25519 AAAA…`. */
  key: string
}

/** Approval of one plan by one person. */
export interface Approval {
  planHash: string
  by: string
  at: number
  /** The end that the signed text names, epoch milliseconds; absent without a signature. */
  expires?: number
  /** Present in the state of stream `control` only. */
  signature?: KeptSignature
  /**
   * Replaces `signature` in a situation: true if the key that this policy lists for the approver made the
   * signature. Absent without a signature.
   */
  isSigned?: boolean
}

/** The folded state of stream `control`. Supernodes are named by id, so that a rename does not end a pause. */
export interface Control {
  /** The pause of all supernodes. */
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

/** An operator command, as entries of kind `said` keep it. `supernode` is an id, null for all. */
export type OperatorCommand =
  | { verb: "pause"; supernode: string | null; why: string; by: string; until: number | null }
  | { verb: "resume"; supernode: string | null; why: string; by: string }
  | { verb: "hold"; supernode: string; why: string; by: string; until: number }
  | { verb: "approve"; planHash: string; by: string; expires?: number; signature?: SaidSignature }
  | {
      verb: "settle"
      attempt: string
      as: "accepted" | "completed" | "absent"
      why: string
      by: string
      servers: string[] | null
      signature?: SaidSignature
    }
  | { verb: "reset"; why: string; by: string; signature?: SaidSignature }
  | { verb: "init"; ledger: { id: string }; origin: LedgerOrigin; why: string; by: string }
  | { verb: "restored"; why: string; by: string }
  | { verb: "confirm"; supernode: string; why: string; by: string; signature?: SaidSignature }

/** Number of newest approvals that are kept. The bound is a number, so that a wrong clock cannot drop one. */
const MAX_APPROVALS = 100
/**
 * Limit of all signatures together; one of ed25519 needs 120, one of RSA with 4096 bits 720. The oldest
 * approvals are dropped first.
 */
const MAX_SIGNATURE_CHARS = 32_768

/** Limits of operators' texts in the state, UTF-16 units; the entry of the command keeps them whole. */
const MAX_WHY_CHARS = 200
const MAX_BY_CHARS = 100

/**
 * The control state after a command at `at`. Commands about attempts and breakers belong to the supernode's
 * own stream.
 */
export function foldControl(control: Control, written: OperatorCommand, at: number): Control {
  const command = shortened(written)
  switch (command.verb) {
    case "pause": {
      const stop: Stop = { why: command.why, by: command.by, at, until: command.until }
      if (command.supernode === null) return { ...control, pausedAll: stop }
      return { ...control, paused: { ...control.paused, [command.supernode]: stop } }
    }
    case "resume": {
      if (command.supernode === null) return { ...control, pausedAll: null }
      const { [command.supernode]: _lifted, ...paused } = control.paused
      return { ...control, paused }
    }
    case "hold": {
      const stop: Stop = { why: command.why, by: command.by, at, until: command.until }
      return { ...control, held: { ...control.held, [command.supernode]: stop } }
    }
    case "approve":
      return { ...control, approvals: newestOf([...control.approvals, approvalOf(command, at)]) }
    case "init":
      // A ledger keeps its first id.
      return control.ledger
        ? control
        : { ...control, ledger: { id: command.ledger.id, at, origin: command.origin } }
    case "restored":
      // The attempts that used these approvals up may be missing now.
      return { ...control, approvals: [], restored: { at, why: command.why, by: command.by, confirmed: [] } }
    case "confirm":
      return control.restored
        ? { ...control, restored: confirmedBy(control.restored, command.supernode) }
        : control
    case "settle":
    case "reset":
      throw new TypeError(`"${command.verb}" belongs to the supernode's own stream, not to control`)
    default:
      return command satisfies never
  }
}

function approvalOf(command: Extract<OperatorCommand, { verb: "approve" }>, at: number): Approval {
  const { planHash, by, expires, signature } = command
  if (!signature || expires === undefined) return { planHash, by, at }
  return { planHash, by, at, expires, signature: { hash: signature.hash, value: signature.value } }
}

function newestOf(approvals: readonly Approval[]): Approval[] {
  let chars = 0
  const kept = approvals.slice(-MAX_APPROVALS)
  const tooOld = kept.findLastIndex(({ signature }) => {
    chars += signature?.value.length ?? 0
    return chars > MAX_SIGNATURE_CHARS
  })
  return kept.slice(tooOld + 1)
}

/** Author of an operator command, as the state keeps it. */
export function keptName(by: string): string {
  return cleanText(by, MAX_BY_CHARS)
}

function shortened<T extends OperatorCommand>(said: T): T {
  const by = keptName(said.by)
  return "why" in said ? { ...said, by, why: cleanText(said.why, MAX_WHY_CHARS) } : { ...said, by }
}

function confirmedBy(restored: LedgerRestore, supernode: string): LedgerRestore {
  const others = restored.confirmed.filter((id) => id !== supernode)
  return { ...restored, confirmed: [...others, supernode] }
}

/** The pause or hold of a supernode at `now`, if any. */
export function activeStop(stop: Stop | null | undefined, now: number): Stop | null {
  return stop && (stop.until === null || stop.until > now) ? stop : null
}
