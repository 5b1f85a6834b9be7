import type { Policy } from "../../../../lib/decision/policy/policy.ts"
import { outcomeOf } from "../../../../lib/huawei/purchase/answer.ts"
import { ledgerOver } from "../../../../lib/ledger/chain.ts"
import { stateOf } from "../../../../lib/ledger/next-entry.ts"
import type { Clock, Cloud, Ports } from "../../../../lib/ports.ts"
import { run } from "../../../../lib/run/run.ts"
import { clockAt } from "../../../world/clock.ts"
import { cloudOver } from "../../../world/cloud.ts"
import { settleUnknown } from "../../../world/operator.ts"
import { isTooLate } from "../../../world/send-window.ts"
import { taskOf } from "../../../world/task.ts"
import type { Pattern } from "../pattern.ts"
import type { Process } from "../process.ts"
import { post } from "../purchase.ts"
import { LedgerStores } from "../store.ts"
import { POLICY, type World } from "../world.ts"

// The real run() over the real chain, with the real code that reads the cloud's responses.

/** `cloudOf` replaces the client, to show that the duel detects a worse one. */
export function oursWith(policy: Policy, cloudOf: (process: Process) => Cloud = cloudSeenBy): Pattern {
  return {
    name: "ours",
    open: (world) => {
      const stores = new LedgerStores()
      const ready = stores.begin(world.now)
      return {
        handle: async (wakeup, process) => {
          await ready
          const task = taskOf({ signal: wakeup, policy, run: world.newId() }, { fleetStreams: [] })
          await run(portsOf(process, stores, cloudOf), task)
        },
        askPeople: () => settle(world, stores),
      }
    },
  }
}

export const ours = oursWith(POLICY)

/** New servers settle an unknown outcome as accepted. Only an operator can settle that nothing was bought. */
export const oursAuto = oursWith({ ...POLICY, unknownOutcome: "auto" })

function portsOf(process: Process, stores: LedgerStores, cloudOf: (process: Process) => Cloud): Ports {
  return {
    ledger: ledgerOver(stores.seenBy(process)),
    cloud: cloudOf(process),
    clock: clockOf(process),
    notify: null,
    newId: process.world.newId,
    timeLeftMs: () => process.timeLeftMs,
  }
}

function clockOf(process: Process): Clock {
  return { ...clockAt(() => process.now), wait: (ms) => process.wait(ms) }
}

export function cloudSeenBy(process: Process): Cloud {
  return cloudOver(() => process.world.supernode, {
    read: async (_what, look) => ({ ok: true, value: await process.ask(look), skewMs: 0 }),
    measure: (look) => process.ask(look),
    buy: async (order) => {
      const { attempt, policy, timeoutMs } = order
      const maySend = () => !isTooLate(order, clockOf(process))
      const ending = await post(process, { label: attempt, timeoutMs, maySend })
      return outcomeOf(ending, { supernode: policy.id, now: process.now, secrets: [] })
    },
  })
}

/** Operators settle an unknown attempt. No other state needs them in the duel. */
async function settle({ supernode, scheduler, newId }: World, stores: LedgerStores): Promise<boolean> {
  const ledger = ledgerOver(stores.truth)
  const { attempt } = stateOf(await ledger.head(supernode.stream))
  if (attempt?.state !== "unknown") return false
  await settleUnknown({ ledger, clock: clockAt(() => scheduler.now), newId }, supernode, attempt)
  return true
}
