import { beforeEach, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { MAX_ENTRY_BYTES } from "../../lib/ledger/entry.ts"
import {
  CONTROL_STREAM,
  fitting,
  nextEntry,
  nextSettlement,
  supernodeStream,
} from "../../lib/ledger/next-entry.ts"
import { MAX_STANDING_BYTES, stateFindings } from "../../lib/run/preconditions.ts"
import {
  alarmOf,
  HOUR,
  MINUTE,
  NOW,
  offersOf,
  policyOf,
  requestOf,
  ruleInput,
  SECOND,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { rejected, unknown, unreachable, World } from "./world.ts"

// Runs at the limits of a ledger entry, with a rival, or with a failing store.

const STREAM = supernodeStream(policyOf().id)
/** A chain this full records no hold any more, but still notifications. */
const ROOM_TO_TELL = MAX_ENTRY_BYTES - 16 * 1024
let world: World

beforeEach(async () => {
  world = await World.open()
})

/** Appends a head whose state fills its entry to the last kilobyte of this size. */
async function fillStanding(mostBytes = MAX_ENTRY_BYTES): Promise<void> {
  await world.run(tickOf({ id: "first" }), { mode: "observe" })
  const head = await world.ledger.head(STREAM)
  const remembered = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, i) => [
        `${i}-${"x".repeat(150)}`,
        { run: "r", seq: 1, at: NOW, keepUntil: NOW + 24 * HOUR },
      ]),
    )
  const news = { at: world.now, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
  const filled = (count: number) =>
    fitting(() =>
      nextEntry(
        STREAM,
        head && { ...head, standing: { ...(head.standing as SupernodeState), signals: remembered(count) } },
        news,
        mostBytes,
      ),
    )
  let count = 1_500
  while (!filled(count)) count -= 5
  const fullest = filled(count)
  if (fullest) await world.ledger.append(fullest)
}

/** Another run appends right before ours, this many times; `rivals` makes its entries. */
function rivals(times: number, kinds: string[], signal = alarmOf({ id: "theirs" }), at = NOW): void {
  let left = times
  world.interference.beforeAppend = async (entry) => {
    if (!kinds.includes(entry.kind) || left-- <= 0) return undefined
    const { interference } = world
    world.interference = {}
    const head = await world.ledger.head(entry.stream)
    const news = {
      at,
      run: world.newId(),
      writer: world.newId(),
      kind: "decided" as const,
      mode: "live" as const,
    }
    await world.ledger.append(
      nextEntry(entry.stream, head, { ...news, signal: { ...signal, id: `${signal.id}-${left}` } }),
    )
    world.interference = interference
    return undefined
  }
}

