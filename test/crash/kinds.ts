import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { NotifyTopic } from "../../lib/decision/policy/notify.ts"
import type { Ports } from "../../lib/ports.ts"
import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import { MINUTE, type PolicyInput } from "../decision/builders.ts"
import type { Environment } from "./environment.ts"
import { newAlarm, newRequest, newTick, PAST_DEADLINE_MS, peopleSettle, runSignal, sayPause } from "./runs.ts"
import { type Habits, Worker } from "./worker.ts"

const TROUBLE: readonly NotifyTopic[] = ["trouble", "approval"]

export type Act = (ports: Ports) => Promise<unknown>

/** A kind of run whose every I/O is broken in every way. */
export interface Kind {
  name: string
  policy?: Partial<PolicyInput>
  habits?: Habits
  /** Endings of its purchase and of later ones. */
  endings?: OrderEnding[]
  followUps: FollowUpName[]
  /** Topics for which the policy names a recipient. */
  notifies?: readonly NotifyTopic[]
  /** Allowed purchases of two supernodes. Only points in `breaks` are broken; other kinds break the rest. */
  fleet?: { allowed: number; breaks: RegExp }
  /** Only these points are broken; other kinds break the rest. */
  breaks?: RegExp
  /** It must leave no trace in the ledger. */
  writesNothing?: true
  /** Plays the earlier events, and returns the run, which may be repeated with the same event. */
  begin(environment: Environment): Promise<Act>
}

/** The event right after the fault, and again past the deadline. */
export const FOLLOW_UPS = {
  "the same event again": (_place: Environment, act: Act) => (ports: Ports) => act(ports),
  "another alarm": (environment: Environment) => (ports: Ports) =>
    runSignal(environment, ports, newAlarm(environment)),
  "a person's request": (environment: Environment) => async (ports: Ports) =>
    runSignal(environment, ports, await newRequest(environment)),
  "another supernode's alarm": (environment: Environment) => (ports: Ports) =>
    runSignal(environment, ports, newAlarm(environment), environment.supernodes[1]),
  "a tick": (environment: Environment) => (ports: Ports) =>
    runSignal(environment, ports, newTick(environment)),
  "a person settles": (environment: Environment) => (ports: Ports) => peopleSettle(environment, ports),
  "a pause and another alarm": (environment: Environment) => async (ports: Ports) => {
    await sayPause(ports)
    await runSignal(environment, ports, newAlarm(environment))
  },
}
export type FollowUpName = keyof typeof FOLLOW_UPS

const EVENTS: FollowUpName[] = ["the same event again", "another alarm", "a person's request", "a tick"]
const PURCHASES: FollowUpName[] = ["the same event again", "another alarm", "a person's request"]
const ALL: FollowUpName[] = [...EVENTS, "a pause and another alarm"]

