import { beforeEach, describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Policy } from "../../lib/decision/policy/policy.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { digest } from "../../lib/digest.ts"
import { type LedgerEntry, MAX_ENTRY_BYTES, sealEntry } from "../../lib/ledger/entry.ts"
import {
  FLEET_STREAM,
  fleetOf,
  nextEntry,
  nextFleetEntry,
  stateOf,
  supernodeStream,
} from "../../lib/ledger/next-entry.ts"
import { LedgerError } from "../../lib/ports.ts"
import type { RunResult } from "../../lib/run/result.ts"
import type { RunTask } from "../../lib/run/task.ts"
import {
  DAY,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  type PolicyInput,
  policyOf,
  requestOf,
  ruleInput,
  SECOND,
  serversOf,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { accepted, rejected, unknown, unreachable, World } from "./world.ts"

// Caps across supernodes: a purchase is reserved in stream `fleet` before its attempt is opened, and released
// after it is over.

const IDS = ["a", "b", "c"].map((letter) => `${letter}0000000-0000-4000-8000-000000000000`)
const STREAMS = IDS.map(supernodeStream)
const [A = "", B = "", C = ""] = STREAMS
let world: World
/** Reads and appends, in order: `head fleet`, `append supernode:a opened`. */
let effects: string[]

beforeEach(async () => {
  world = await World.open()
  effects = []
  interfere({})
})

interface Interfering {
  append?: (entry: LedgerEntry) => Promise<"appended" | "conflict" | undefined>
  head?: (stream: string) => Promise<void>
}

function interfere({ append, head }: Interfering): void {
  world.interference = {
    beforeAppend: async (entry) => {
      const answer = await append?.(entry)
      effects.push(`append ${shortOf(entry.stream)} ${entry.observation?.kind ?? entry.kind}`)
      return answer
    },
    beforeHead: async (stream) => {
      effects.push(`head ${shortOf(stream)}`)
      await head?.(stream)
    },
  }
}

function shortOf(stream: string): string {
  return stream.startsWith("supernode:") ? (stream.slice("supernode:".length)[0] ?? "") : stream
}

interface Caps {
  actions?: number
  budget?: number
  over?: Partial<PolicyInput>
}

function policyFor(which: number, { actions, budget, over = {} }: Caps): Policy {
  const fleet = {
    actions: actions === undefined ? null : { count: actions, perMs: DAY },
    budget: budget === undefined ? null : { minor: budget * 100, currency: "CNY", per: 30 * DAY },
  }
  const id = IDS[which] ?? ""
  return policyOf(
    { id, name: `train-${"abc"[which]}`, limits: { actions: "9 per 24h", servers: 48 }, ...over },
    { fleet },
  )
}

async function run(
  which: number,
  caps: Caps = { actions: 1 },
  { signal, ...over }: Partial<RunTask> = {},
): Promise<RunResult> {
  const policy = policyFor(which, caps)
  const tick = tickOf({ id: world.newId(), at: world.now })
  return world.run(signal ?? tick, { policy, fleetStreams: STREAMS, ...over })
}

async function pending(): Promise<string[]> {
  return fleetOf(await world.ledger.head(FLEET_STREAM)).pending.map(({ stream }) => stream)
}

const fleetEntries = () => world.entries(FLEET_STREAM)

/** The facts about all supernodes together in the finding of this gate. */
function fleetFacts(result: RunResult, gate: string): unknown {
  return result.decision.findings.find((finding) => finding.gate === gate)?.facts["fleet"]
}

/** Advances until the supernode's next purchase is blocked by the caps only. */
function later(ms = 2 * HOUR): void {
  world.now += ms
}

describe("a purchase under a cap of the fleet", () => {
  it("under a fleet cap, a purchase reads the fleet, reserves, opens, buys, settles, and releases its reservation", async () => {
    world.whileBuying = async () => {
      effects.push("buy")
      expect(await pending()).toEqual([A])
    }
    const result = await run(0)
    expect(result.outcome?.kind).toBe("accepted")
    expect(effects).toEqual([
      "head a",
      "head control",
      "head fleet",
      "head b",
      "head c",
      "append fleet opened",
      "append a opened",
      "head control",
      "buy",
      "head fleet",
      "append a settled",
      "append fleet settled",
    ])
    expect(await pending()).toEqual([])
  })

  it.each<[string, (once: () => void) => void]>([
    [
      "waited too long for its turn",
      (once) => {
        world.inFleetTurn = (work) => {
          once()
          return work()
        }
      },
    ],
    [
      "was frozen while it counted the fleet",
      (once) => {
        const { beforeHead } = world.interference
        world.interference.beforeHead = async (stream) => {
          await beforeHead?.(stream)
          if (stream === FLEET_STREAM) once()
        }
      },
    ],
  ])(
    "under a fleet cap, a run reads everything again if its evidence is old because it %s",
    async (_, arrange) => {
      let times = 0
      arrange(() => {
        times += 1
        if (times === 1) later(61 * SECOND)
      })
      expect((await run(0)).outcome?.kind).toBe("accepted")
      expect(world.asked).toEqual(["supernode", "metrics", "offers", "supernode", "metrics", "offers", "buy"])
      expect(effects.filter((effect) => effect.startsWith("append"))).toEqual([
        "append fleet opened",
        "append a opened",
        "append a settled",
        "append fleet settled",
      ])
    },
  )

  it("under a fleet cap, a run holds as overtaken if it waits longer than a minute for each turn to reserve", async () => {
    world.inFleetTurn = (work) => {
      later(61 * SECOND)
      return work()
    }
    expect((await run(0)).decision.heldBy).toBe("overtaken")
    expect(world.orders).toEqual([])
    expect(await fleetEntries()).toEqual([])
  })

  it.each<[string, Caps, string[]]>([
    [
      "one turn to reserve and one to release under a fleet cap",
      { actions: 1 },
      ["append fleet opened", "append fleet settled"],
    ],
    ["no turn without a fleet cap", {}, []],
  ])("a purchase uses these turns among the runs of its process: %s", async (_, caps, appended) => {
    const inTurns: string[][] = []
    world.inFleetTurn = async (work) => {
      effects = []
      const answer = await work()
      inTurns.push(effects.filter((effect) => effect.startsWith("append")))
      return answer
    }
    await run(0, caps)
    expect(inTurns).toEqual(appended.map((effect) => [effect]))
  })

  it("under a fleet cap, a run opens exactly the attempt that it reserved, at the reserved seq of its chain", async () => {
    await run(0)
    const [opened] = await world.entries(A)
    const [reserved, released] = await fleetEntries()
    const { latching: _rules, ...attempt } = opened?.attempt ?? {}
    expect(reserved).toMatchObject({ kind: "opened", attempt, run: opened?.run })
    expect(reserved?.fleet?.reservation).toEqual({
      ...attempt,
      stream: A,
      seq: 1,
      cost: { minor: 12_000_000, currency: "CNY" },
    })
    expect(released).toMatchObject({
      kind: "settled",
      attempt,
      outcome: { kind: "accepted", raw: null },
    })
  })

  it("under a fleet cap, an attempt records other supernodes' purchases, so that its decision can be replayed", async () => {
    await run(1, { actions: 2 })
    await run(0, { actions: 2 })
    const [opened] = await world.entries(A)
    const { situation, decision, policy } = opened ?? {}
    expect(situation?.fleet).toMatchObject({
      state: "read",
      value: { purchases: [{ stream: B, state: "booked" }] },
    })
    const again = decide({ ...situation, policy, state: stateOf(undefined) } as Situation, digest)
    expect(again).toEqual(decision)
  })

  it.each([
    ["counts for other supernodes if it is accepted", [], ["action-rate", 1]],
    ["counts for other supernodes if it is unknown", [unknown], ["action-rate", 1]],
    ["does not count for other supernodes if it is refused", [rejected("balance")], [null, 0]],
    [
      "does not count for other supernodes if it was not sent",
      [{ kind: "not-sent" as const, reason: "refused", says: "connection refused" }],
      [null, 0],
    ],
  ])("a purchase under a fleet cap %s", async (_, outcomes, [heldBy]) => {
    world.outcomes = [...outcomes]
    await run(0)
    expect(await pending()).toEqual([])
    const other = await run(1)
    expect(other.decision.heldBy).toBe(heldBy)
    expect(fleetFacts(other, "action-rate")).toEqual({ used: heldBy ? 1 : 0, allowed: 1, perMs: DAY })
  })

  it("a purchase counts for a fleet cap only within the cap's window", async () => {
    await run(0)
    later(DAY)
    expect((await run(1)).outcome?.kind).toBe("accepted")
  })

  it("a fleet budget that another supernode has partly used holds an order above the rest, and allows a smaller order", async () => {
    await run(0, { budget: 240_000 })
    expect((await run(1, { budget: 239_999 })).decision.heldBy).toBe("over-budget")
    expect((await run(2, { budget: 240_000 })).outcome?.kind).toBe("accepted")
  })

  it("a purchase of a supernode that left the policy file still counts for the fleet cap", async () => {
    await run(1)
    const held = await run(0, { actions: 1 }, { fleetStreams: [A, C] })
    expect(held.decision.heldBy).toBe("action-rate")
  })

  it("a purchase from the time before the policy had a fleet cap counts, even if its supernode leaves the policy file", async () => {
    await run(1, {})
    expect(await fleetEntries()).toEqual([])
    await run(0, { actions: 2 })
    expect((await run(2, { actions: 2 }, { fleetStreams: [C] })).decision.heldBy).toBe("action-rate")
  })

  it.each(["capacity"] as const)(
    "the larger rung that follows a %s refusal gets a reservation of its own",
    async (of) => {
      world.outcomes = [rejected(of)]
      const over = { sold_out: "next-larger" as const, ladder: ladderOf(1, 2, 4, 8) }
      world.offers = {
        ok: true,
        value: [1, 2, 4, 8].map((n) => ({ flavor: `rung-${n}`, soldOut: false })),
        skewMs: 0,
      }
      await run(0, { actions: 1, over })
      expect(world.orders.map(({ plan }) => plan.to)).toEqual([4, 8])
      expect((await fleetEntries()).map(({ kind, attempt }) => [kind, attempt?.id])).toEqual(
        world.orders.flatMap(({ attempt }) => [
          ["opened", attempt],
          ["settled", attempt],
        ]),
      )
    },
  )
})

function ladderOf(...sizes: number[]): PolicyInput["ladder"] {
  return sizes.map((servers) => ({
    flavor: `rung-${servers}`,
    servers,
    price: { amount: servers * 60_000, currency: "CNY", per: "month" as const },
  }))
}

describe("stream fleet", () => {
  it("stream fleet is not read if a missing approval holds the chosen rung", async () => {
    const caps = { actions: 9, over: { approval: { above: { amount: 1, currency: "CNY" } } } }
    const held = await run(0, caps)
    expect(held).toMatchObject({ decision: { heldBy: "approval-needed" }, plan: { to: 4 } })
    expect(effects).toEqual(["head a", "head control", "append a decided"])
  })

  it("without a fleet cap, stream fleet and the other supernodes' chains are never used", async () => {
    await run(0, {})
    expect(effects.filter((effect) => /fleet|[bc]$/.test(effect))).toEqual([])
    expect((await world.entries(A))[0]?.situation).not.toHaveProperty("fleet")
  })

  it("stream fleet is not read if another gate already holds", async () => {
    world.load = 10
    expect((await run(0)).decision.heldBy).toBe("not-breaching")
    expect(effects).not.toContain("head fleet")
  })

  it("a dry run reads stream fleet even if another gate holds, shows the use of the fleet's cap, and writes nothing", async () => {
    await run(1)
    effects = []
    world.load = 10
    const signal: Signal = requestOf({ servers: null })
    const shown = await run(0, { actions: 1 }, { signal })
    expect(shown.decision.heldBy).toBe("not-breaching")
    expect(fleetFacts(shown, "action-rate")).toEqual({ used: 1, allowed: 1, perMs: DAY })
    expect(effects.filter((effect) => effect.startsWith("append"))).toEqual([])
  })

  it("observe mode counts the other supernodes' purchases, and reserves nothing in stream fleet", async () => {
    await run(1)
    const seen = await run(0, { actions: 1 }, { mode: "observe" })
    expect(seen.decision.heldBy).toBe("action-rate")
    expect(await fleetEntries()).toHaveLength(2)
    expect((await world.entries(A))[0]?.situation?.fleet).toMatchObject({ state: "read" })
  })
})

describe("supernodes that want the last purchase at the same time", () => {
  /** Runs these supernodes one by one, each right before a reservation is appended to stream fleet. */
  function rivals(...which: number[]): void {
    interfere({
      append: async ({ stream, kind }) => {
        if (stream !== FLEET_STREAM || kind !== "opened") return undefined
        const next = which.shift()
        if (next !== undefined) await run(next)
        return undefined
      },
    })
  }

  it("only one of two supernodes gets the fleet's last purchase: the other reads everything again and holds", async () => {
    rivals(1)
    const held = await run(0)
    expect(held.decision.heldBy).toBe("action-rate")
    expect(fleetFacts(held, "action-rate")).toEqual({ used: 1, allowed: 1, perMs: DAY })
    expect(world.orders.map(({ policy }) => policy.name)).toEqual(["train-b"])
    expect(await world.entries(A)).toMatchObject([
      { kind: "decided", mode: "live", decision: { heldBy: "action-rate" } },
    ])
  })

  it("two supernodes both buy if the fleet's cap allows two purchases, and the second entry shows the first purchase", async () => {
    rivals()
    let hasRun = false
    interfere({
      append: async ({ stream, kind }) => {
        if (hasRun || stream !== FLEET_STREAM || kind !== "opened") return undefined
        hasRun = true
        await run(1, { actions: 2 })
        return undefined
      },
    })
    await run(0, { actions: 2 })
    expect(world.orders.map(({ policy }) => policy.name)).toEqual(["train-b", "train-a"])
    const [opened] = await world.entries(A)
    expect(opened?.situation?.fleet).toMatchObject({ value: { purchases: [{ stream: B }] } })
  })

  it("a purchase that is reserved and not opened yet counts for other supernodes", async () => {
    interfere({
      append: async ({ stream }) => {
        if (stream === A) throw new LedgerError("the store is unreachable")
        return undefined
      },
    })
    await expect(run(0)).rejects.toThrow(LedgerError)
    interfere({})
    expect(await pending()).toEqual([A])
    expect((await run(1)).decision.heldBy).toBe("action-rate")
    expect(world.orders).toEqual([])
  })

  it("a run that loses every append to stream fleet holds as overtaken, and buys nothing", async () => {
    let tries = 0
    interfere({
      append: async ({ stream }) => {
        if (stream !== FLEET_STREAM) return undefined
        tries += 1
        return "conflict"
      },
    })
    const result = await run(0)
    expect(result).toMatchObject({ mode: "live", decision: { heldBy: "overtaken" } })
    expect(tries).toBe(3 * 8)
    expect(world.orders).toEqual([])
  })

  it("after a lost append in its own chain, a run releases its fleet reservation and decides again", async () => {
    let hasLost = false
    interfere({
      append: async ({ stream, kind }) => {
        if (hasLost || stream !== A || kind !== "opened") return undefined
        hasLost = true
        const note = { at: world.now, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
        await world.ledger.append(nextEntry(A, undefined, note))
        return undefined
      },
    })
    const result = await run(0)
    expect(result.outcome?.kind).toBe("accepted")
    expect((await fleetEntries()).map(({ kind, outcome }) => [kind, outcome?.kind ?? null])).toEqual([
      ["opened", null],
      ["settled", "not-sent"],
      ["opened", null],
      ["settled", "accepted"],
    ])
  })
})

describe("a reservation that was never released", () => {
  /** Starts a run that dies when it appends this kind of entry to its own chain. */
  async function dieAt(kind: "opened" | "settled", which = 0): Promise<void> {
    interfere({
      append: async (entry) =>
        entry.stream === STREAMS[which] && entry.kind === kind ? unreachable() : undefined,
    })
    await expect(run(which)).rejects.toThrow(LedgerError)
    interfere({})
  }

  it("an unreleased reservation holds other supernodes until its deadline; then another run records it as lapsed", async () => {
    await dieAt("opened")
    world.now = NOW + 90 * SECOND
    expect((await run(1)).decision.heldBy).toBe("action-rate")
    world.now += 1
    expect((await run(1)).outcome?.kind).toBe("accepted")
    expect(await world.entries(A)).toMatchObject([
      { kind: "observed", at: world.now, observation: { kind: "lapsed", servers: [], present: null } },
    ])
    expect((await world.entries(A))[0]?.observation?.says).toBe(
      "was reserved in the fleet stream but not opened by 2024-01-12T17:01:30.000Z; it can no longer be opened",
    )
    expect((await fleetEntries())[1]?.fleet?.over).toHaveLength(1)
    expect(await pending()).toEqual([])
  })

  it("an unreleased reservation remains while other supernodes make and release reservations", async () => {
    await dieAt("opened")
    expect((await run(1, { actions: 2 })).outcome?.kind).toBe("accepted")
    expect(await pending()).toEqual([A])
    expect((await run(2, { actions: 2 })).decision.heldBy).toBe("action-rate")
  })

  it("a run that slept cannot open an attempt that another run recorded as lapsed: it decides again and holds", async () => {
    interfere({
      append: async (entry) => {
        if (entry.stream !== A || entry.kind !== "opened" || world.orders.length > 0) return undefined
        // A sleeps here, and B buys meanwhile.
        later(10 * MINUTE)
        expect((await run(1)).outcome?.kind).toBe("accepted")
        return undefined
      },
    })
    const result = await run(0)
    expect(result.decision.heldBy).toBe("action-rate")
    expect(world.orders.map(({ policy }) => policy.name)).toEqual(["train-b"])
  })

  it("a run that slept opens its attempt if its seq is still free, but sends no order because it is too late", async () => {
    interfere({
      append: async (entry) => {
        if (entry.stream === A && entry.kind === "opened") later(10 * MINUTE)
        return undefined
      },
    })
    world.whileBuying = async (order) => {
      expect(world.now).toBeGreaterThan(order.sendBefore)
      world.outcomes = [{ kind: "not-sent", reason: "too-late", says: "the last moment to send has passed" }]
    }
    await run(0)
    world.whileBuying = async () => {}
    interfere({})
    expect((await world.entries(A)).map(({ kind, outcome }) => [kind, outcome?.kind ?? null])).toEqual([
      ["opened", null],
      ["settled", "not-sent"],
    ])
    expect((await run(1)).outcome?.kind).toBe("accepted")
  })

  it("a dry run and an observing run ignore a lapsed reservation, and write nothing", async () => {
    await dieAt("opened")
    world.now += 2 * MINUTE
    const shown = await run(1, { actions: 1 }, { signal: requestOf({ servers: 4, at: world.now }) })
    expect(shown.decision.kind).toBe("scale-up")
    expect((await run(1, { actions: 1 }, { mode: "observe" })).decision.kind).toBe("scale-up")
    expect(await world.entries(A)).toEqual([])
    expect(await pending()).toEqual([A])
  })

  it("a reserved attempt that was opened and never settled counts by the chain of its supernode", async () => {
    await dieAt("settled")
    expect(await pending()).toEqual([A])
    later(HOUR)
    const held = await run(1)
    expect(held.decision.heldBy).toBe("action-rate")
    expect(fleetFacts(held, "action-rate")).toEqual({ used: 1, allowed: 1, perMs: DAY })
    expect((await world.entries(A)).map(({ kind }) => kind)).toEqual(["opened"])
  })

  it("a supernode's own unreleased reservation does not block its next purchase", async () => {
    await dieAt("opened")
    expect((await run(0)).outcome?.kind).toBe("accepted")
    await run(1, { actions: 2 })
    expect(await pending()).toEqual([])
    expect(world.orders.map(({ policy }) => policy.name)).toEqual(["train-a", "train-b"])
  })

  it("a fleet reservation lapses if another run appends an entry at the place that was reserved for its attempt", async () => {
    await dieAt("opened")
    world.now += 2 * MINUTE
    let hasRun = false
    interfere({
      append: async (entry) => {
        if (hasRun || entry.observation?.kind !== "lapsed") return undefined
        hasRun = true
        world.load = 10
        await run(0, { actions: 1 }, { signal: tickOf({ id: "idle", at: world.now }) })
        world.load = 97
        return undefined
      },
    })
    expect((await run(1)).outcome?.kind).toBe("accepted")
    expect((await world.entries(A)).map(({ kind }) => kind)).toEqual(["decided"])
  })

  it("a reservation counts if its sleeping run opens the attempt right before another run records it as lapsed", async () => {
    let other: Promise<RunResult> | undefined
    interfere({
      append: async (entry) => {
        if (other || entry.stream !== A || entry.kind !== "opened") return undefined
        later(10 * MINUTE)
        // B has read, and is about to close the position when A opens after all.
        return new Promise((wake) => {
          interfere({
            append: async ({ observation }) => {
              if (observation?.kind === "lapsed") {
                interfere({})
                wake(await world.ledger.append(entry))
              }
              return undefined
            },
          })
          other = run(1)
        })
      },
    })
    await run(0)
    expect((await other)?.decision.heldBy).toBe("action-rate")
    expect(world.orders.map(({ policy }) => policy.name)).toEqual(["train-a"])
  })

  it("a supernode's next reservation drops its unreleased one, without an entry in the supernode's chain", async () => {
    await dieAt("opened")
    later()
    world.load = 10
    await run(0, { actions: 2 }, { signal: tickOf({ id: "idle", at: world.now }) })
    world.load = 97
    await run(0, { actions: 2 })
    expect((await world.entries(A)).map(({ kind }) => kind)).toEqual(["decided", "opened", "settled"])
    expect((await fleetEntries())[1]?.fleet?.over).toHaveLength(1)
    expect(await pending()).toEqual([])
  })

  it("a supernode does not record its own reservation as lapsed: its next attempt takes the reserved seq", async () => {
    await dieAt("opened")
    later()
    expect((await run(0)).outcome?.kind).toBe("accepted")
    expect((await world.entries(A)).map(({ kind }) => kind)).toEqual(["opened", "settled"])
  })

  it("a reservation stays, and other supernodes hold, if its chain has no room for the entry that ends it", async () => {
    const note = { at: NOW, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
    const entry = nextEntry(B, undefined, note)
    const kept = { run: "r", seq: 1, at: NOW, keepUntil: NOW + DAY }
    const full = (bytes: number) =>
      sealed({ ...entry, standing: { ...stateOf(undefined), signals: { ["x".repeat(bytes)]: kept } } })
    const empty = JSON.stringify(full(0)).length
    await world.ledger.append(full(MAX_ENTRY_BYTES - empty - 100))
    const attempt = { id: "asleep", openedAt: NOW, sendBefore: NOW + SECOND, deadline: NOW + MINUTE }
    const reservation = { ...attempt, stream: B, seq: 2, cost: null }
    const fleet = { reservation, over: [], members: {} }
    await world.ledger.append(nextFleetEntry(undefined, { ...note, kind: "opened", attempt, fleet }))
    world.now += 2 * MINUTE
    expect((await run(0)).decision.heldBy).toBe("action-rate")
    expect(await world.entries(B)).toHaveLength(1)
  })
})

describe("a fleet of many supernodes", () => {
  it("under a fleet cap, a run reads the chain of each other supernode once, all of them at the same time", async () => {
    const fleetStreams = Array.from({ length: 65 }, (_, i) => `supernode:${i}`)
    let [reading, most] = [0, 0]
    const reads: string[] = []
    interfere({
      head: async (stream) => {
        if (!fleetStreams.includes(stream)) return
        reads.push(stream)
        reading += 1
        most = Math.max(most, reading)
        await Promise.resolve()
        reading -= 1
      },
    })
    expect((await run(0, { actions: 1 }, { fleetStreams })).outcome?.kind).toBe("accepted")
    expect(reads).toEqual(fleetStreams)
    expect(most).toBe(65)
  })
})

describe("an entry of stream fleet", () => {
  it("entries of stream fleet have the times when a reservation was made and when it was released", async () => {
    world.whileBuying = async () => later(MINUTE)
    await run(0)
    expect((await fleetEntries()).map(({ at }) => at)).toEqual([NOW, NOW + MINUTE])
  })

  it("an entry of stream fleet is never dated before an entry from a faster clock", async () => {
    world.now += 30 * SECOND
    await run(1, { actions: 2 })
    world.now -= 30 * SECOND
    await run(0, { actions: 2 })
    const fast = NOW + 30 * SECOND
    expect((await fleetEntries()).map(({ at }) => at)).toEqual([fast, fast, fast, fast])
  })

  it("an entry of stream fleet records when other supernodes last bought, so that their purchases stay counted", async () => {
    await world.ledger.append(boughtIn(B, NOW - 3 * HOUR, NOW - HOUR))
    await run(0, { actions: 9 })
    expect((await fleetEntries())[0]?.fleet?.members).toEqual({ [B]: NOW - HOUR })
  })

  it("an entry of stream fleet contains the outcome of the released attempt, without the raw response", async () => {
    const notSent = { kind: "not-sent" as const, reason: "refused", says: "connection refused" }
    world.outcomes = [notSent, accepted]
    await run(0)
    await run(1)
    const [, given, , last] = await fleetEntries()
    expect(given?.outcome).toEqual(notSent)
    expect(last?.outcome).toEqual({ ...accepted, raw: null })
    expect([given, last].map((entry) => entry?.fleet?.over)).toEqual([[], []])
  })

  it("releases a reservation as standing-full if the attempt's own entry would be too large", async () => {
    const rules = Array.from({ length: 4 }, (_, i) => ruleInput({ name: `rule-${i}`, points: "3 of 100" }))
    const ladder = [24, 48].map((servers) => ({ flavor: `rung-${servers}`, servers }))
    world.supernode = { ok: true, value: supernodeOf({ servers: serversOf(24) }), skewMs: 0 }
    world.offers = { ok: true, value: offersOf("rung-48"), skewMs: 0 }
    const result = await run(0, { actions: 1, over: { rules, ladder } })
    expect(result.decision.heldBy).toBe("standing-full")
    expect(world.orders).toEqual([])
    expect((await fleetEntries()).at(-1)?.outcome).toMatchObject({
      kind: "not-sent",
      reason: "standing-full",
      says: "the attempt was not opened, because its entry would be too big for the ledger",
    })
    expect(await pending()).toEqual([])
  })

  it("a run does not release a reservation that another run has already dropped", async () => {
    let hasRun = false
    interfere({
      append: async ({ stream, kind }) => {
        if (kind !== "settled" || stream === A) return undefined
        // B dies with its attempt open: its own reservation stays.
        if (stream === B) return unreachable()
        if (hasRun) return undefined
        hasRun = true
        // Right before A releases its reservation, B sees A's attempt in its chain, and drops it.
        await expect(run(1, { actions: 2 })).rejects.toThrow(LedgerError)
        return undefined
      },
    })
    await run(0, { actions: 2 })
    expect((await fleetEntries()).map(({ kind, fleet }) => [kind, fleet?.reservation.stream])).toEqual([
      ["opened", A],
      ["opened", B],
    ])
    expect(await pending()).toEqual([B])
  })

  it.each([
    [5 * SECOND, 1],
    [5 * SECOND + 1, 2],
  ])(
    "a run does not release its fleet reservation when little time is left: %i ms left, %s entries in stream fleet",
    async (leftMs, count) => {
      interfere({
        append: async ({ stream, kind }) => {
          if (stream === A && kind === "settled") world.timeLeftMs = leftMs
          return undefined
        },
      })
      expect((await run(0)).outcome?.kind).toBe("accepted")
      expect(await fleetEntries()).toHaveLength(count)
    },
  )
})

describe("a failing ledger under caps of the fleet", () => {
  it.each([FLEET_STREAM, B])(
    "under a fleet cap, a run throws and buys nothing if a stream cannot be read: %s",
    async (stream) => {
      interfere({ head: async (asked) => (asked === stream ? unreachable() : undefined) })
      await expect(run(0)).rejects.toThrow(LedgerError)
      expect(world.orders).toEqual([])
    },
  )

  it("under a fleet cap, a run throws and opens no attempt if its reservation cannot be written", async () => {
    interfere({ append: async ({ stream }) => (stream === FLEET_STREAM ? unreachable() : undefined) })
    await expect(run(0)).rejects.toThrow(LedgerError)
    expect(await world.entries(A)).toEqual([])
  })

  it.each(["throws", "conflicts", "has too little time"])(
    "a release of a reservation that %s does not fail the run, and the next reservation drops the unreleased one",
    async (how) => {
      let gaveBack = 0
      world.whileBuying = async () => {
        if (how === "has too little time") world.timeLeftMs = 100_000
      }
      interfere({
        append: async ({ stream, kind }) => {
          if (stream === A && kind === "settled" && how === "has too little time") world.timeLeftMs = 4_000
          if (stream !== FLEET_STREAM || kind !== "settled" || how === "has too little time") return undefined
          gaveBack += 1
          return how === "throws" ? unreachable() : "conflict"
        },
      })
      expect((await run(0, { actions: 2 })).outcome?.kind).toBe("accepted")
      expect(gaveBack).toBe({ throws: 1, conflicts: 3 }[how] ?? 0)
      expect(await pending()).toEqual([A])
      interfere({})
      world.timeLeftMs = Number.POSITIVE_INFINITY
      await run(1, { actions: 2 })
      expect(await pending()).toEqual([])
    },
  )

  it("holds as standing-full if the state of stream fleet is too large for one entry", async () => {
    const fleetStreams = Array.from({ length: 900 }, (_, i) => `supernode:${i}-${"x".repeat(180)}`)
    for (const stream of fleetStreams) await world.ledger.append(boughtIn(stream, NOW - HOUR))
    const result = await run(0, { actions: 5_000 }, { fleetStreams })
    expect(result.decision.heldBy).toBe("standing-full")
    expect(world.orders).toEqual([])
  })
})

/** The entry of a chain with purchases at these times. */
function boughtIn(stream: string, ...ats: number[]): LedgerEntry {
  const note = { at: NOW, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
  const purchases = ats.map((at) => ({
    attempt: `${stream} ${at}`,
    at,
    cost: null,
    state: "booked" as const,
  }))
  return sealed({ ...nextEntry(stream, undefined, note), standing: { ...stateOf(undefined), purchases } })
}

function sealed({ hash: _hash, v: _v, ...draft }: LedgerEntry): LedgerEntry {
  return sealEntry(draft)
}

describe("the chain of stream fleet", () => {
  it("stream fleet is a chain without gaps, whichever runs wrote to it", async () => {
    world.outcomes = [accepted, rejected("throttle"), unknown]
    for (const which of [0, 1, 2]) await run(which, { actions: 3 })
    const entries = await fleetEntries()
    expect(entries.map(({ seq }) => seq)).toEqual(entries.map((_, i) => i + 1))
    expect(entries.map(({ prev }) => prev)).toEqual(["", ...entries.slice(0, -1).map(({ hash }) => hash)])
  })
})