describe("an entry that would be too large", () => {
  it("is left out for a hold, and the answer says standing-full", async () => {
    await fillStanding()
    world.load = 10
    const result = await world.run(alarmOf())
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: "standing-full" })
    expect(result.decision.findings.at(-1)?.says).toContain("too big for the ledger")
    expect(result.entry).toBeNull()
    expect(world.orders).toEqual([])
  })

  it("of a hold does not stop the notification of waiting states", async () => {
    world.listen()
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    await fillStanding(ROOM_TO_TELL)
    world.now += 2 * HOUR
    const { decision, ...rest } = await world.run(alarmOf({ id: "later", at: world.now }))
    expect(decision.findings.at(-1)).toMatchObject({ gate: "standing-full", passed: false })
    expect(rest.entry).toBeNull()
    expect(world.notices.map(({ state }) => state)).toEqual(["breaker", "breaker"])
  })

  it("of a run that was overtaken is left out, without a replacement", async () => {
    await fillStanding(ROOM_TO_TELL)
    world.deliver(4)
    rivals(3, ["observed"])
    const before = (await world.entries()).length
    const result = await world.run(alarmOf())
    expect(result.decision.heldBy).toBe("overtaken")
    expect(result.entry).toBeNull()
    expect((await world.entries()).slice(before).map(({ signal }) => signal?.id)).toEqual([
      "theirs-2",
      "theirs-1",
      "theirs-0",
    ])
  })

  it("of a hold drops its readings first, and says so in their place", async () => {
    const rules = Array.from({ length: 4 }, (_, i) =>
      ruleInput({ name: `rule-${i}`, points: "3 of 100", at_least: 50, ...{ above: undefined } }),
    )
    world.supernode = { ok: true, value: supernodeOf({ servers: serversOf(48) }), skewMs: 0 }
    world.load = 10
    const policy = policyOf({ rules, ladder: [{ flavor: "rung-48", servers: 48 }] })
    const result = await world.run(alarmOf(), { policy })
    expect(result.decision.heldBy).toBe("not-breaching")
    expect((await world.entries())[0]?.situation?.readings).toMatchObject({
      state: "unreadable",
      why: expect.stringContaining("too large for one ledger entry"),
      credentials: false,
    })
  })

  it("of an attempt stops the purchase: an attempt must be replayable", async () => {
    const rules = Array.from({ length: 4 }, (_, i) => ruleInput({ name: `rule-${i}`, points: "3 of 100" }))
    world.supernode = { ok: true, value: supernodeOf({ servers: serversOf(24) }), skewMs: 0 }
    world.offers = { ok: true, value: offersOf("rung-48"), skewMs: 0 }
    const policy = policyOf({
      rules,
      ladder: [
        { flavor: "rung-24", servers: 24 },
        { flavor: "rung-48", servers: 48 },
      ],
    })
    const result = await world.run(alarmOf(), { policy })
    expect(result).toMatchObject({
      mode: "live",
      decision: { kind: "hold", heldBy: "standing-full" },
      entry: { seq: 1 },
    })
    expect(world.orders).toEqual([])
    expect((await world.entries()).map((entry) => entry.kind)).toEqual(["decided"])
  })
})

describe("a refused purchase without a larger rung", () => {
  it("is answered with the hold and the outcome of the refused purchase", async () => {
    const policy = policyOf({ sold_out: "next-larger" })
    world.outcomes = [rejected("capacity")]
    const result = await world.run(alarmOf(), { policy })
    expect(result).toMatchObject({
      decision: { kind: "hold", heldBy: "flavor-blocked" },
      outcome: { kind: "rejected", class: "capacity" },
    })
    expect((await world.entries()).map((entry) => entry.kind)).toEqual(["opened", "settled", "decided"])
  })
})

