import { expect, it } from "vitest"
import { policyOf } from "../decision/builders.ts"
import type { TrueOrder } from "../world/order.ts"
import { TrueSupernode } from "../world/supernode.ts"
import { loadedOf } from "../world/task.ts"
import { Forgotten } from "./forgotten.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { Posted } from "./watch.ts"
import type { World } from "./world.ts"

// A break of one safeguard does not set off these two oracles, because another safeguard still holds. So
// their verdicts are tested here.

const NOW = 1_000_000_000
const PLAN = { flavor: "rung-4", from: 2, to: 4, cost: null }

/** A supernode of one server. */
function smallSupernode(): SimulatedSupernode {
  return new TrueSupernode({ loaded: loadedOf(policyOf()), now: () => NOW, servers: 1 }) as SimulatedSupernode
}

interface Facts {
  /** Status of the servers that the run saw. */
  status?: string
  /** The order that the ledger lost. `null` if there is none. */
  lost?: Partial<TrueOrder> | null
  /** True if the present ledger knows that order after all. */
  isKnown?: boolean
  /** Time left of the 45 minutes of a new ledger, milliseconds. */
  leftMs?: number
}

function rulesBroken({ status = "RUNNING", lost = null, isKnown = false, leftMs = 0 }: Facts): string[] {
  const supernode = smallSupernode()
  supernode.change("s1", status)
  if (lost) Object.assign(supernode.place({ attempt: "lost", plan: PLAN }), lost)
  const trades = new Map(isKnown ? [["lost", {}]] : [])
  const world = {
    scheduler: { now: NOW },
    supernodes: [supernode],
    machines: [],
    newLedgerUntil: NOW + leftMs,
    watch: { bookOf: () => ({ trades }) },
  } as unknown as World
  const forgotten = new Forgotten(world)
  forgotten.looksAt("run", supernode)
  const process = { machine: { storeOf: null } }
  const posted = { supernode, order: { attempt: "sent" }, run: "run", process } as unknown as Posted
  return forgotten.whyNot(posted).map(([rule]) => rule)
}

const MINUTE = 60_000
it.each<[string, Facts, string[]]>([
  ["while all servers run", {}, []],
  ["while servers are being created", { status: "CREATING" }, ["not-ready"]],
  [
    "while a lost order is on its way, within a new ledger's waiting time",
    { lost: { fate: "travelling" }, leftMs: MINUTE },
    ["second-order"],
  ],
  [
    "while servers of a lost order can be seen",
    { lost: { fate: "accepted", servers: ["s1"] } },
    ["second-order"],
  ],
  ["after a lost order is over", { lost: { fate: "accepted", resolvedAt: NOW, servers: ["s1"] } }, []],
  [
    "while a lost order is on its way that a person settled as absent",
    { lost: { fate: "travelling", wasTakenForAbsent: true }, leftMs: MINUTE },
    [],
  ],
  [
    "while an order is on its way that the ledger knows",
    { lost: { fate: "travelling" }, isKnown: true, leftMs: MINUTE },
    [],
  ],
])("the simulation finds exactly the expected violations for an order sent %s", (_, facts, rules) => {
  expect(rulesBroken(facts)).toEqual(rules)
})

interface Ending {
  /** Servers in the newest entry. `null` if unknown. */
  known: string[] | null
  /** Events after faults are over, in this order. */
  events: ("read" | "reset")[]
}

function rulesBrokenAtTheEnd({ known, events }: Ending): string[] {
  const found: string[] = []
  const supernode = smallSupernode()
  const world = {
    scheduler: { now: NOW },
    supernodes: [supernode],
    machines: [],
    isCalm: true,
    store: { stateOf: () => ({ attempt: null, servers: known }) },
    watch: { broken: (rule: string) => found.push(rule) },
  } as unknown as World
  const forgotten = new Forgotten(world)
  forgotten.begin(new Map())
  for (const event of events) {
    if (event === "reset") forgotten.reset(supernode)
    else forgotten.looksAt("run", supernode)
  }
  forgotten.checkFound()
  return found
}

it.each<[string, Ending, string[]]>([
  ["that the ledger knows", { known: ["s1"], events: ["read"] }, []],
  ["that a run has read and that is in no entry", { known: [], events: ["read"] }, ["servers-are-found"]],
  ["that no run has read", { known: [], events: [] }, []],
  ["that no run has read since a reset", { known: null, events: ["read", "reset"] }, []],
  [
    "that a run has read since a reset and that is in no entry",
    { known: null, events: ["reset", "read"] },
    ["servers-are-found"],
  ],
])("at its end, the simulation finds exactly the expected violations for a server %s", (_, ending, rules) => {
  expect(rulesBrokenAtTheEnd(ending)).toEqual(rules)
})
