import { hasFleetCap } from "../decision/money/fleet-spend.ts"
import type { Policy } from "../decision/policy/policy.ts"
import { type Control, keptName, type OperatorCommand, type Stop } from "../decision/state/control.ts"
import { isSameJson } from "../digest.ts"
import type { LedgerEntry } from "./entry.ts"
import { CONTROL_STREAM, FLEET_STREAM } from "./next-entry.ts"

// Checks the streams against each other. An entry refers only to what was stored before it, so in an
// unaltered ledger these rules hold even after a crash:
// - A reservation is written before its attempt is opened.
// - It is released with an outcome only after that outcome is in the supernode's chain.
// - It is dropped only after an entry was seen at its reserved seq.
//
// A crash may leave a reservation without an attempt, which is not a problem.
// Memory grows with attempts and commands, not with entries.

/** An entry that contradicts another stream. */
export interface CrossProblem {
  stream: string
  seq: number
  problem: string
}

interface Claim {
  /** seq in stream `fleet`. */
  by: number
}

interface ReservedPlace extends Claim {
  stream: string
  seq: number
}

interface OpenedAttempt {
  stream: string
  seq: number
  openedAt: number
  isCapped: boolean
  outcome: string | null
}

/** First entry of a supernode that saw a certain command in stream `control`. */
interface CommandInStream {
  stream: string
  seq: number
  says: string
}

export class CrossCheck {
  readonly #reserved = new Map<string, ReservedPlace>()
  readonly #outcomes = new Map<string, Claim & { kind: string }>()
  readonly #over = new Map<string, Claim>()
  readonly #bought = new Map<string, Claim & { stream: string; at: number }>()
  readonly #opened = new Map<string, OpenedAttempt>()
  readonly #lapsed = new Map<string, { stream: string; seq: number }>()
  readonly #lengths = new Map<string, number>()
  readonly #times = new Set<string>()
  readonly #commands = new Set<string>()
  readonly #seenCommands = new Map<string, CommandInStream>()
  readonly #policies = new Map<string, boolean>()
  readonly #problems: CrossProblem[] = []
  #lastControl: Control | null = null

  /** Call it for `control` and `fleet` first, then for supernodes: what is read later may be newer. */
  see(entry: LedgerEntry): void {
    this.seeAppended(entry)
    if (entry.stream === FLEET_STREAM) this.#seeFleetClaims(entry)
    if (entry.stream === CONTROL_STREAM || entry.stream === FLEET_STREAM) return
    this.#lengths.set(entry.stream, entry.seq)
    this.#seeAttempt(entry)
    this.#seeCommands(entry)
  }

  /**
   * For entries of `control` and `fleet` that were appended while the supernodes' chains were read. They can
   * confirm what other streams claim, but their own claims are not checked.
   */
  seeAppended({ stream, seq, at, said, kind, fleet }: LedgerEntry): void {
    if (stream === CONTROL_STREAM && said) this.#commands.add(commandKey(said, at))
    if (stream !== FLEET_STREAM || kind !== "opened" || !fleet) return
    const { id, stream: of, seq: place } = fleet.reservation
    this.#reserved.set(id, { stream: of, seq: place, by: seq })
  }

  #seeFleetClaims({ seq, kind, outcome, fleet }: LedgerEntry): void {
    if (!fleet) return
    const { reservation, over, members } = fleet
    // An attempt with outcome `not-sent` may never have been opened, because another entry took its seq.
    if (kind === "settled" && outcome && outcome.kind !== "not-sent")
      this.#outcomes.set(reservation.id, { kind: outcome.kind, by: seq })
    for (const id of over) this.#over.set(id, { by: seq })
    for (const [stream, at] of Object.entries(members)) {
      const key = timeKey(stream, at)
      if (!this.#bought.has(key)) this.#bought.set(key, { stream, at, by: seq })
    }
  }

  #seeAttempt(entry: LedgerEntry): void {
    const { stream, seq, kind, attempt, outcome, observation } = entry
    const isCapped = this.#isCapped(entry)
    if (kind === "opened" && attempt) {
      const { id, openedAt } = attempt
      if (this.#opened.has(id)) this.#found(stream, seq, `opens attempt ${id}, which was already opened`)
      this.#opened.set(id, { stream, seq, openedAt, isCapped, outcome: null })
      this.#times.add(timeKey(stream, openedAt))
    }
    if (kind === "settled" && attempt) {
      const opened = this.#opened.get(attempt.id)
      if (opened?.stream !== stream)
        this.#found(stream, seq, `settles attempt ${attempt.id}, which this stream never opened`)
      else opened.outcome = outcome?.kind ?? null
    }
    if (observation?.kind === "lapsed" && observation.attempt)
      this.#lapsed.set(observation.attempt, { stream, seq })
  }