describe("a rival run", () => {
  it("makes us hold as overtaken if it writes each time we record an observation", async () => {
    world.load = 10
    await world.run(tickOf({ id: "t0" }))
    world.now += MINUTE
    world.deliver(4)
    rivals(3, ["observed"])
    const result = await world.run(alarmOf())
    expect(result).toMatchObject({
      mode: "live",
      decision: {
        kind: "hold",
        heldBy: "overtaken",
        findings: [{ gate: "overtaken", passed: false, says: expect.stringContaining("3 times") }],
      },
    })
    expect((await world.entries()).at(-1)).toMatchObject({
      kind: "decided",
      mode: "live",
      decision: { kind: "hold", heldBy: "overtaken", cleared: [] },
      at: world.now,
    })
  })

  it("answers us with its result if it opened an attempt for the same signal", async () => {
    const signal = alarmOf({ id: "ours" })
    world.interference.beforeAppend = async ({ kind }) => {
      if (kind !== "opened") return undefined
      world.interference = {}
      await world.run(signal)
      return undefined
    }
    const result = await world.run(signal)
    expect(result).toMatchObject({ decision: { heldBy: "duplicate" }, outcome: { kind: "accepted" } })
    expect(world.orders).toHaveLength(1)
  })

  it("answers us with its result if it did that when we had lost twice already", async () => {
    const signal = alarmOf({ id: "ours" })
    let tries = 0
    world.interference.beforeAppend = async ({ kind }) => {
      if (kind !== "opened" || ++tries < 3) return kind === "opened" ? "conflict" : undefined
      world.interference = {}
      await world.run(signal)
      return undefined
    }
    expect(await world.run(signal)).toMatchObject({
      decision: { heldBy: "duplicate" },
      outcome: { kind: "accepted" },
    })
    expect([tries, world.orders.length]).toEqual([3, 1])
  })

  it("makes us decide again if its entry replaces our hold: the answer is on record", async () => {
    world.load = 10
    rivals(1, ["decided"])
    const { entry } = await world.run(alarmOf())
    const [, ours, ...more] = await world.entries()
    expect(entry).toEqual({ stream: STREAM, seq: 2, hash: ours?.hash })
    expect(more).toEqual([])
  })

  it("is named by an entry in the answer if it always writes before us", async () => {
    rivals(3, ["opened"])
    const { mode, entry } = await world.run(alarmOf())
    expect(mode).toBe("live")
    expect(await world.ledger.head(STREAM)).toMatchObject({
      mode: "live",
      decision: { kind: "hold", heldBy: "overtaken" },
      seq: entry?.seq,
      hash: entry?.hash,
    })
  })

  it.each([
    ["", 3, ["observed"]],
    [", and wins even the note of it,", 4, ["observed", "decided"]],
  ])(
    "does not stop the notification of waiting states if it always writes before us%s",
    async (_, times, kinds) => {
      world.listen()
      world.outcomes = [rejected("balance")]
      await world.run(alarmOf())
      world.now += 2 * HOUR
      world.deliver(4)
      rivals(times, kinds, alarmOf({ id: "theirs" }), world.now)
      expect((await world.run(alarmOf({ id: "later", at: world.now }))).decision.heldBy).toBe("overtaken")
      expect(world.notices.map(({ state }) => state)).toEqual(["breaker", "breaker"])
    },
  )

  it("leads to one record of our holds in an hour for alarms, and to each for a person's requests", async () => {
    const lose = async (signal: Signal) => {
      rivals(3, ["opened"], alarmOf({ id: world.newId() }), world.now)
      return (await world.run(signal)).entry === null
    }
    const alarm = () => alarmOf({ id: world.newId(), at: world.now })
    expect(await lose(alarm())).toBe(false)
    world.now += HOUR - 1
    expect(await lose(alarm())).toBe(true)
    world.now += 1
    expect(await lose(alarm())).toBe(false)
    const { plan } = await world.run(requestOf({ at: world.now }))
    const live = requestOf({ id: "live", at: world.now, mode: "live", planHash: plan?.hash ?? null })
    expect(await lose(live)).toBe(false)
  })

  it("leaves even the record of our hold unwritten if it always writes before us", async () => {
    rivals(4, ["opened", "decided"])
    const result = await world.run(alarmOf())
    expect(result.decision.heldBy).toBe("overtaken")
    expect(result.entry).toBeNull()
  })

  it("with a faster clock does not date our entry backwards", async () => {
    rivals(3, ["opened"], alarmOf({ id: "theirs" }), NOW + 30 * SECOND)
    await world.run(alarmOf())
    const ats = (await world.entries()).map((entry) => entry.at)
    expect(ats).toEqual(ats.toSorted((a, b) => a - b))
  })

  it("makes a dry run start again too, without an entry", async () => {
    const result = await world.run(requestOf({ mode: "dry-run" }))
    expect(result.mode).toBe("dry-run")
    expect(await world.entries()).toEqual([])
  })
})

describe("a person's request that held", () => {
  it("is stale after its time, however many entries were written since", async () => {
    const { plan } = await world.run(requestOf())
    const live = () => requestOf({ mode: "live", at: world.now, planHash: plan?.hash ?? "" })
    await world.say({ verb: "pause", supernode: null, why: "a look", by: "ann", until: null })
    expect((await world.run(live())).decision.heldBy).toBe("paused")
    await world.say({ verb: "resume", supernode: null, why: "seen", by: "ann" })
    for (let count = 0; count < 260; count++)
      await world.say({ verb: "reset", why: "more entries", by: "ann" })
    world.now += HOUR
    expect((await world.run(live())).decision).toMatchObject({ kind: "hold", heldBy: "stale" })
    expect(world.orders).toEqual([])
  })
})

