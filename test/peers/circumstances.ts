import {
  alarmOf,
  DAY,
  HOUR,
  MINUTE,
  NOW,
  policyOf,
  readingOf,
  requestOf,
  ruleInput,
  serversOf,
  supernodeOf,
} from "../decision/builders.ts"
import { CONTROL_STREAM, unreachable } from "../run/world.ts"
import { buyAndDeliver, end, inTurn, offerAll, ROOMY, type Row, tick } from "./row.ts"

// The inputs of a decision are missing, late or from a dry run.

export const METRICS_OUT: Row[] = [
  {
    peer: "Kubernetes HPA, kubernetes#104387",
    hurts: "reads an outage of the metrics as 0 and acts on it",
    ours: "does not treat missing metrics as a value, not even if a low value is bad",
    play: async (world) => {
      world.load = null
      const policy = policyOf({ rules: [{ ...ruleInput(), above: undefined, below: 5 }] })
      const out = await end(tick(world, { policy }))
      world.load = 0
      return [out, await end(tick(world, { policy }))]
    },
    ends: ["held: missing-data", "accepted"],
    orders: 1,
  },
  {
    peer: "Cloud Spanner autoscaler",
    hurts: "acts on the remaining metrics in a partial outage: 10 nodes became 2",
    ours: "does not buy on the few servers that still report",
    play: async (world) => {
      world.supernode = { ok: true, value: supernodeOf({ servers: serversOf(4) }), skewMs: 0 }
      offerAll(world)
      world.cloud.readMetrics = async ({ now }) => [readingOf(Array(5).fill(97), { servers: ["s1"], now })]
      return inTurn(() => tick(world, { policy: ROOMY }))
    },
    ends: ["held: missing-data"],
    orders: 0,
  },
  {
    peer: "CloudWatch, M out of N",
    hurts: "reaches further back for missing points, and alarms on fewer than M",
    ours: "does not buy on fewer than M real points, also when the alarm itself fires",
    play: async (world) => {
      world.cloud.readMetrics = async ({ now }) => [readingOf([97, null, null, 97, null], { now })]
      return inTurn(() => world.run(alarmOf()))
    },
    ends: ["held: missing-data"],
    orders: 0,
  },
  {
    peer: "Kubernetes HPA's readiness rule, azure-docs#56120",
    hurts: "points from before the new capacity count again: one peak scales twice",
    ours: "does not count points that began before the bought servers were ready and warm",
    play: async (world) => {
      offerAll(world)
      const policy = { ...policyOf({ cooldown: "0s", min_interval: "0s" }), ladder: ROOMY.ladder }
      const bought = await buyAndDeliver(world, policy)
      world.now += 10 * MINUTE
      const early = await end(tick(world, { policy }))
      world.now += HOUR
      return [bought, early, await end(tick(world, { policy }))]
    },
    ends: ["accepted", "held: not-breaching", "accepted"],
    orders: 2,
  },
]

export const GUARDS: Row[] = [
  {
    peer: 'jitsi-autoscaler, "proceeding without guard"',
    hurts: "continues if the guard cannot be read",
    ours: "sends nothing when the pauses cannot be read right before the call",
    play: async (world) => {
      let reads = 0
      world.interference.beforeHead = async (stream) => {
        if (stream === CONTROL_STREAM && ++reads > 1) unreachable()
      }
      return inTurn(() => world.run(alarmOf()))
    },
    ends: ["not-sent: control-unreadable"],
    orders: 0,
  },
  {
    peer: "handlers that swallow errors",
    hurts: "alarms on errors stay silent while nothing works",
    ours: "fails, and buys nothing, while the ledger cannot be read",
    play: async (world) => {
      world.interference.beforeHead = async () => unreachable()
      return inTurn(() => world.run(alarmOf()))
    },
    ends: ["failed: LedgerError"],
    orders: 0,
  },
  {
    peer: "nomad-autoscaler#144",
    hurts: "a dry run starts the cooldown",
    ours: "buys right after a dry run, which leaves nothing behind",
    play: async (world) =>
      inTurn(
        () => world.run(requestOf()),
        () => world.run(alarmOf()),
      ),
    ends: ["plan only", "accepted"],
    orders: 1,
  },
  {
    peer: "escalator, buildkite-agent-scaler",
    hurts: "a dry run fakes its reads or always decides 0, so it does not show what live does",
    ours: "shows in a dry run the same plan that a live run buys",
    play: async (world) => {
      const shown = await world.run(requestOf({ id: "shown" }))
      const bought = await world.run(
        requestOf({ id: "live", mode: "live", planHash: shown.plan?.hash ?? "none" }),
      )
      return [`same plan: ${bought.plan?.hash === shown.plan?.hash}`, `${bought.outcome?.kind}`]
    },
    ends: ["same plan: true", "accepted"],
    orders: 1,
  },
  {
    peer: "queues and asynchronous invocations",
    hurts: "acts on an event that was delivered hours late",
    ours: "does not buy on an alarm that is delivered a day late",
    play: async (world) => inTurn(() => world.run(alarmOf({ at: NOW - DAY }))),
    ends: ["held: stale"],
    orders: 0,
  },
]
