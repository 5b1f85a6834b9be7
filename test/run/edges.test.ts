import { beforeEach, describe, expect, it } from "vitest"
import type { Signal } from "../../lib/decision/inputs/signal.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../lib/decision/state/state.ts"
import { MAX_ENTRY_BYTES } from "../../lib/ledger/entry.ts"
import {
  CONTROL_STREAM,
  nextEntry,
  nextSettlement,
  sealIfFits,
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

// Runs at the size limit of a ledger entry, with a rival run, or with a failing store.

const STREAM = supernodeStream(policyOf().id)
/** A state of this size leaves no room to record a hold, but still room for notifications. */
const ROOM_TO_TELL = MAX_ENTRY_BYTES - 16 * 1024
let world: World

beforeEach(async () => {
  world = await World.open()
})

/** Appends a head whose state fills its entry to within a kilobyte of `mostBytes`. */
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
    sealIfFits(() =>
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

/** Makes a rival run append right before our next entries of these kinds, at most `times` times. */
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
  it("a hold whose entry would be too large is not recorded, and the result holds as standing-full", async () => {
    await fillStanding()
    world.load = 10
    const result = await world.run(alarmOf())
    expect(result.decision).toMatchObject({ kind: "hold", heldBy: "standing-full" })
    expect(result.decision.findings.at(-1)?.says).toContain("too big for the ledger")
    expect(result.entry).toBeNull()
    expect(world.orders).toEqual([])
  })

  it("a hold whose entry would be too large does not stop the notification of waiting states", async () => {
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

  it("an overtaken run writes no entry if its entry would be too large", async () => {
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

  it("a hold's entry that would be too large is written with the reason instead of its readings", async () => {
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

  it("does not buy if the attempt's entry would be too large, since an attempt must be replayable", async () => {
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
  it("a purchase refused for capacity, without a larger rung, gives a result with both its outcome and a hold", async () => {
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
  it("holds as overtaken if a rival run appends first at each try to record an observation", async () => {
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

  it("returns a rival run's result if the rival opened an attempt for the same signal", async () => {
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

  it("returns a rival run's result for the same signal even after two lost appends", async () => {
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

  it("decides again if a rival run appends an entry before the hold is written, and records the new hold", async () => {
    world.load = 10
    rivals(1, ["decided"])
    const { entry } = await world.run(alarmOf())
    const [, ours, ...more] = await world.entries()
    expect(entry).toEqual({ stream: STREAM, seq: 2, hash: ours?.hash })
    expect(more).toEqual([])
  })

  it("records that a run was overtaken, and the result names that entry, if a rival run always appends first", async () => {
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
    [", also while the hold is recorded", 4, ["observed", "decided"]],
  ])("notifies of waiting states even if a rival run always appends first%s", async (_, times, kinds) => {
    world.listen()
    world.outcomes = [rejected("balance")]
    await world.run(alarmOf())
    world.now += 2 * HOUR
    world.deliver(4)
    rivals(times, kinds, alarmOf({ id: "theirs" }), world.now)
    expect((await world.run(alarmOf({ id: "later", at: world.now }))).decision.heldBy).toBe("overtaken")
    expect(world.notices.map(({ state }) => state)).toEqual(["breaker", "breaker"])
  })

  it("records an overtaken alarm at most hourly, and every overtaken request of a person", async () => {
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

  it("an overtaken run writes no entry if a rival run also appends before the entry about being overtaken", async () => {
    rivals(4, ["opened", "decided"])
    const result = await world.run(alarmOf())
    expect(result.decision.heldBy).toBe("overtaken")
    expect(result.entry).toBeNull()
  })

  it("never dates an entry before the entry of a rival run with a faster clock", async () => {
    rivals(3, ["opened"], alarmOf({ id: "theirs" }), NOW + 30 * SECOND)
    await world.run(alarmOf())
    const ats = (await world.entries()).map((entry) => entry.at)
    expect(ats).toEqual(ats.toSorted((a, b) => a - b))
  })

  it("a dry run writes no entry", async () => {
    const result = await world.run(requestOf({ mode: "dry-run" }))
    expect(result.mode).toBe("dry-run")
    expect(await world.entries()).toEqual([])
  })
})

describe("a person's request that held", () => {
  it("a person's request that held is stale after an hour, however many entries were written since", async () => {
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

describe("the reason of an attempt that was not sent", () => {
  it("the outcome of an attempt that was not sent contains the text of the gate that stopped it", async () => {
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

  it("an attempt that was not sent for lack of time records that too little time was left", async () => {
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

  it("an unchanged decision is recorded at most daily for ticks, and at most hourly for alarms", async () => {
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

  it("a decision is recorded for the first tick that reads the servers after a person's reset", async () => {
    await tick()
    await world.say({ verb: "reset", why: "looked", by: "ops" })
    expect((await tick()).decision.heldBy).toBe("not-breaching")
    await tick()
    expect(await notes()).toBe(2)
  })

  it("the ledger records a decision with all hints, even if the caller of the run reads no hints", async () => {
    const shown = (await tick()).decision
    expect(JSON.stringify(shown)).toContain("nearest")
    world = await World.open()
    world.load = 10
    await tick({ hintsAreUnread: true })
    expect((await world.entries())[0]?.decision?.findings).toEqual(shown.findings)
    const { decision, entry } = await tick({ hintsAreUnread: true })
    expect([entry, JSON.stringify(decision).includes("nearest")]).toEqual([null, false])
  })

  it("an unchanged decision is not recorded again for a tick that read no servers, even if no servers are known", async () => {
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    await tick()
    await tick()
    expect(await notes()).toBe(1)
  })

  it("a held tick that read no servers is not recorded again, even if the alarm before it chose a rung", async () => {
    world.load = 97
    await world.say({ verb: "pause", supernode: null, why: "w", by: "ops", until: null })
    const { entry } = await world.run(alarmOf())
    expect((await world.entries())[0]?.decision?.target?.to).toBe(4)
    expect([entry?.seq, (await tick()).entry]).toEqual([1, null])
  })

  it("a decision is recorded for a tick that would buy as many servers as before by another plan", async () => {
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
  ])(
    "the state may have 96 KB before an attempt is opened: with %i bytes more, the run holds for %o",
    (more, reasons) => {
      const signals = (bytes: number) => ({
        ["x".repeat(bytes)]: { run: "r", seq: 1, at: NOW, keepUntil: NOW },
      })
      const empty = JSON.stringify(stateWith({ signals: signals(0) })).length
      const state = stateWith({ signals: signals(MAX_STANDING_BYTES - empty + more) })
      expect(stateFindings(situationOf({ state })).map(({ reason }) => reason)).toEqual(reasons)
    },
  )
})

describe("the time left before an attempt is opened", () => {
  it.each([
    [0, "no-time"],
    [1, null],
  ])(
    "the time left is enough if it exceeds the maximum duration of a purchase: %i ms more, held by %s",
    async (more, heldBy) => {
      world.timeLeftMs = 95 * SECOND + more
      const { decision } = await world.run(alarmOf())
      expect(decision.heldBy).toBe(heldBy)
      if (heldBy)
        expect(decision.findings.at(-1)?.says).toMatch(/^the function has 95 s left, .* may take 95 s$/)
      expect(world.orders).toHaveLength(more)
    },
  )

  it("the time left is checked only for a purchase: other holds keep their own reasons", async () => {
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
    ["is missing", null],
    ["can be cut to nothing", { body: "{}", bytes: 2, truncated: false }],
  ])("writing an outcome fails if its entry would be too large, even if its raw response %s", (_, raw) => {
    expect(() => settlement({ ...unknown, says, raw })).toThrow(/would have \d+ bytes/)
  })

  it("writing the outcome of an attempt that was not sent fails if its entry would be too large", () => {
    expect(() => settlement({ kind: "not-sent", reason: "refused", says })).toThrow(/would have \d+ bytes/)
  })

  it("an error of the program is thrown, and is not treated as an outcome whose entry would be too large", () => {
    expect(sealIfFits(() => settlement({ ...unknown, says }))).toBeNull()
    expect(() =>
      sealIfFits(() => {
        throw new TypeError("a mistake of ours")
      }),
    ).toThrow("a mistake of ours")
  })
})

describe("settling with a failing store", () => {
  it("on a host, settling an attempt waits longer after each failed write, at most 2 s, and gives up after two minutes", async () => {
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

  it("settling an attempt gives up shortly before the function ends if the store keeps failing", async () => {
    world.timeLeftMs = 100 * SECOND
    world.whileBuying = async () => {
      world.timeLeftMs = 3 * SECOND
    }
    world.interference.beforeAppend = async (entry) => (entry.kind === "settled" ? unreachable() : undefined)
    const from = world.now
    await expect(world.run(alarmOf())).rejects.toThrow(/stays open/)
    expect(world.now - from).toBeLessThan(4 * SECOND)
  })

  it("settling an attempt stops at an error that is not the store's", async () => {
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

  it("a run may send its order for 30 s, counted by the wall clock and by the monotonic clock", async () => {
    world.clock.monotonic = () => 5_000
    await world.run(alarmOf())
    expect(world.orders).toMatchObject([
      { sendBefore: NOW + 30 * SECOND, sendBeforeMonotonic: 35_000, timeoutMs: MINUTE },
    ])
  })

  it("every entry of a purchase records live mode", async () => {
    await world.run(alarmOf())
    expect((await world.entries()).map(({ mode }) => mode)).toEqual(["live", "live"])
  })

  it("does not send an order if the control stream cannot be read right before the request", async () => {
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
  ])(
    "sends an order only if more time is left than a purchase takes from the request on: %i ms more, %s",
    async (more, kind) => {
      // Time until the last moment to send, for the response, and for one write to the ledger.
      const needed = 30 * SECOND + MINUTE + 5 * SECOND
      world.interference.beforeAppend = async (entry) => {
        if (entry.kind === "opened") world.timeLeftMs = needed + more
        return undefined
      }
      expect((await world.run(alarmOf())).outcome?.kind).toBe(kind)
      expect(world.orders).toHaveLength(more)
    },
  )

  it("a run stops trying to settle its attempt when the time is over, to the millisecond", async () => {
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

  it("a run appends an outcome again without a wait if a rival run's entry came first", async () => {
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

  it("an outcome's entry is dated at its arrival and names the signal", async () => {
    world.whileBuying = async () => {
      world.now += 5 * SECOND
    }
    const signal = alarmOf()
    await world.run(signal)
    const [opened, settled] = await world.entries()
    expect(settled).toMatchObject({ kind: "settled", at: NOW + 5 * SECOND, signal })
    expect(settled?.policyHash).toBe(opened?.policyHash)
  })

  it("an outcome's entry is never dated before its attempt, even if a clock went back meanwhile", async () => {
    world.whileBuying = async () => {
      world.now -= 5 * SECOND
    }
    await world.run(alarmOf())
    expect((await world.entries()).map(({ at }) => at)).toEqual([NOW, NOW])
  })
})

describe("a worker that returns when its time is over", () => {
  it("a worker whose time is over still writes a known outcome, even after a tick recorded the outcome as unknown", async () => {
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