describe("the words of an attempt that was not sent", () => {
  it("are those of the gate that stopped it", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened")
        await world.say({ verb: "pause", supernode: null, why: "stop the presses", by: "ops", until: null })
      return undefined
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({
      kind: "not-sent",
      reason: "paused",
      says: expect.stringContaining("stop the presses"),
    })
  })

  it("says that the time was over", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened") world.timeLeftMs = 65 * SECOND
      return undefined
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({
      kind: "not-sent",
      reason: "no-time",
      says: expect.stringContaining("too little time"),
    })
  })
})

describe("the record of a decision", () => {
  const notes = async () => (await world.entries()).filter(({ kind }) => kind === "decided").length
  const tick = (over: Parameters<World["run"]>[1] = {}) =>
    world.run(tickOf({ id: world.newId(), at: world.now }), over)

  beforeEach(() => {
    world.load = 10
  })

  it("is written once a day for a tick, and once an hour for an alarm, while it equals the last one", async () => {
    const alarm = (id: string) => world.run(alarmOf({ id, at: world.now }))
    await tick()
    expect((await alarm("one")).entry).toBeNull()
    world.now += HOUR - 1
    expect((await alarm("two")).entry).toBeNull()
    world.now += 1
    expect((await tick()).entry).toBeNull()
    expect((await alarm("three")).entry).toMatchObject({ seq: 2 })
    expect((await alarm("four")).entry).toBeNull()
    expect(await notes()).toBe(2)
  })

  it("is written for the first tick that reads the servers after a person's reset", async () => {
    await tick()
    await world.say({ verb: "reset", why: "looked", by: "ops" })
    expect((await tick()).decision.heldBy).toBe("not-breaching")
    await tick()
    expect(await notes()).toBe(2)
  })

  it("has all hints, also of a run whose result needs none", async () => {
    const shown = (await tick()).decision
    expect(JSON.stringify(shown)).toContain("nearest")
    world = await World.open()
    world.load = 10
    await tick({ hintsAreUnread: true })
    expect((await world.entries())[0]?.decision?.findings).toEqual(shown.findings)
    const { decision, entry } = await tick({ hintsAreUnread: true })
    expect([entry, JSON.stringify(decision).includes("nearest")]).toEqual([null, false])
  })

  it("is not written for a tick that read no servers, even if none are known", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    await tick()
    await tick()
    expect(await notes()).toBe(1)
  })

  it("is not written for a tick that read no servers, although the alarm before it chose a rung", async () => {
    world.load = 97
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    const { entry } = await world.run(alarmOf())
    expect((await world.entries())[0]?.decision?.target?.to).toBe(4)
    expect([entry?.seq, (await tick()).entry]).toEqual([1, null])
  })

  it("is written for a tick that would buy as much as before by another plan", async () => {
    world.load = 97
    await tick({ mode: "observe" })
    await tick({ mode: "observe" })
    expect(await notes()).toBe(1)
    await tick({ mode: "observe", endpoint: "https://elsewhere.test" })
    expect(await notes()).toBe(2)
  })
})

describe("the size of the state before an attempt is opened", () => {
  it.each([
    [0, []],
    [1, ["standing-full"]],
  ])("may be 96 KB, to the byte: %i bytes more give %o", (more, reasons) => {
    const signals = (bytes: number) => ({
      ["x".repeat(bytes)]: { run: "r", seq: 1, at: NOW, keepUntil: NOW },
    })
    const empty = JSON.stringify(stateWith({ signals: signals(0) })).length
    const state = stateWith({ signals: signals(MAX_STANDING_BYTES - empty + more) })
    expect(stateFindings(situationOf({ state })).map(({ reason }) => reason)).toEqual(reasons)
  })
})

