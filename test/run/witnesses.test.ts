import { beforeEach, describe, expect, it } from "vitest"
import { sayTraces } from "../../lib/decision/explain/witness.ts"
import {
  changedWitness,
  type ScaleUpTrace,
  type TracesSeen,
  tracesSeen,
  type WitnessRecord,
} from "../../lib/decision/state/witness.ts"
import { fold } from "../../lib/decision/transitions/fold.ts"
import { stateOf } from "../../lib/ledger/next-entry.ts"
import type { Read } from "../../lib/ports.ts"
import { alarmOf, DAY, HOUR, MINUTE, NOW, requestOf, SECOND } from "../decision/builders.ts"
import { unknown, World } from "./world.ts"

// Readings of independent sources while an outcome is unknown, from tick to tick.

let world: World
let traces: Read<ScaleUpTrace[]> | null
let windows: { from: number; to: number }[]

beforeEach(async () => {
  world = await World.open()
  world.listen(["trouble"])
  traces = { ok: true, value: [], skewMs: 0 }
  windows = []
  Object.assign(world.cloud, {
    readTraces: async (_policy: unknown, window: { from: number; to: number }) => {
      windows.push(window)
      return traces
    },
  })
  world.outcomes = [unknown]
  await world.run(alarmOf())
})

const own: ScaleUpTrace = { at: NOW, user: "us", status: 200, flavor: null, source: "ApiCall" }
const told = () => world.notices.map(({ says }) => says)
const kinds = async () => (await world.entries()).map(({ kind, observation }) => observation?.kind ?? kind)
const tickAfter = async (ms: number) => {
  world.now += ms
  await world.run()
}
const attemptNow = async () => {
  const { attempt } = stateOf((await world.entries()).at(-1))
  if (!attempt) throw new Error("the attempt is over")
  return attempt
}

describe("the notification of an unknown outcome", () => {
  it("notifications of an unknown outcome state what CTS shows, and later also the new servers and the trace", async () => {
    expect(told()[0]).toContain("CTS shows no scale-up since")
    expect(told()[0]).toContain("That proves nothing")
    traces = { ok: true, value: [own], skewMs: 0 }
    world.deliver(4)
    await tickAfter(HOUR)
    expect(told()).toHaveLength(2)
    expect(told()[1]).toContain('servers: 2 before, 4 now, 2 of them new (s3, s4). This supports "accepted"')
    expect(told()[1]).toMatch(/CTS shows 1 scale-up since .*, by us, response 200\. This supports "accepted"/)
    expect(told()[1]).toMatch(/Nothing more is bought until a person settles it$/)
  })

  it("an unknown outcome is notified even if CTS cannot be read or too little time is left to read CTS", async () => {
    traces = { ok: false, why: "listTraces at cts.test answered 403", credentials: true }
    await tickAfter(HOUR)
    // The earlier reading stays: a refused read does not replace it.
    expect(told()[1]).toContain("CTS shows no scale-up since")
    const { length } = windows
    world.timeLeftMs = 20_000
    await tickAfter(HOUR)
    expect([told().length, windows.length]).toEqual([3, length])
  })
})

