import type { Fetched } from "../decision/inputs/fetched.ts"
import type { Policy } from "../decision/policy/policy.ts"
import type { Control } from "../decision/state/control.ts"
import type { EarlierDelivery } from "../decision/state/freshness.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { CONTROL_STREAM, controlOf } from "../ledger/next-entry.ts"
import type { Ports } from "../ports.ts"
import { withCheckedSignatures } from "./check-signatures.ts"
import type { RunTask } from "./task.ts"

/** The newest entries at the start of a round. */
export interface Heads {
  head: LedgerEntry | undefined
  control: Fetched<Control>
  /** The first delivery of a person's request that was delivered before and was held. */
  firstDelivery?: EarlierDelivery | undefined
}

/** Reads the newest entry of this supernode's chain, and the operators' commands. Throws LedgerError; then nothing is decided. */
export async function readHeads(ports: Ports, task: RunTask): Promise<Heads> {
  const [head, control] = await Promise.all([
    ports.ledger.head(task.stream),
    readControl(ports, task.loaded.policy),
  ])
  return { head, control }
}

/** The state of stream `control`, its signatures verified by the keys of this policy. Throws LedgerError. */
export async function readControl(ports: Ports, policy: Policy): Promise<Fetched<Control>> {
  const head = await ports.ledger.head(CONTROL_STREAM)
  return { state: "read", value: withCheckedSignatures(controlOf(head), policy) }
}
