import { operatorCommand } from "../decision/explain/operator-command.ts"
import { cleanText } from "../decision/inputs/foreign-text.ts"
import { type Control, foldControl, type OperatorCommand } from "../decision/state/control.ts"
import type { SupernodeState } from "../decision/state/state.ts"
import { type Clock, type Ledger, LedgerError } from "../ports.ts"
import { type LedgerEntry, MAX_ENTRY_BYTES, sealEntry } from "./entry.ts"
import { CONTROL_STREAM, controlOf, nextEntry, sealIfFits, stateOf } from "./next-entry.ts"

// Operator commands. Each command is one conditional append to the ledger; nothing here calls the cloud.

export interface CommandPorts {
  ledger: Ledger
  clock: Clock
  newId(): string
}

/** Maximum appends for one command. If a run appends first, the command is tried again on the new head. */
const MAX_TRIES = 20

const NOT_INITIALISED = `this ledger has no id, so no run uses it; nothing was written. To make or adopt it, run: ${operatorCommand.ledgerInit}`

/** Appends pause, resume, hold or approve to stream `control`, read twice per run. Throws LedgerError. */
export function commandAll(ports: CommandPorts, said: OperatorCommand): Promise<LedgerEntry> {
  return commandAllIf(ports, { said, check: () => undefined })
}

export interface ControlCommand {
  said: OperatorCommand
  check(control: Control): void
}

/** Like `commandAll`. `check` may refuse by throwing; it gets the exact state that the command changes. */
export async function commandAllIf(
  ports: CommandPorts,
  { said: written, check }: ControlCommand,
): Promise<LedgerEntry> {
  const said = cleaned(written)
  return appendCommand(ports, CONTROL_STREAM, (head, at) => {
    const control = controlOf(head)
    if (!control.ledger) throw new LedgerError(NOT_INITIALISED)
    check(control)
    const standing = foldControl(control, said, at)
    const place = { stream: CONTROL_STREAM, seq: (head?.seq ?? 0) + 1, prev: head?.hash ?? "" }
    const ids = { run: ports.newId(), writer: ports.newId() }
    const entry = { ...place, ...ids, at, kind: "said" as const, mode: "live" as const, said, standing }
    const sealed = sealIfFits(() => sealEntry(entry, leavesRoom(said) ? MAX_CONTROL_BYTES : MAX_ENTRY_BYTES))
    if (sealed === null) throw new LedgerError(CONTROL_IS_FULL)
    return sealed
  })
}

/** Limit for hold, approve and the pause of one supernode, so that a pause of everything always fits. */
const MAX_CONTROL_BYTES = MAX_ENTRY_BYTES - 32 * 1024
const CONTROL_IS_FULL = `stream control is full; nothing was written. To stop all purchases, run: ${operatorCommand.pauseAll}`

function leavesRoom(said: OperatorCommand): boolean {
  return said.verb === "hold" || said.verb === "approve" || (said.verb === "pause" && said.supernode !== null)
}

/**
 * Appends settle or reset to the supernode's own stream. `check` may refuse by throwing; it gets the exact
 * state that the command changes. A reset has the current time, even if the head has a later one: it is the
 * remedy for an entry that a fast clock dated in the future.
 */
export async function commandSupernode(
  ports: CommandPorts,
  stream: string,
  { said: written, check }: SupernodeCommand,
): Promise<LedgerEntry> {
  const said = cleaned(written)
  return appendCommand(ports, stream, (head, now) => {
    check(stateOf(head))
    const at = said.verb === "reset" ? now : Math.max(now, head?.at ?? 0)
    return nextEntry(stream, head, {
      at,
      run: ports.newId(),
      writer: ports.newId(),
      kind: "said",
      mode: "live",
      said,
    })
  })
}

export interface SupernodeCommand {
  said: OperatorCommand
  check(state: SupernodeState): void
}

/** Cleans the operator's text, so that any terminal or message may show it. */
function cleaned<T extends OperatorCommand>(said: T): T {
  const by = cleanText(said.by, 2_000)
  return "why" in said ? { ...said, by, why: cleanText(said.why, 2_000) } : { ...said, by }
}

async function appendCommand(
  ports: CommandPorts,
  stream: string,
  entryAfter: (head: LedgerEntry | undefined, now: number) => LedgerEntry,
): Promise<LedgerEntry> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const head = await ports.ledger.head(stream)
    const entry = entryAfter(head, ports.clock.now())
    if ((await ports.ledger.append(entry)) === "appended") return entry
  }
  throw new LedgerError(
    `${stream} is too busy: ${MAX_TRIES} appends conflicted with other runs. The command was not recorded. Try again`,
  )
}