describe("the time left before an attempt is opened", () => {
  it.each([
    [0, "no-time"],
    [1, null],
  ])(
    "is enough if it exceeds the maximum duration of a purchase: %i ms more, held by %s",
    async (more, heldBy) => {
      world.timeLeftMs = 95 * SECOND + more
      const { decision } = await world.run(alarmOf())
      expect(decision.heldBy).toBe(heldBy)
      if (heldBy) expect(decision.findings.at(-1)?.says).toMatch(/^95 s are left .* may take 95 s$/)
      expect(world.orders).toHaveLength(more)
    },
  )

  it("is not checked without a purchase: holds and observations keep their own reasons", async () => {
    world.timeLeftMs = SECOND
    for (const [i, mode] of (["observe", "dry-run"] as const).entries()) {
      const { decision } = await world.run(alarmOf({ id: `a${i}` }), { mode })
      expect(decision).toMatchObject({ kind: "scale-up", heldBy: null })
    }
    world.load = 10
    expect((await world.run(alarmOf())).decision.heldBy).toBe("not-breaching")
  })
})

describe("an outcome that would be too large", () => {
  const settlement = (outcome: Outcome) =>
    nextSettlement(STREAM, undefined, {
      at: NOW,
      run: "r",
      writer: "w",
      mode: "live",
      kind: "settled",
      outcome,
    })
  const says = "x".repeat(300_000)

  it.each([
    ["has none", null],
    ["is cut to nothing", { body: "{}", bytes: 2, truncated: false }],
  ])("is refused even if the raw answer %s, instead of being cut forever", (_, raw) => {
    expect(() => settlement({ ...unknown, says, raw })).toThrow(/would have \d+ bytes/)
  })

  it("is refused too if it was never sent", () => {
    expect(() => settlement({ kind: "not-sent", reason: "refused", says })).toThrow(/would have \d+ bytes/)
  })

  it("differs from a program error, which is not taken for a lack of room", () => {
    expect(fitting(() => settlement({ ...unknown, says }))).toBeNull()
    expect(() =>
      fitting(() => {
        throw new TypeError("a mistake of ours")
      }),
    ).toThrow("a mistake of ours")
  })
})

describe("settling with a failing store", () => {
  it("waits longer each time, at most two seconds, and gives up after two minutes on a host", async () => {
    const waits: number[] = []
    const { wait } = world.clock
    world.clock.wait = async (ms) => {
      waits.push(ms)
      await wait(ms)
    }
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    const failed = world.run(alarmOf())
    await expect(failed).rejects.toThrow(/attempt id-\d+ \(accepted\) could not be written/)
    await expect(failed).rejects.toMatchObject({
      name: "LedgerError",
      cause: { message: "the store is unreachable" },
    })
    expect(waits.slice(0, 8)).toEqual([50, 100, 200, 400, 800, 1600, 2000, 2000])
    expect(waits.reduce((sum, ms) => sum + ms)).toBeGreaterThanOrEqual(120 * SECOND)
    expect(waits.reduce((sum, ms) => sum + ms)).toBeLessThan(123 * SECOND)
  })

  it("gives up shortly before the function ends", async () => {
    world.timeLeftMs = 100 * SECOND
    world.whileBuying = async () => {
      world.timeLeftMs = 3 * SECOND
    }
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    const from = world.now
    await expect(world.run(alarmOf())).rejects.toThrow(/stays open/)
    expect(world.now - from).toBeLessThan(4 * SECOND)
  })

  it("does not continue after an error that is not the store's", async () => {
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "settled") throw new TypeError("a mistake of ours")
      return undefined
    }
    await expect(world.run(alarmOf())).rejects.toMatchObject({
      name: "LedgerError",
      cause: { message: "a mistake of ours" },
    })
  })
})

