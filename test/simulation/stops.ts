import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { OperatorCommand } from "../../lib/decision/state/control.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"

/**
 * Clocks may each be a minute wrong, so near its end a stop may be over by one clock and active by another.
 */
const SLACK_MS = 2 * 60_000

interface Stop {
  verb: "pause" | "hold"
  supernode: string | null
  /** True time at which the command was acknowledged. */
  from: number
  /** True time from which it may be over. */
  to: number
}

export interface Approval {
  planHash: string
  by: string
  at: number
}

/** Pauses and holds with their true times. A stop is active from its acknowledgement on. */
export class Stops {
  readonly #stops: Stop[] = []
  readonly approvals: Approval[] = []

  /** The ledger lost operators' commands. */
  forgetAll(): void {
    this.#stops.length = 0
    this.approvals.length = 0
  }

  acknowledged(said: OperatorCommand, now: number): void {
    if (said.verb !== "pause" && said.verb !== "hold") return
    this.#stops.push({
      verb: said.verb,
      supernode: said.supernode,
      from: now,
      to: (said.until ?? Infinity) - SLACK_MS,
    })
  }

  /** While a command ends or replaces a stop, the stop may be over, even before the acknowledgement. */
  ending({ verb, supernode }: { verb: "pause" | "hold"; supernode: string | null }, now: number): void {
    for (const stop of this.#stops)
      if (stop.verb === verb && stop.supernode === supernode) stop.to = Math.min(stop.to, now)
  }

  stored({ said }: LedgerEntry, now: number): void {
    if (said?.verb === "restored") this.approvals.length = 0
    if (said?.verb === "approve") this.approvals.push({ planHash: said.planHash, by: said.by, at: now })
  }

  /** The stop that a run must see if it reads stream `control` at that time. `null` if there is none. */
  inForceAt({ id, at, signal }: { id: string; at: number; signal: Signal | undefined }): string | null {
    const stop = this.#stops.find(
      ({ verb, supernode, from, to }) =>
        (supernode === null || supernode === id) &&
        from < at &&
        at < to &&
        (verb === "pause" || signal?.kind !== "request"),
    )
    return stop ? `a ${stop.verb} was acknowledged ${Math.round((at - stop.from) / 1_000)} s before` : null
  }
}