describe("readings of independent sources", () => {
  it("readings of CTS and of the servers about an attempt are recorded only if they show something new", async () => {
    for (let i = 0; i < 5; i++) await tickAfter(5 * MINUTE)
    const before = (await kinds()).filter((kind) => kind === "witness")
    expect(before).toHaveLength(2)
    traces = null
    await tickAfter(5 * MINUTE)
    traces = { ok: true, value: [own], skewMs: 0 }
    for (let i = 0; i < 5; i++) await tickAfter(5 * MINUTE)
    expect((await kinds()).filter((kind) => kind === "witness")).toHaveLength(3)
  })

  it("stops reading CTS after the seven days for which CTS keeps traces", async () => {
    await tickAfter(8 * DAY)
    const { length } = windows
    expect((await world.entries()).at(-1)?.standing).toMatchObject({ attempt: { state: "unknown" } })
    await tickAfter(HOUR)
    expect(windows).toHaveLength(length)
    expect(
      sayTraces({ kind: "unread", reason: "too-old", why: "the attempt is too old" }, await attemptNow()),
    ).toContain("CTS keeps traces for seven days")
  })

  it.each([
    ["is read by a tick with more than 21 s left", 21 * SECOND + 1, undefined, 1],
    ["is not read by a tick with 21 s left", 21 * SECOND, undefined, 0],
    ["is not read by an alarm", DAY, alarmOf({ id: "again", at: NOW + HOUR }), 0],
    ["is not read by a dry run", DAY, requestOf({ at: NOW + HOUR }), 0],
  ])("for an attempt with an unknown outcome, CTS %s", async (_, leftMs, signal, times) => {
    windows = []
    world.now += HOUR
    world.timeLeftMs = leftMs
    await world.run(signal)
    expect(windows).toHaveLength(times)
  })

  it("CTS is no longer read once a person settled the attempt", async () => {
    const { id } = await attemptNow()
    await world.say({ verb: "settle", attempt: id, as: "accepted", why: "w", by: "ops", servers: null })
    windows = []
    await tickAfter(MINUTE)
    expect([windows, (await attemptNow()).state]).toEqual([[], "accepted"])
  })

  it("a reading of CTS is recorded with its own time, and CTS is not read again after it shows a trace of the attempt", async () => {
    traces = { ok: true, value: [own], skewMs: 0 }
    world.deliver(3)
    await tickAfter(MINUTE)
    const { length } = windows
    expect((await world.entries()).at(-1)).toMatchObject({
      kind: "observed",
      at: NOW + MINUTE,
      observation: {
        kind: "witness",
        attempt: (await attemptNow()).id,
        at: NOW + MINUTE,
        servers: [],
        present: null,
        witness: { at: NOW + MINUTE, servers: { added: 1 }, traces: { count: 1 } },
      },
    })
    await tickAfter(MINUTE)
    expect(windows).toHaveLength(length)
  })

  it("a CTS client that throws against its contract does not fail the run", async () => {
    world.cloud.readTraces = async () => {
      throw new Error("boom")
    }
    world.now += MINUTE
    expect((await world.run()).decision.heldBy).toBe("outcome-unknown")
  })

  it("a reading of CTS about an attempt is recorded without a list of servers if the supernode cannot be read", async () => {
    world.supernode = { ok: false, why: "503", credentials: false }
    traces = { ok: true, value: [own], skewMs: 0 }
    await tickAfter(MINUTE)
    const newest = (await world.entries()).findLast(({ observation }) => observation?.witness)
    expect(newest?.observation?.witness).toMatchObject({ servers: null, traces: { count: 1 } })
  })

  it("readings of CTS and of the servers about an attempt change nothing else in the state", async () => {
    const head = (await world.entries()).at(-1)
    const state = stateOf(head)
    const attempt = await attemptNow()
    const seen: TracesSeen[] = [
      tracesSeen({ ok: true, value: [{ ...own, status: 400 }] }, attempt),
      tracesSeen({ ok: true, value: [own, own, own, own] }, attempt),
      tracesSeen({ ok: false, why: "x", credentials: false }, attempt),
      tracesSeen(null, attempt),
    ]
    for (const one of seen) {
      const witness: WitnessRecord = { attempt: attempt.id, at: NOW, servers: null, traces: one }
      const observation = {
        kind: "witness" as const,
        says: "",
        attempt: attempt.id,
        servers: [],
        present: null,
        at: NOW,
      }
      const event = {
        kind: "observed" as const,
        seq: 9,
        at: NOW,
        run: "r",
        observation: { ...observation, witness },
      }
      expect(fold(state, event)).toEqual({ ...state, witness })
    }
  })

  it("readings of CTS and of the servers about a new attempt replace those about an earlier attempt", async () => {
    const attempt = await attemptNow()
    const of = (id: string): WitnessRecord => ({
      attempt: id,
      at: NOW,
      servers: null,
      traces: tracesSeen({ ok: true, value: [own] }, attempt),
    })
    expect(changedWitness(of("other"), of(attempt.id))).toEqual(of(attempt.id))
    expect(changedWitness(of(attempt.id), of(attempt.id))).toBeNull()
  })
})

it.each<[string, Partial<ScaleUpTrace>, boolean]>([
  ["in time and answered with success", {}, true],
  ["of the same flavor", { flavor: "rung-4" }, true],
  ["of another flavor", { flavor: "rung-8" }, false],
  ["of a person in the console", { source: "ConsoleAction" }, false],
  ["that the cloud refused", { status: 400 }, false],
  ["without a response", { status: null }, false],
  ["without a time", { at: null }, false],
  ["before the attempt", { at: NOW - 2 * MINUTE }, false],
  ["after the attempt's deadline", { at: NOW + HOUR }, false],
])("a CTS trace %s (%o) is evidence that the order was accepted: %s", async (_title, over, supports) => {
  const attempt = { ...(await attemptNow()), flavor: "rung-4" }
  const says = sayTraces(tracesSeen({ ok: true, value: [{ ...own, ...over }] }, attempt), attempt)
  expect([says.includes('This supports "accepted"'), says.includes("which proves nothing")]).toEqual([
    supports,
    !supports,
  ])
  expect(says).not.toContain("absent")
})
