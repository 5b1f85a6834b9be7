import { beforeEach, describe, expect, it } from "vitest"
import type { Fetched } from "../../lib/decision/inputs/fetched.ts"
import type { Situation } from "../../lib/decision/situation.ts"
import { type Control, NO_CONTROL } from "../../lib/decision/state/control.ts"
import type { LedgerOrigin } from "../../lib/decision/state/ledger-identity.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { nextEntry } from "../../lib/ledger/next-entry.ts"
import type { Ledger } from "../../lib/ports.ts"
import { firstConfirmedTime, readLedgerAge } from "../../lib/run/ledger-age.ts"
import { MINUTE, NOW, policyOf, read, situationOf, tickOf, unreadable } from "../decision/builders.ts"
import { taskOf } from "../world/task.ts"
import { World } from "./world.ts"

// The age of a ledger that began empty counts from the first time that the cloud confirmed to a run on it.

const LEDGER = "1edfe000-0000-4000-8000-000000000001"
type Kept = Pick<LedgerEntry, "confirmedAt" | "situation">
let chains: Record<string, Kept[]>
/** Every page that was read; `entries` counts the entries that were read. */
let pages: string[]
let entries: number
let ledger: Ledger

beforeEach(async () => {
  ;[chains, pages, entries] = [{}, [], 0]
  const news = { at: NOW, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
  const entry = nextEntry("supernode:a", undefined, news)
  async function* readPage(stream: string, { fromSeq = 1, toSeq = 1 } = {}): AsyncGenerator<LedgerEntry> {
    pages.push(`${stream} ${fromSeq}-${toSeq}`)
    for (const kept of (chains[stream] ?? []).slice(fromSeq - 1, toSeq)) {
      entries += 1
      yield { ...entry, ...kept }
    }
  }
  ledger = { ...(await World.open()).ledger, read: readPage }
})

function controlOn(id: string | null, origin: LedgerOrigin = "empty"): Fetched<Control> {
  return read(id === null ? NO_CONTROL : { ...NO_CONTROL, ledger: { id, origin, at: NOW } })
}

/** An entry of a run on this ledger, with the confirmed time of the cloud and the run's own time. */
function confirmed(confirmedAt: number | null, now = NOW, control = controlOn(LEDGER)): Kept {
  const { state: _state, policy: _policy, ...situation } = situationOf({ now, control })
  return { confirmedAt, situation }
}

const unconfirmed = (count: number): Kept[] =>
  Array.from({ length: count }, () => confirmed(null, NOW - MINUTE))
const firstIn = (streams: string[], isEnough = (_first: number) => false) =>
  firstConfirmedTime({ ledger }, { streams, ledgerId: LEDGER, isEnough })

describe("the first confirmed time", () => {
  it.each<[string, Kept[], number | null]>([
    ["null for an empty chain", [], null],
    ["null if the cloud confirmed no time to any run", unconfirmed(2), null],
    ["null for an entry without a situation", [{ confirmedAt: NOW }], null],
    ["null if the run could not read the ledger's id", [confirmed(NOW, NOW, unreadable())], null],
    ["null if the run's ledger had no id", [confirmed(NOW, NOW, controlOn(null))], null],
    ["null for a run on another ledger", [confirmed(NOW, NOW, controlOn("another"))], null],
    ["the cloud's time, if the run's own was earlier", [confirmed(NOW + 5)], NOW + 5],
    ["the run's own time, if the cloud's was earlier", [confirmed(NOW - 5)], NOW],
    [
      "that of the first entry with a confirmed time",
      [...unconfirmed(1), confirmed(NOW + 1), confirmed(NOW + 2)],
      NOW + 1,
    ],
  ])("a ledger's first confirmed time is %s", async (_, chain, at) => {
    chains = { a: chain }
    expect(await firstIn(["a"])).toBe(at)
  })

  it.each([
    [20, ["a 1-20"]],
    [41, ["a 1-20", "a 21-40", "a 41-60"]],
  ])(
    "the search for the first confirmed time reads pages of 20 entries, and no page after it: entry %i",
    async (nth, read) => {
      chains = { a: [...unconfirmed(nth - 1), confirmed(NOW), ...unconfirmed(30)] }
      expect(await firstIn(["a"])).toBe(NOW)
      expect([pages, entries]).toEqual([read, nth])
    },
  )

  it("a ledger's first confirmed time is the earliest in its first nine streams, and no other stream is read", async () => {
    const times = [5, null, 3, 4, null, 6, 7, 8, 9, 1]
    const streams = times.map((_, nth) => `s${nth}`)
    chains = Object.fromEntries(times.map((ms, nth) => [`s${nth}`, ms === null ? [] : [confirmed(NOW + ms)]]))
    expect(await firstIn(streams)).toBe(NOW + 3)
    expect(pages).toEqual(streams.slice(0, 9).map((stream) => `${stream} 1-20`))
  })

  it("the search for the first confirmed time reads no further stream once that time is early enough", async () => {
    chains = { a: [confirmed(NOW + 5)], b: [confirmed(NOW + 3)], c: [confirmed(NOW + 1)] }
    expect(await firstIn(["a", "b", "c"], (first) => first <= NOW + 3)).toBe(NOW + 3)
    expect(pages).toEqual(["a 1-20", "b 1-20"])
  })
})

describe("the age of a ledger", () => {
  const policy = policyOf()
  const task = taskOf(
    { signal: tickOf(), policy, run: "r" },
    { stream: "own", fleetStreams: ["other", "own"] },
  )
  const ageIn = (over: Partial<Situation>) =>
    readLedgerAge(
      { ledger },
      task,
      situationOf({ policy, control: controlOn(LEDGER), cloudDate: NOW, ...over }),
    )

  it.each<[string, Partial<Situation>]>([
    ["the ledger cannot be read", { control: unreadable() }],
    ["the ledger has no id", { control: controlOn(null) }],
    ["a person stated that nothing was in flight", { control: controlOn(LEDGER, "nothing-in-flight") }],
    ["no rung was chosen", { readings: read([]) }],
    ["a gate holds", { cloudSkewMs: 2 * MINUTE }],
  ])("a run does not read the age of its ledger if %s", async (_, over) => {
    expect(await ageIn(over)).toEqual({})
    expect(pages).toEqual([])
  })

  it.each<[string, number, Partial<Situation>, string[]]>([
    ["from its own chain alone, if that is 45 minutes old", 45 * MINUTE, {}, ["own 1-20"]],
    [
      "from other chains too, if its own chain is younger than 45 minutes",
      45 * MINUTE - 1,
      {},
      ["own 1-20", "other 1-20"],
    ],
    [
      "from other chains too, if the earlier of both clocks shows less than 45 minutes",
      45 * MINUTE,
      { cloudDate: NOW - 1 },
      ["own 1-20", "other 1-20"],
    ],
    [
      "from other chains too, if no clock is confirmed",
      45 * MINUTE,
      { cloudDate: null },
      ["own 1-20", "other 1-20"],
    ],
  ])("a run reads the age of its ledger %s", async (_, ageMs, over, read) => {
    const at = NOW - ageMs
    chains = { own: [confirmed(at, at)], other: [] }
    expect(await ageIn(over)).toEqual({ ledgerConfirmedAt: at })
    expect(pages).toEqual(read)
  })
})
