import type { OpenAttempt } from "../../lib/decision/state/attempt.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { type CommandPorts, commandSupernode } from "../../lib/ledger/commands.ts"
import type { TrueSupernode } from "./supernode.ts"

// An operator who sees the true servers and orders in the console, and settles attempts by them at the
// command line.

/** Author and reason of the operator's commands. */
export const WHO = { why: "looked at the console", by: "ops@example.com" }

interface Settlement {
  attempt: Pick<OpenAttempt, "id">
  as: "accepted" | "completed" | "absent"
  /** Throws if the state is no longer the one that the operator saw. */
  check: (state: SupernodeState) => void
}

export async function settle(
  ports: CommandPorts,
  supernode: TrueSupernode,
  { attempt, as, check }: Settlement,
): Promise<void> {
  const servers = supernode.present().map(({ id }) => id)
  const said = { verb: "settle" as const, attempt: attempt.id, as, servers, ...WHO }
  await commandSupernode(ports, supernode.stream, { said, check })
}

class StateChanged extends Error {}

/**
 * Settles an attempt with an unknown outcome by the orders in the console, unless the state has changed
 * meanwhile.
 */
export async function settleUnknown(
  ports: CommandPorts,
  supernode: TrueSupernode,
  attempt: OpenAttempt,
): Promise<void> {
  const isTaken = supernode.accepted.some((order) => order.attempt === attempt.id)
  const check = ({ attempt: current }: SupernodeState) => {
    if (current?.id !== attempt.id || current.state !== "unknown") throw new StateChanged()
  }
  try {
    await settle(ports, supernode, { attempt, as: isTaken ? "accepted" : "absent", check })
  } catch (error) {
    if (!(error instanceof StateChanged)) throw error
  }
}

/** Resets the supernode, as after the cause of a rejection is removed. */
export async function reset(ports: CommandPorts, supernode: TrueSupernode): Promise<void> {
  await commandSupernode(ports, supernode.stream, { said: { verb: "reset", ...WHO }, check: () => undefined })
}
