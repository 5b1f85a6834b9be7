import { afterAll, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import { commandAll } from "../../lib/ledger/commands.ts"
import { CONTROL_STREAM } from "../../lib/ledger/next-entry.ts"
import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import { alarmOf, MINUTE, NOW, requestOf, SECOND, tickOf } from "../decision/builders.ts"
import { IS_FULL } from "../full.ts"
import { reset, WHO } from "../world/operator.ts"
import { loadedOf } from "../world/task.ts"
import { crashPolicy, Environment } from "./environment.ts"
import type { Happening, Verdict } from "./happening.ts"
import { foresee, newWorld, type World } from "./oracle.ts"
import { peopleSettle, runSignal, standingAt } from "./runs.ts"
import { Worker } from "./worker.ts"

// Six events in every possible order, through the real run, compared with a sequential oracle: the orders
// that are sent, their events and sizes, and the reasons of the holds.

interface History {
  name: string
  six: [Happening, Happening, Happening, Happening, Happening, Happening]
  /** Time between two events. */
  gapMs: number
  endings?: OrderEnding[]
  nextLarger?: true
  /** 10 by default: less than provisioning and cooldown together. */
  minIntervalMinutes?: number
}

const alarm = (id: string, at = 0, over: Partial<Extract<Happening, { kind: "alarm" }>> = {}): Happening => ({
  kind: "alarm",
  id,
  at,
  episode: id,
  state: "alarm",
  ...over,
})
const tick = (id: string, at: number | null = null): Happening => ({ kind: "tick", id, at })
const request = (id: string, servers: number, bypass = false): Happening => ({
  kind: "request",
  id,
  servers,
  bypass,
})

const HISTORIES: History[] = [
  {
    name: "an alarm twice, its OK, another resource's alarm, a tick and a person",
    gapMs: 20 * SECOND,
    six: [
      alarm("a"),
      alarm("a"),
      alarm("ok", 30 * SECOND, { state: "ok", episode: "a" }),
      alarm("b", 10 * SECOND),
      tick("t"),
      request("r", 4),
    ],
  },
  {
    name: "two episodes of one alarm, insufficient data, a pause and its end",
    gapMs: 40 * SECOND,
    six: [
      alarm("a"),
      alarm("ok", 60 * SECOND, { state: "ok", episode: "a" }),
      alarm("a2", 120 * SECOND, { episode: "a" }),
      alarm("gap", 90 * SECOND, { state: "insufficient-data", episode: "a" }),
      { kind: "pause" },
      { kind: "resume" },
    ],
  },
  {
    name: "an order that is taken without a response, settled by a person",
    gapMs: 4 * MINUTE,
    endings: ["lost"],
    six: [
      alarm("a", 8 * MINUTE),
      alarm("a", 8 * MINUTE),
      alarm("b", 6 * MINUTE),
      tick("t"),
      { kind: "settle" },
      request("r", 8, true),
    ],
  },
  {
    name: "two orders that are lost without a response, settled by a person",
    gapMs: 2 * MINUTE,
    endings: ["vanished", "vanished"],
    six: [
      alarm("a", 5 * MINUTE),
      tick("t"),
      tick("t2"),
      { kind: "settle" },
      { kind: "settle" },
      request("r", 4),
    ],
  },
  {
    name: "hours in which purchases complete and cool down, with min_interval longer than the cooldown",
    gapMs: 16 * MINUTE,
    minIntervalMinutes: 40,
    six: [
      tick("t"),
      tick("t2"),
      tick("t3"),
      alarm("a", 45 * MINUTE),
      request("r", 4, true),
      request("r2", 8, true),
    ],
  },
  {
    name: "refusals for capacity, the next larger rung, and a hold",
    gapMs: 3 * MINUTE,
    endings: ["capacity", "capacity", "capacity", "capacity"],
    nextLarger: true,
    six: [
      alarm("a", 9 * MINUTE),
      alarm("b", 9 * MINUTE),
      tick("t"),
      tick("t2"),
      request("r", 4),
      { kind: "hold", forMs: 5 * MINUTE },
    ],
  },
  {
    name: "a refusal that opens a breaker, which a person has to reset",
    gapMs: 7 * MINUTE,
    endings: ["balance"],
    six: [
      alarm("a", 20 * MINUTE),
      alarm("a", 20 * MINUTE),
      tick("t"),
      tick("t2"),
      { kind: "reset" },
      request("r", 8),
    ],
  },
  {
    name: "a load that falls and rises, and a tick that comes twice",
    gapMs: 5 * MINUTE,
    six: [
      alarm("a", 15 * MINUTE),
      tick("t", 12 * MINUTE),
      tick("t", 12 * MINUTE),
      tick("t2"),
      { kind: "load", isHigh: false },
      { kind: "load", isHigh: true },
    ],
  },
]

const tally = { orders: 0, events: 0, purchases: 0, reasons: new Set<string>() }

interface Node {
  environment: Environment
  world: World
  shown: Map<string, string>
  left: Happening[]
  path: string[]
}

/** Runs every order of the remaining events from a shared state, so that common beginnings run once. */
async function walk(history: History, node: Node, wrong: string[]): Promise<void> {
  if (node.left.length === 0) {
    tally.orders += 1
    tally.purchases += node.environment.posts.length
    wrong.push(
      ...node.environment.watch.violations.map((violation) => `${node.path.join(", ")}: ${violation}`),
    )
    return
  }
  for (const [i, happening] of node.left.entries()) {
    const environment = node.environment.fork()
    const world = structuredClone(node.world)
    environment.now += history.gapMs
    const expected = foresee(world, happening, environment.now - NOW)
    const got = await deliver(environment, happening, node.shown)
    tally.events += 1
    if (expected.heldBy) tally.reasons.add(expected.heldBy)
    const path = [...node.path, "id" in happening ? happening.id : happening.kind]
    if (JSON.stringify(got) !== JSON.stringify(expected))
      wrong.push(`${path.join(", ")}: ${JSON.stringify(got)} where ${JSON.stringify(expected)} was foreseen`)
    else await walk(history, { ...node, environment, world, left: node.left.toSpliced(i, 1), path }, wrong)
  }
}

async function deliver(
  environment: Environment,
  happening: Happening,
  shown: Map<string, string>,
): Promise<Verdict> {
  const sent = environment.posts.length
  const { ports } = new Worker(environment)
  const signal = signalOf(environment, happening, shown)
  if (!signal) await heed(environment, happening)
  const heldBy = signal ? (await runSignal(environment, ports, signal)).decision.heldBy : null
  return { bought: environment.posts.slice(sent).map((post) => post.to), heldBy }
}

function signalOf(environment: Environment, happening: Happening, shown: Map<string, string>): Signal | null {
  if (happening.kind === "alarm") {
    const { id, state, episode } = happening
    return alarmOf({ id, state, at: NOW + happening.at, episode: { key: episode, startsAt: null } })
  }
  if (happening.kind === "tick")
    return tickOf({ id: happening.id, at: happening.at === null ? environment.now : NOW + happening.at })
  if (happening.kind !== "request") return null
  const { id, servers, bypass: bypassCooldown } = happening
  return requestOf({
    id,
    servers,
    bypassCooldown,
    mode: "live",
    at: environment.now,
    planHash: shown.get(id) ?? null,
  })
}

/** Applies an action of a person, or a change of the load, between the events. */
async function heed(environment: Environment, happening: Happening): Promise<void> {
  const ports = new Worker(environment).ports
  const { kind } = happening
  if (kind === "pause") await commandAll(ports, { verb: "pause", supernode: null, until: null, ...WHO })
  if (kind === "resume") await commandAll(ports, { verb: "resume", supernode: null, ...WHO })
  if (kind === "reset") await reset(ports, environment.supernodes[0])
  if (kind === "settle" && standingAt(environment).attempt?.state === "unknown")
    await peopleSettle(environment)
  if (kind === "load") environment.load = happening.isHigh ? 97 : 10
  if (kind === "hold") {
    const until = environment.now + happening.forMs
    await commandAll(ports, { verb: "hold", supernode: environment.policy.id, until, ...WHO })
  }
}

/** The plan that each person of the history saw before it began. */
async function plansShown(environment: Environment, six: Happening[]): Promise<Map<string, string>> {
  const shown = new Map<string, string>()
  for (const happening of six) {
    if (happening.kind !== "request") continue
    const asked = requestOf({ id: "shown", at: environment.now, servers: happening.servers })
    const { plan } = await runSignal(environment, new Worker(environment).ports, asked)
    shown.set(happening.id, plan?.hash ?? "none")
  }
  return shown
}

/** The longest histories, which only `npm run test:full` runs. */
const LONG: readonly string[] = [
  "an order that is taken without a response, settled by a person",
  "two episodes of one alarm, insufficient data, a pause and its end",
  "refusals for capacity, the next larger rung, and a hold",
]
const WALKED = HISTORIES.filter(({ name }) => IS_FULL || !LONG.includes(name))

describe("six events in each of their 720 orders", () => {
  it.each(WALKED.map((history) => [history.name, history] as const))(
    "six events in any order have the results that an independent model of the rules predicts: %s",
    async (_name, history) => {
      const { nextLarger = false, minIntervalMinutes = 10 } = history
      const policy = crashPolicy({
        sold_out: nextLarger ? "next-larger" : "hold",
        min_interval: `${minIntervalMinutes}m`,
      })
      const environment = new Environment(loadedOf(policy))
      environment.ioMs = 0
      environment.endings = [...(history.endings ?? [])]
      const before = tally.orders
      const wrong: string[] = []
      const shown = await plansShown(environment, history.six)
      // Dry runs wrote nothing: only the entry of `ledger init` is there.
      expect([environment.head(CONTROL_STREAM)?.seq, environment.head(environment.stream)]).toEqual([
        1,
        undefined,
      ])
      const minInterval = minIntervalMinutes * MINUTE
      const world = newWorld({ endings: [...environment.endings], nextLarger, minInterval })
      await walk(history, { environment, world, shown, left: history.six, path: [] }, wrong)
      expect(wrong.slice(0, 5)).toEqual([])
      expect(tally.orders - before).toBe(720)
    },
  )
})

afterAll(() => {
  console.log(
    `orders: ${WALKED.length} histories of six events, ${tally.orders} orders, ${tally.events} events handled, ` +
      `${tally.purchases} POSTs, holds for ${tally.reasons.size} reasons: ${[...tally.reasons].sort().join(", ")}`,
  )
})