/** Runs on their way to a purchase. */
export const BUYING: Kind[] = [
  {
    name: "an alarm that buys",
    followUps: ALL,
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "a tick that buys",
    followUps: PURCHASES,
    begin: async (environment) => always(environment, newTick(environment)),
  },
  {
    name: "a person's request that buys",
    followUps: ["the same event again", "a pause and another alarm"],
    begin: async (environment) => always(environment, await newRequest(environment)),
  },
  {
    name: "a tick that records a completed purchase while a rival run writes",
    habits: { rivals: { "recordObservations ledger.append:observed": 1 } },
    followUps: ["the same event again", "another alarm"],
    begin: async (environment) => {
      await bought(environment)
      environment.now += 16 * MINUTE
      return always(environment, newTick(environment))
    },
  },
  {
    name: "a tick that records a completed purchase and buys again",
    followUps: PURCHASES,
    begin: async (environment) => {
      await bought(environment)
      environment.now += 40 * MINUTE
      return always(environment, newTick(environment))
    },
  },
  {
    name: "a tick that measures a purchase's effect while a rival run writes, and buys again",
    policy: { efficacy: { purchases: 2, min_gain: 5 } },
    habits: { rivals: { "recordObservations ledger.append:observed": 1 } },
    followUps: ["another alarm"],
    begin: async (environment) => {
      await bought(environment)
      environment.now += 6 * MINUTE
      await runSignal(environment, new Worker(environment).ports, newTick(environment))
      environment.now += 40 * MINUTE
      return always(environment, newTick(environment))
    },
  },
  {
    name: "an alarm that is refused for capacity and buys the next larger rung",
    policy: { sold_out: "next-larger" },
    endings: ["capacity"],
    followUps: ["another alarm", "a person's request"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "a tick that takes new servers as the outcome of a lost response, and buys again",
    policy: { unknown_outcome: "auto" },
    followUps: ["another alarm", "a person's request"],
    begin: async (environment) => {
      await bought(environment, "lost")
      environment.now += 40 * MINUTE
      return always(environment, newTick(environment))
    },
  },
  {
    name: "an alarm without load, whose hold is recorded",
    followUps: ["the same event again", "a tick"],
    begin: async (environment) => {
      const signal = newAlarm(environment)
      return (ports) => {
        environment.load = 10
        return runSignal(environment, ports, signal)
      }
    },
  },
  {
    name: "a person's dry run",
    writesNothing: true,
    followUps: ["a tick"],
    begin: async (environment) => {
      const signal = await newRequest(environment)
      return always(environment, signal.kind === "request" ? { ...signal, mode: "dry-run" } : signal)
    },
  },
]

/** Runs that already contain a failure, and the operators' reactions. */
export const SETTLING: Kind[] = [
  {
    name: "an alarm that buys, and a read of the order's status",
    habits: { readsOrders: true },
    breaks: /^(followOrder|appendObservation) /,
    followUps: ["a tick", "another alarm"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm that buys, and the purchase is notified with its details and the ledger's heads",
    notifies: ["purchase"],
    breaks: /^(claimNotification|withPurchase|headOf|deliver|noteDelivery) /,
    followUps: ["a tick"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "a tick that cannot read the supernode, and counts this failure",
    notifies: TROUBLE,
    breaks: /^recordBlindness /,
    habits: { stumbles: { "readSupernodeAfter cloud.readSupernode": 1 } },
    followUps: ["a tick"],
    begin: async (environment) => always(environment, newTick(environment)),
  },
  {
    name: "an alarm whose order is taken, but whose response is lost",
    endings: ["lost"],
    notifies: TROUBLE,
    followUps: PURCHASES,
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm whose order is taken, but whose response is lost, and a read of CTS",
    endings: ["lost"],
    habits: { readsTraces: true },
    breaks: /^(lookForTraces|appendObservation) /,
    followUps: ["another alarm"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm whose order is lost",
    endings: ["vanished"],
    followUps: ["the same event again", "a person's request", "a tick"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm whose purchase is refused, and a person's reset of the supernode",
    endings: ["balance"],
    notifies: TROUBLE,
    followUps: ["another alarm"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "a tick while an outcome is unknown, and the order was taken",
    followUps: ["a person settles", "another alarm", "a person's request"],
    begin: async (environment) => {
      await bought(environment, "lost")
      return always(environment, newTick(environment))
    },
  },
  {
    name: "a tick while an outcome is unknown, and the order was lost",
    followUps: ["a person settles", "another alarm", "a person's request"],
    begin: async (environment) => {
      await bought(environment, "vanished")
      return always(environment, newTick(environment))
    },
  },
  {
    name: "a tick that notifies of an attempt that was never settled, against rival runs and refused deliveries",
    notifies: TROUBLE,
    habits: {
      stumbles: { "deliver notify.send": 1 },
      rivals: { "claimNotification ledger.append:observed": 1, "noteDelivery ledger.append:observed": 1 },
    },
    followUps: ["a person settles", "another alarm"],
    begin: async (environment) => {
      const worker = new Worker(environment, {
        at: "sendOnce cloud.buy",
        fault: { kind: "dies", after: true },
      })
      await Promise.race([worker.stopped, runSignal(environment, worker.ports, newAlarm(environment))])
      environment.now += PAST_DEADLINE_MS
      return always(environment, newTick(environment))
    },
  },
  {
    name: "an alarm whose purchase is settled while the ledger fails for some time",
    habits: { stumbles: { "settle ledger.append:settled": 1, "settle ledger.head:supernode": 1 } },
    followUps: ["the same event again", "another alarm"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm whose purchase is settled while a rival run writes",
    habits: { rivals: { "settle ledger.append:settled": 1 } },
    followUps: ["another alarm"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm that is overtaken three times",
    habits: { rivals: { "purchase ledger.append:opened": 3 } },
    followUps: ["the same event again"],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm that is delivered twice",
    followUps: ["the same event again", "a tick"],
    begin: async (environment) => {
      const signal = newAlarm(environment)
      await runSignal(environment, new Worker(environment).ports, signal)
      return always(environment, signal)
    },
  },
  {
    name: "a person who settles an order that was taken",
    followUps: EVENTS,
    begin: async (environment) => {
      await bought(environment, "lost")
      return (ports) => peopleSettle(environment, ports)
    },
  },
  {
    name: "a person who settles an order that was lost",
    followUps: EVENTS,
    begin: async (environment) => {
      await bought(environment, "vanished")
      return (ports) => peopleSettle(environment, ports)
    },
  },
  {
    name: "a person who pauses everything",
    followUps: ["another alarm", "a person's request", "a tick"],
    begin: async () => sayPause,
  },
]

function always(environment: Environment, signal: Signal): Act {
  return (ports) => runSignal(environment, ports, signal)
}

/** Makes a purchase with this ending, and passes its deadline. */
async function bought(environment: Environment, ending: OrderEnding = "accepted"): Promise<void> {
  environment.endings = [ending]
  await runSignal(environment, new Worker(environment).ports, newAlarm(environment))
  environment.now += PAST_DEADLINE_MS
}

const NEIGHBOUR: FollowUpName = "another supernode's alarm"

/** Runs under caps across two supernodes, which both want the last purchase. */
export const FLEET: Kind[] = [
  {
    name: "an alarm that makes a reservation under the fleet's caps",
    fleet: { allowed: 1, breaks: /^(readFleet|readTip|reserve|purchase|sendOnce|release) / },
    followUps: [NEIGHBOUR],
    begin: async (environment) => always(environment, newAlarm(environment)),
  },
  {
    name: "an alarm that reserves and releases while rival runs write, after another supernode's purchase",
    fleet: { allowed: 2, breaks: /^release / },
    habits: { rivals: { "reserve ledger.append:opened": 1, "release ledger.append:settled": 1 } },
    followUps: [NEIGHBOUR],
    begin: async (environment) => {
      await runSignal(
        environment,
        new Worker(environment).ports,
        newAlarm(environment),
        environment.supernodes[1],
      )
      return always(environment, newAlarm(environment))
    },
  },
  {
    name: "an alarm that records another run's unopened attempt as lapsed",
    fleet: { allowed: 1, breaks: /^fence / },
    followUps: [NEIGHBOUR],
    begin: async (environment) => {
      await reservedOnly(environment)
      return always(environment, newAlarm(environment))
    },
  },
  {
    name: "an alarm that cannot record an attempt as lapsed, because a rival run took the seq",
    fleet: { allowed: 1, breaks: /^fence / },
    habits: { rivals: { "fence ledger.append:observed": 1 } },
    followUps: [NEIGHBOUR],
    begin: async (environment) => {
      await reservedOnly(environment)
      return always(environment, newAlarm(environment))
    },
  },
]

/** Lets another supernode's run make a reservation under the caps and die, and passes its deadline. */
async function reservedOnly(environment: Environment): Promise<void> {
  const worker = new Worker(environment, {
    at: "purchase ledger.append:opened",
    fault: { kind: "dies", after: false },
  })
  await Promise.race([
    worker.stopped,
    runSignal(environment, worker.ports, newAlarm(environment), environment.supernodes[1]),
  ])
  environment.now += PAST_DEADLINE_MS
}
