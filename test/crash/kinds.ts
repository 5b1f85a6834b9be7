import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { NotifyTopic } from "../../lib/decision/policy/notify.ts"
import type { Ports } from "../../lib/ports.ts"
import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import { MINUTE, type PolicyInput } from "../decision/builders.ts"
import type { Place } from "./place.ts"
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
  begin(place: Place): Promise<Act>
}

/** The event right after the fault, and again past the deadline. */
export const FOLLOW_UPS = {
  "the same event again": (_place: Place, act: Act) => (ports: Ports) => act(ports),
  "another alarm": (place: Place) => (ports: Ports) => runSignal(place, ports, newAlarm(place)),
  "a person's request": (place: Place) => async (ports: Ports) =>
    runSignal(place, ports, await newRequest(place)),
  "another supernode's alarm": (place: Place) => (ports: Ports) =>
    runSignal(place, ports, newAlarm(place), place.supernodes[1]),
  "a tick": (place: Place) => (ports: Ports) => runSignal(place, ports, newTick(place)),
  "a person settles": (place: Place) => (ports: Ports) => peopleSettle(place, ports),
  "a pause and another alarm": (place: Place) => async (ports: Ports) => {
    await sayPause(ports)
    await runSignal(place, ports, newAlarm(place))
  },
}
export type FollowUpName = keyof typeof FOLLOW_UPS

const EVENTS: FollowUpName[] = ["the same event again", "another alarm", "a person's request", "a tick"]
const PURCHASES: FollowUpName[] = ["the same event again", "another alarm", "a person's request"]
const ALL: FollowUpName[] = [...EVENTS, "a pause and another alarm"]

