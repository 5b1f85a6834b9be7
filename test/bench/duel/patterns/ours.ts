import type { Policy } from "../../../../lib/decision/policy/policy.ts"
import type { OpenAttempt } from "../../../../lib/decision/state/attempt.ts"
import { outcomeOf } from "../../../../lib/huawei/purchase/answer.ts"
import { ledgerOver } from "../../../../lib/ledger/chain.ts"
import { commandSupernode } from "../../../../lib/ledger/commands.ts"
import { stateOf, supernodeStream } from "../../../../lib/ledger/next-entry.ts"
import type { Clock, Cloud, Ports } from "../../../../lib/ports.ts"
import { run } from "../../../../lib/run/run.ts"
import { offersOf, policyOf } from "../../../decision/builders.ts"
import { clockAt } from "../../../world/clock.ts"
import { readingsOf } from "../../../world/meters.ts"
import { isTooLate } from "../../../world/send-window.ts"
import { taskOf } from "../../../world/task.ts"
import type { Pattern } from "../pattern.ts"
import type { Process } from "../process.ts"
import { post } from "../purchase.ts"
import { LedgerStores } from "../store.ts"
import type { World } from "../world.ts"

// The real run() over the real chain, with the real reading of the cloud's answers. No cooldown, and limits far beyond the
// one purchase that is due: what stops a second one is the ledger alone.

export const POLICY: Policy = policyOf({
  ladder: [1, 2, 4, 8, 16].map((servers) => ({ flavor: `rung-${servers}`, servers })),
  limits: { actions: "20 per 24h", servers: 48 },
  cooldown: "0s",
  min_interval: "0s",
  warmup: "0s",
})
const STREAM = supernodeStream(POLICY.id)

/** `cloudOf`: another client, for showing that a worse one would be found out. */
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

/** New servers settle an unknown outcome as accepted by themselves; only that nothing was bought is for people to say. */
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
  const { world } = process
  const read = async <T>(look: () => T) => ({ ok: true as const, value: await process.ask(look), skewMs: 0 })
  return {
    readSupernode: () => read(() => world.supernode()),
    readOffers: () => read(() => offersOf(...POLICY.ladder.map(({ flavor }) => flavor))),
    readMetrics: ({ policy, supernode, now }) =>
      process.ask(() =>
        readingsOf({
          policy,
          servers: (supernode.servers ?? []).map(({ id }) => id),
          load: world.load,
          now,
        }),
      ),
    buy: async (order) => {
      const { attempt, policy, timeoutMs } = order
      const maySend = () => !isTooLate(order, clockOf(process))
      const ending = await post(process, { label: attempt, timeoutMs, maySend })
      return outcomeOf(ending, { supernode: policy.id, now: process.now, secrets: [] })
    },
  }
}

/** A person says of an unknown attempt what the console shows, and nothing else: no other state may come up here. */
async function settle(world: World, stores: LedgerStores): Promise<boolean> {
  const ledger = ledgerOver(stores.truth)
  const { attempt } = stateOf(await ledger.head(STREAM))
  if (attempt?.state !== "unknown") return false
  const clock = clockAt(() => world.now)
  const desk = { ledger, clock, newId: world.newId }
  await commandSupernode(desk, STREAM, { said: truthAbout(world, attempt), check: () => {} })
  return true
}

function truthAbout(world: World, { id }: OpenAttempt) {
  const stands = world.orders.some(({ label }) => label === id)
  return {
    verb: "settle" as const,
    attempt: id,
    as: stands ? ("accepted" as const) : ("absent" as const),
    why: "looked at the orders in the console",
    by: "ops@example.com",
    servers: (world.supernode().servers ?? []).map((server) => server.id),
  }
}