describe("from the opened attempt to its outcome on record", () => {
  const kinds = async () => (await world.entries()).map(({ kind }) => kind)

  it("counts the last moment to send from now, on a clock that jumps and on one that does not", async () => {
    world.clock.monotonic = () => 5_000
    await world.run(alarmOf())
    expect(world.orders).toMatchObject([
      { sendBefore: NOW + 30 * SECOND, sendBeforeMonotonic: 35_000, timeoutMs: MINUTE },
    ])
  })

  it("records in every entry that it was live", async () => {
    await world.run(alarmOf())
    expect((await world.entries()).map(({ mode }) => mode)).toEqual(["live", "live"])
  })

  it("stops the request if a pause cannot be read, with that reason only", async () => {
    let looks = 0
    world.interference.beforeHead = async (stream) => {
      if (stream === CONTROL_STREAM && ++looks === 2) unreachable()
    }
    expect((await world.run(alarmOf())).outcome).toMatchObject({
      kind: "not-sent",
      reason: "control-unreadable",
    })
    expect(world.orders).toEqual([])
  })

  it.each([
    [0, "not-sent"],
    [1, "accepted"],
  ])("decides with %i ms more than the maximum from the moment of sending: %s", async (more, kind) => {
    // Until the last moment to send, for the answer, and for one write to the ledger.
    const needed = 30 * SECOND + MINUTE + 5 * SECOND
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind === "opened") world.timeLeftMs = needed + more
      return undefined
    }
    expect((await world.run(alarmOf())).outcome?.kind).toBe(kind)
    expect(world.orders).toHaveLength(more)
  })

  it("stops trying when the time is over, to the millisecond", async () => {
    let tries = 0
    world.timeLeftMs = 200 * SECOND
    world.whileBuying = async () => {
      // 50 + 100 + 200 + 400 ms of waiting, and half a second in reserve.
      world.timeLeftMs = 1_250
    }
    world.interference.beforeAppend = async (entry) => {
      if (entry.kind !== "settled") return undefined
      tries += 1
      return unreachable()
    }
    await expect(world.run(alarmOf())).rejects.toThrow(/stays open/)
    expect(tries).toBe(5)
  })

  it("does not wait because of a rival's entry in between", async () => {
    const waits: number[] = []
    world.clock.wait = async (ms) => {
      waits.push(ms)
    }
    let rivals = 0
    world.interference.beforeAppend = async (entry) =>
      entry.kind === "settled" && ++rivals <= 2 ? "conflict" : undefined
    await world.run(alarmOf())
    expect(waits).toEqual([])
    expect(await kinds()).toEqual(["opened", "settled"])
  })

  it("dates the outcome at its arrival, never before its attempt, and names the signal", async () => {
    world.whileBuying = async () => {
      world.now += 5 * SECOND
    }
    const signal = alarmOf()
    await world.run(signal)
    const [opened, settled] = await world.entries()
    expect(settled).toMatchObject({ kind: "settled", at: NOW + 5 * SECOND, signal })
    expect(settled?.policyHash).toBe(opened?.policyHash)
  })

  it("does not date the outcome before its attempt if a clock went back meanwhile", async () => {
    world.whileBuying = async () => {
      world.now -= 5 * SECOND
    }
    await world.run(alarmOf())
    expect((await world.entries()).map(({ at }) => at)).toEqual([NOW, NOW])
  })
})

describe("a worker that returns when its time is over", () => {
  it("still writes a known outcome, even if a tick recorded the attempt as unknown meanwhile", async () => {
    world.outcomes = [{ kind: "not-sent", reason: "too-late", says: "the last moment to send has passed" }]
    world.whileBuying = async () => {
      world.now += 5 * MINUTE
      world.whileBuying = async () => {}
      await world.run(tickOf({ id: "in-between", at: world.now }))
      world.timeLeftMs = 100
    }
    world.timeLeftMs = 200 * SECOND
    expect((await world.run(alarmOf())).outcome).toMatchObject({ kind: "not-sent" })
    expect(
      (await world.entries()).map((entry) => entry.observation?.kind ?? entry.outcome?.kind ?? entry.kind),
    ).toEqual(["opened", "unknown", "decided", "not-sent"])
    expect((await world.ledger.head(STREAM))?.standing).toMatchObject({ attempt: null })
  })
})