  /** True if the entry's policy has caps across supernodes. */
  #isCapped({ policyHash, policy, situation }: LedgerEntry): boolean {
    if (policyHash === undefined) return false
    const held: Policy | undefined = policy ?? situation?.policy
    if (held) this.#policies.set(policyHash, hasFleetCap(held))
    return this.#policies.get(policyHash) ?? false
  }

  #seeCommands({ stream, seq, situation }: LedgerEntry): void {
    if (situation?.control?.state !== "read") return
    const { value } = situation.control
    // The state of `control` is nearly always the same as in the previous entry.
    if (isSameJson(value, this.#lastControl)) return
    this.#lastControl = value
    for (const [key, says] of commandsIn(value))
      if (!this.#seenCommands.has(key)) this.#seenCommands.set(key, { stream, seq, says })
  }

  /** All contradictions between streams. `isWhole` is true if a stream was read to its end and is good. */
  problems(isWhole: (stream: string) => boolean): CrossProblem[] {
    if (isWhole(FLEET_STREAM)) this.#checkReservations(isWhole)
    if (isWhole(CONTROL_STREAM))
      for (const [key, { stream, seq, says }] of this.#seenCommands)
        if (!this.#commands.has(key))
          this.#found(stream, seq, `refers to ${says}, which is not in stream ${CONTROL_STREAM}`)
    return this.#problems
  }

  #checkReservations(isWhole: (stream: string) => boolean): void {
    for (const [id, place] of this.#reserved) if (isWhole(place.stream)) this.#checkPlace(id, place)
    for (const [id, { by }] of this.#outcomes)
      if (!this.#reserved.has(id))
        this.#found(FLEET_STREAM, by, `settles attempt ${id}, which has no reservation`)
    for (const { stream, at, by } of this.#bought.values())
      if (isWhole(stream) && !this.#times.has(timeKey(stream, at)))
        this.#found(FLEET_STREAM, by, `counts a purchase of ${stream} at ${at}, which is not in that stream`)
    for (const [id, { stream, seq, isCapped }] of this.#opened)
      if (isCapped && !this.#reserved.has(id))
        this.#found(
          stream,
          seq,
          `opens attempt ${id} under caps across supernodes, but stream ${FLEET_STREAM} has no reservation for it`,
        )
    for (const [id, { stream, seq }] of this.#lapsed)
      if (this.#reserved.get(id)?.stream !== stream)
        this.#found(
          stream,
          seq,
          `ends the reservation of attempt ${id}, which is not in stream ${FLEET_STREAM}`,
        )
  }

  #checkPlace(id: string, { stream, seq, by }: ReservedPlace): void {
    const opened = this.#opened.get(id)
    const settled = this.#outcomes.get(id)
    const length = this.#lengths.get(stream) ?? 0
    const over = this.#over.get(id)
    if (opened && (opened.stream !== stream || opened.seq !== seq))
      this.#found(
        opened.stream,
        opened.seq,
        `opens attempt ${id}, but its reservation is for ${stream} #${seq}`,
      )
    if (settled && !opened)
      this.#found(
        FLEET_STREAM,
        settled.by,
        `settles attempt ${id} as ${settled.kind}, but ${stream} never opened it`,
      )
    if (settled && opened && opened.outcome !== settled.kind)
      this.#found(
        FLEET_STREAM,
        settled.by,
        `settles attempt ${id} as ${settled.kind}, but ${stream} records ${opened.outcome ?? "no outcome"}`,
      )
    if (over && length < seq)
      this.#found(
        FLEET_STREAM,
        over.by,
        `records that another entry took ${stream} #${seq}, but that stream ends at #${length}; reserved in #${by}`,
      )
  }

  #found(stream: string, seq: number, problem: string): void {
    this.#problems.push({ stream, seq, problem })
  }
}

function timeKey(stream: string, at: number): string {
  return `${stream} ${at}`
}

/** Key that is equal for a command and its copy in the state, where `keptName` shortens a long name. */
function commandKey(said: OperatorCommand, at: number): string {
  const about = said.verb === "approve" ? said.planHash : "supernode" in said ? said.supernode : null
  return keyOf({ verb: said.verb, about, by: said.by, at })
}

interface Command {
  verb: string
  about: string | null
  by: string
  at: number
}

function keyOf({ verb, about, by, at }: Command): string {
  return JSON.stringify([verb, about, keptName(by), at])
}

/** Key and description of each command in a state of `control`. */
function* commandsIn({
  pausedAll,
  paused,
  held,
  approvals,
  restored,
}: Control): Iterable<[key: string, says: string]> {
  const of = (verb: string, about: string | null, { by, at }: Pick<Stop, "by" | "at">): [string, string] => [
    keyOf({ verb, about, by, at }),
    `the command ${verb} ${about ?? "of everything"} by ${by}`,
  ]
  if (pausedAll) yield of("pause", null, pausedAll)
  for (const [id, stop] of Object.entries(paused)) yield of("pause", id, stop)
  for (const [id, stop] of Object.entries(held)) yield of("hold", id, stop)
  for (const approval of approvals) yield of("approve", approval.planHash, approval)
  if (restored) yield of("restored", null, restored)
}
