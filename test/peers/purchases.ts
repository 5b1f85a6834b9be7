import { alarmOf, DAY, HOUR, MINUTE, requestOf } from "../decision/builders.ts"
import { unknown, unreachable, World } from "../run/world.ts"
import { buyAndDeliver, end, inTurn, offerAll, ROOMY, type Row, tick } from "./row.ts"

// A purchase that is in doubt: its response, its record, its process or its rival.

export const ANSWER_LOST: Row[] = [
  {
    peer: "Powertools idempotency 2.35.0",
    hurts: "deletes its record on any error: response lost and redelivered four times, four effects",
    ours: "sends one order when its response is lost and the alarm is delivered four times more",
    play: async (world) => {
      world.outcomes = [unknown]
      const deliver = () => world.run(alarmOf())
      return inTurn(deliver, deliver, deliver, deliver, deliver)
    },
    ends: ["unknown", ...Array<string>(4).fill("held: duplicate")],
    orders: 1,
  },
  {
    peer: "github-aws-runners, scaleUp",
    hurts: "retries a call whose outcome is unknown: a second fleet",
    ours: "does not order again while an outcome is unknown, whichever signal arrives",
    play: async (world) => {
      world.outcomes = [unknown]
      return inTurn(
        () => world.run(alarmOf()),
        () => tick(world),
        () => world.run(alarmOf({ id: "another", at: world.now })),
        () => world.run(requestOf({ id: "person", mode: "live", bypassCooldown: true, at: world.now })),
      )
    },
    ends: ["unknown", ...Array<string>(3).fill("held: outcome-unknown")],
    orders: 1,
  },
]

export const KILLED: Row[] = [
  {
    peer: "Powertools idempotency 2.35.0",
    hurts: "lets an expired record be taken over: killed in mid-call, and an hour later it calls again",
    ours: "never takes over the attempt of a process that was killed in mid-call",
    play: async (world) => {
      const sent = new Promise<void>((resolve) => {
        world.whileBuying = () => {
          resolve()
          return new Promise(() => undefined)
        }
      })
      void world.run(alarmOf())
      await sent
      const soon = await end(tick(world))
      world.now += 2 * HOUR
      const later = await end(tick(world))
      world.now += 30 * DAY
      return [soon, later, await end(tick(world))]
    },
    ends: ["held: in-flight", "held: outcome-unknown", "held: outcome-unknown"],
    orders: 1,
  },
  {
    peer: "cloudspannerecosystem/autoscaler, processScalingRequest",
    hurts: "one try around the call and its record: the write fails after the call, so no cooldown starts",
    ours: "throws and keeps the attempt open when the outcome of a purchase cannot be written",
    play: async (world) => {
      world.interference.beforeAppend = async ({ kind }) => (kind === "settled" ? unreachable() : undefined)
      const bought = await end(world.run(alarmOf()))
      world.interference = {}
      return [bought, await end(tick(world))]
    },
    ends: ["failed: LedgerError", "held: outcome-unknown"],
    orders: 1,
  },
  {
    peer: "karpenter, nodeclaim/lifecycle (does it rightly)",
    hurts: "without a record before the launch, a crash leaks what was launched",
    ours: "does not call the cloud if the attempt cannot be written to the ledger first",
    play: async (world) => {
      world.interference.beforeAppend = async ({ kind }) => (kind === "opened" ? unreachable() : undefined)
      return inTurn(() => world.run(alarmOf()))
    },
    ends: ["failed: LedgerError"],
    orders: 0,
  },
  {
    peer: "autoscalers that keep the cooldown in memory",
    hurts: "scale again right after a restart",
    ours: "keeps the cooldown of a purchase after a restart",
    play: async (world) => {
      offerAll(world)
      const bought = await buyAndDeliver(world)
      const restarted = new World(world.ledger)
      restarted.now = world.now + 10 * MINUTE
      restarted.supernode = world.supernode
      offerAll(restarted)
      const again = await end(tick(restarted, { policy: ROOMY }))
      world.orders.push(...restarted.orders)
      return [bought, again]
    },
    ends: ["accepted", "held: cooldown"],
    orders: 1,
  },
]

export const TWO_AT_ONCE: Row[] = [
  {
    peer: "check, call, then record (no lock around them)",
    hurts: "an alarm and a cron tick in the same second are two purchases",
    ours: "sends one order for an alarm and a tick in the same second",
    play: async (world) => {
      const ends = await Promise.all([end(world.run(alarmOf())), end(tick(world))])
      return ends.filter((one) => !one.startsWith("held"))
    },
    ends: ["accepted"],
    orders: 1,
  },
  {
    peer: "lock with a TTL (Redlock, ShedLock)",
    hurts: "the lock ends while its holder is paused, and both call",
    ours: "lets only the run that appended first buy, however long the other run paused",
    play: async (world) => {
      let other = ""
      world.interference.beforeAppend = async ({ kind }) => {
        if (kind !== "opened") return undefined
        world.interference = {}
        world.now += 10 * MINUTE
        other = await end(world.run(alarmOf({ id: "other", at: world.now })))
        return undefined
      }
      const slow = await end(world.run(alarmOf()))
      return [other, slow]
    },
    ends: ["accepted", "held: in-flight"],
    orders: 1,
  },
]