/** Runs on their way to a purchase. */
export const BUYING: Kind[] = [
  { name: "an alarm that buys", followUps: ALL, begin: async (place) => always(place, newAlarm(place)) },
  { name: "a tick that buys", followUps: PURCHASES, begin: async (place) => always(place, newTick(place)) },
  {
    name: "a person's request that buys",
    followUps: ["the same event again", "a pause and another alarm"],
    begin: async (place) => always(place, await newRequest(place)),
  },
  {
    name: "a tick that sees a purchase complete against a rival",
    habits: { rivals: { "recordObservations ledger.append:observed": 1 } },
    followUps: ["the same event again", "another alarm"],
    begin: async (place) => {
      await bought(place)
      place.now += 16 * MINUTE
      return always(place, newTick(place))
    },
  },
  {
    name: "a tick that sees a purchase complete and buys again",
    followUps: PURCHASES,
    begin: async (place) => {
      await bought(place)
      place.now += 40 * MINUTE
      return always(place, newTick(place))
    },
  },
  {
    name: "a tick that measures a purchase's effect against a rival, and buys again",
    policy: { efficacy: { purchases: 2, min_gain: 5 } },
    habits: { rivals: { "recordObservations ledger.append:observed": 1 } },
    followUps: ["another alarm"],
    begin: async (place) => {
      await bought(place)
      place.now += 6 * MINUTE
      await runSignal(place, new Worker(place).ports, newTick(place))
      place.now += 40 * MINUTE
      return always(place, newTick(place))
    },
  },
  {
    name: "an alarm that is refused for capacity and buys the next larger rung",
    policy: { sold_out: "next-larger" },
    endings: ["capacity"],
    followUps: ["another alarm", "a person's request"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "a tick that takes new servers as the outcome of a lost response, and buys again",
    policy: { unknown_outcome: "auto" },
    followUps: ["another alarm", "a person's request"],
    begin: async (place) => {
      await bought(place, "lost")
      place.now += 40 * MINUTE
      return always(place, newTick(place))
    },
  },
  {
    name: "an alarm without load, whose hold is recorded",
    followUps: ["the same event again", "a tick"],
    begin: async (place) => {
      const signal = newAlarm(place)
      return (ports) => {
        place.load = 10
        return runSignal(place, ports, signal)
      }
    },
  },
  {
    name: "a person's dry run",
    writesNothing: true,
    followUps: ["a tick"],
    begin: async (place) => {
      const signal = await newRequest(place)
      return always(place, signal.kind === "request" ? { ...signal, mode: "dry-run" } : signal)
    },
  },
]

/** Runs that already contain a failure, and the operators' reactions. */
export const SETTLING: Kind[] = [
  {
    name: "an alarm that buys, and its order is read",
    habits: { readsOrders: true },
    breaks: /^(followOrder|appendObservation) /,
    followUps: ["a tick", "another alarm"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm that buys, and the purchase is notified with its details and the ledger's heads",
    notifies: ["purchase"],
    breaks: /^(claimNotification|withPurchase|headOf|deliver|noteDelivery) /,
    followUps: ["a tick"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "a tick that cannot read the supernode, and counts it",
    notifies: TROUBLE,
    breaks: /^recordBlindness /,
    habits: { stumbles: { "readSupernodeAfter cloud.readSupernode": 1 } },
    followUps: ["a tick"],
    begin: async (place) => always(place, newTick(place)),
  },
  {
    name: "an alarm whose order is taken and gets no response",
    endings: ["lost"],
    notifies: TROUBLE,
    followUps: PURCHASES,
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm whose order is taken and gets no response, and CTS is read",
    endings: ["lost"],
    habits: { readsTraces: true },
    breaks: /^(lookForTraces|appendObservation) /,
    followUps: ["another alarm"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm whose order is lost and gets no response",
    endings: ["vanished"],
    followUps: ["the same event again", "a person's request", "a tick"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm whose purchase is refused until a person resets it",
    endings: ["balance"],
    notifies: TROUBLE,
    followUps: ["another alarm"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "a tick while an outcome is unknown, and the order was taken",
    followUps: ["a person settles", "another alarm", "a person's request"],
    begin: async (place) => {
      await bought(place, "lost")
      return always(place, newTick(place))
    },
  },
  {
    name: "a tick while an outcome is unknown, and the order was lost",
    followUps: ["a person settles", "another alarm", "a person's request"],
    begin: async (place) => {
      await bought(place, "vanished")
      return always(place, newTick(place))
    },
  },
  {
    name: "a tick that finds an attempt opened and never settled, and notifies of it against rivals and refusals",
    notifies: TROUBLE,
    habits: {
      stumbles: { "deliver notify.send": 1 },
      rivals: { "claimNotification ledger.append:observed": 1, "noteDelivery ledger.append:observed": 1 },
    },
    followUps: ["a person settles", "another alarm"],
    begin: async (place) => {
      const worker = new Worker(place, { at: "sendOnce cloud.buy", fault: { kind: "dies", after: true } })
      await Promise.race([worker.stopped, runSignal(place, worker.ports, newAlarm(place))])
      place.now += PAST_DEADLINE_MS
      return always(place, newTick(place))
    },
  },
  {
    name: "an alarm that settles through a ledger that fails for a while",
    habits: { stumbles: { "settle ledger.append:settled": 1, "settle ledger.head:supernode": 1 } },
    followUps: ["the same event again", "another alarm"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm that settles against a rival",
    habits: { rivals: { "settle ledger.append:settled": 1 } },
    followUps: ["another alarm"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm that is overtaken three times",
    habits: { rivals: { "purchase ledger.append:opened": 3 } },
    followUps: ["the same event again"],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm that comes a second time",
    followUps: ["the same event again", "a tick"],
    begin: async (place) => {
      const signal = newAlarm(place)
      await runSignal(place, new Worker(place).ports, signal)
      return always(place, signal)
    },
  },
  {
    name: "a person who settles an order that was taken",
    followUps: EVENTS,
    begin: async (place) => {
      await bought(place, "lost")
      return (ports) => peopleSettle(place, ports)
    },
  },
  {
    name: "a person who settles an order that was lost",
    followUps: EVENTS,
    begin: async (place) => {
      await bought(place, "vanished")
      return (ports) => peopleSettle(place, ports)
    },
  },
  {
    name: "a person who pauses everything",
    followUps: ["another alarm", "a person's request", "a tick"],
    begin: async () => sayPause,
  },
]

function always(place: Place, signal: Signal): Act {
  return (ports) => runSignal(place, ports, signal)
}

/** Makes a purchase with this ending, and passes its deadline. */
async function bought(place: Place, ending: OrderEnding = "accepted"): Promise<void> {
  place.endings = [ending]
  await runSignal(place, new Worker(place).ports, newAlarm(place))
  place.now += PAST_DEADLINE_MS
}

const NEIGHBOUR: FollowUpName = "another supernode's alarm"

/** Runs under caps across two supernodes, which both want the last purchase. */
export const FLEET: Kind[] = [
  {
    name: "an alarm that makes a reservation under the fleet's caps",
    fleet: { allowed: 1, breaks: /^(readFleet|readTip|reserve|purchase|sendOnce|release) / },
    followUps: [NEIGHBOUR],
    begin: async (place) => always(place, newAlarm(place)),
  },
  {
    name: "an alarm that reserves and releases against rivals, after another supernode's purchase",
    fleet: { allowed: 2, breaks: /^release / },
    habits: { rivals: { "reserve ledger.append:opened": 1, "release ledger.append:settled": 1 } },
    followUps: [NEIGHBOUR],
    begin: async (place) => {
      await runSignal(place, new Worker(place).ports, newAlarm(place), place.supernodes[1])
      return always(place, newAlarm(place))
    },
  },
  {
    name: "an alarm that closes the position of an attempt that was not opened",
    fleet: { allowed: 1, breaks: /^fence / },
    followUps: [NEIGHBOUR],
    begin: async (place) => {
      await reservedOnly(place)
      return always(place, newAlarm(place))
    },
  },
  {
    name: "an alarm that cannot close the position of an attempt, since a rival was faster",
    fleet: { allowed: 1, breaks: /^fence / },
    habits: { rivals: { "fence ledger.append:observed": 1 } },
    followUps: [NEIGHBOUR],
    begin: async (place) => {
      await reservedOnly(place)
      return always(place, newAlarm(place))
    },
  },
]

/** Lets another supernode's run make a reservation under the caps and die, and passes its deadline. */
async function reservedOnly(place: Place): Promise<void> {
  const worker = new Worker(place, {
    at: "purchase ledger.append:opened",
    fault: { kind: "dies", after: false },
  })
  await Promise.race([worker.stopped, runSignal(place, worker.ports, newAlarm(place), place.supernodes[1])])
  place.now += PAST_DEADLINE_MS
}
