import type { OpenAttempt } from "../../lib/decision/state/attempt.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { type CommandPorts, commandSupernode } from "../../lib/ledger/commands.ts"
import type { TrueSupernode } from "./supernode.ts"

// A person at the console, who sees the true servers and orders, and says at the command line what they show.

/** Who says it, and why. */
export const WHO = { why: "looked at the console", by: "ops@example.com" }

interface Settlement {
  attempt: Pick<OpenAttempt, "id">
  as: "accepted" | "completed" | "absent"
  /** Throws if the state is no longer what the person looked at. */
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

/** Settles an attempt without a known outcome by the orders that the console shows, unless the state has changed meanwhile. */
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

/** After the cause of a refusal is mended. */
export async function reset(ports: CommandPorts, supernode: TrueSupernode): Promise<void> {
  await commandSupernode(ports, supernode.stream, { said: { verb: "reset", ...WHO }, check: () => undefined })
}
