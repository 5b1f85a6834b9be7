import { expect, it } from "vitest"
import { policyOf } from "../decision/builders.ts"
import type { TrueOrder } from "../world/order.ts"
import { TrueSupernode } from "../world/supernode.ts"
import { loadedOf } from "../world/task.ts"
import { Forgotten } from "./forgotten.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { Posted } from "./watch.ts"
import type { World } from "./world.ts"

// Two oracles that no break of one safeguard sets off, since the next one holds: what they say is tried by itself.

const NOW = 1_000_000_000
const PLAN = { flavor: "rung-4", from: 2, to: 4, cost: null }

/** Of one server. */
function smallSupernode(): SimulatedSupernode {
  return new TrueSupernode({ loaded: loadedOf(policyOf()), now: () => NOW, servers: 1 }) as SimulatedSupernode
}

interface Facts {
  /** Status of the servers that the run saw. */
  status?: string
  /** What became of the order that the ledger lost; null: there is none. */
  lost?: Partial<TrueOrder> | null
  /** The present ledger knows that order after all. */
  isKnown?: boolean
  /** Of the 45 minutes of a new ledger, milliseconds that are left. */
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
    "while a lost order travels, in the time of a new ledger",
    { lost: { fate: "travelling" }, leftMs: MINUTE },
    ["second-order"],
  ],
  [
    "while servers of a lost order are there to be seen",
    { lost: { fate: "accepted", servers: ["s1"] } },
    ["second-order"],
  ],
  ["after a lost order is over", { lost: { fate: "accepted", resolvedAt: NOW, servers: ["s1"] } }, []],
  [
    "while a lost order travels that a person took for absent",
    { lost: { fate: "travelling", wasTakenForAbsent: true }, leftMs: MINUTE },
    [],
  ],
  [
    "while an order travels that the ledger knows",
    { lost: { fate: "travelling" }, isKnown: true, leftMs: MINUTE },
    [],
  ],
])("an order that is sent %s breaks the right rules and no other", (_, facts, rules) => {
  expect(rulesBroken(facts)).toEqual(rules)
})

interface Ending {
  /** In the newest entry; null: unknown. */
  known: string[] | null
  /** What happens once faults are over, in this order. */
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
  ["that a run has read and no entry names", { known: [], events: ["read"] }, ["servers-are-found"]],
  ["that no run has read", { known: [], events: [] }, []],
  ["that no run has read since a reset", { known: null, events: ["read", "reset"] }, []],
  [
    "that a run has read since a reset and no entry names",
    { known: null, events: ["reset", "read"] },
    ["servers-are-found"],
  ],
])("a server %s breaks the right rules at the end and no other", (_, ending, rules) => {
  expect(rulesBrokenAtTheEnd(ending)).toEqual(rules)
})
