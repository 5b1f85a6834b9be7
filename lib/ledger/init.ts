import { foldControl, type OperatorCommand } from "../decision/state/control.ts"
import type { LedgerIdentity } from "../decision/state/ledger-identity.ts"
import { type Ledger, LedgerError } from "../ports.ts"
import type { AuditedLedger } from "./chain.ts"
import type { CommandPorts } from "./commands.ts"
import { type LedgerEntry, sealEntry } from "./entry.ts"
import { CONTROL_STREAM, controlOf, FLEET_STREAM } from "./next-entry.ts"

const MAX_TRIES = 20

/** Operator's input for `ledger init`. */
export interface InitInput {
  by: string
  why: string
  /** True if the operator confirms that no order is in flight; then live runs need not wait. */
  nothingInFlight: boolean
}

type MadeLedger = Ledger & Pick<AuditedLedger, "create" | "checkWritable">

export interface Initialised {
  identity: LedgerIdentity
  /** Entry that gave the ledger its id; null if the ledger already had one. */
  entry: LedgerEntry | null
}

/**
 * Creates a ledger, or adopts one with entries. A ledger that already has an id keeps it. If several
 * processes call it at once, one id wins and all of them return it. No other function may create a file or a
 * table. Throws LedgerError.
 */
export async function initLedger(
  ports: CommandPorts & { ledger: MadeLedger },
  input: InitInput,
): Promise<Initialised> {
  await ports.ledger.create()
  await ports.ledger.checkWritable()
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const head = await ports.ledger.head(CONTROL_STREAM)
    const known = controlOf(head).ledger
    if (known) return { identity: known, entry: null }
    const isEmpty = head === undefined && (await remembersNothing(ports.ledger))
    const entry = initEntry(ports, { head, isEmpty, input })
    if ((await ports.ledger.append(entry)) !== "appended") continue
    const identity = controlOf(entry).ledger
    if (identity) return { identity, entry }
  }
  throw new LedgerError(`${CONTROL_STREAM} is too busy: ${MAX_TRIES} appends conflicted; try again`)
}

interface Beginning {
  head: LedgerEntry | undefined
  isEmpty: boolean
  input: InitInput
}

function initEntry(ports: CommandPorts, { head, isEmpty, input }: Beginning): LedgerEntry {
  const { by, why, nothingInFlight } = input
  const origin = isEmpty ? (nothingInFlight ? "nothing-in-flight" : "empty") : "adopted"
  const said: OperatorCommand = { verb: "init", ledger: { id: ports.newId() }, origin, why, by }
  const at = ports.clock.now()
  return sealEntry({
    stream: CONTROL_STREAM,
    seq: (head?.seq ?? 0) + 1,
    prev: head?.hash ?? "",
    at,
    run: ports.newId(),
    writer: ports.newId(),
    kind: "said",
    mode: "live",
    said,
    standing: foldControl(controlOf(head), said, at),
  })
}

/**
 * True if the ledger has no history to adopt: it is empty, or it has only entries of runs that lost their own
 * ledger. Such a run had read another `control`, or the first entry of its chain is gone. Reservations in
 * stream `fleet` and their lapses do not count, because purchases are in the supernodes' chains. Throws
 * LedgerError.
 */
async function remembersNothing(ledger: MadeLedger): Promise<boolean> {
  for await (const stream of ledger.streams()) {
    if (stream === FLEET_STREAM) continue
    for await (const { situation, observation } of ledger.read(stream, { fromSeq: 1, toSeq: 1 })) {
      const control = situation?.control
      const isOfLost = control?.state === "read" && control.value.ledger !== undefined
      if (!isOfLost && observation?.kind !== "lapsed") return false
    }
  }
  return true
}
