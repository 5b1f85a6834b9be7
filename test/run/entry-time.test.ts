import { expect, it } from "vitest"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { nextEntry } from "../../lib/ledger/next-entry.ts"
import { nowAfter, stampOf, withTimeOf } from "../../lib/run/entry-time.ts"
import { HOUR, MINUTE, NOW, SECOND, situationOf } from "../decision/builders.ts"
import { clockAt } from "../world/clock.ts"

// The times of a run and of its entries if clocks differ.

function entryAt(at: number): LedgerEntry {
  const news = { at, run: "r", writer: "w", kind: "decided" as const, mode: "live" as const }
  return nextEntry("supernode:a", undefined, news)
}

it.each<[string, number | null, number]>([
  ["our clock, if the ledger has no entry", null, 0],
  ["our clock, if the newest entry is older", -SECOND, 0],
  ["the newest entry, if the entry is up to a minute ahead", MINUTE, MINUTE],
  ["our clock, if the newest entry is further ahead, by a wrong clock", MINUTE + 1, 0],
])("a run takes its time from %s: newest entry %o, run's time %i", (_, entryMs, nowMs) => {
  const head = entryMs === null ? undefined : entryAt(NOW + entryMs)
  expect(nowAfter(head, clockAt(NOW)) - NOW).toBe(nowMs)
})

it.each<[string, Parameters<typeof situationOf>[0], number]>([
  ["our time, if the clocks agree", { cloudSkewMs: -MINUTE, headAt: null }, 0],
  [
    "the cloud's time, if it is earlier and contradicts ours",
    { cloudSkewMs: -HOUR, headAt: NOW - 2 * HOUR },
    -HOUR,
  ],
  ["our time, if the cloud's time is later", { cloudSkewMs: HOUR, headAt: null }, 0],
  [
    "the time of the previous entry, if that time is later",
    { cloudSkewMs: -HOUR, headAt: NOW + SECOND },
    SECOND,
  ],
])("an entry is dated by %s", (_, over, atMs) => {
  expect(stampOf(situationOf(over)) - NOW).toBe(atMs)
})

type Times = { skewMs?: number | null; date?: number | null }
it.each<[string, Times, Times, [number | null, number | null]]>([
  ["null, if no response named a time", {}, {}, [null, null]],
  ["the time of the only response that named one", {}, { skewMs: -5, date: 7 }, [-5, 7]],
  ["the time of the only response that named one", {}, { skewMs: 0, date: 7 }, [0, 7]],
  ["the time of the only response that named one", { skewMs: -5, date: 7 }, {}, [-5, 7]],
  [
    "the earlier of two times, with the larger of two differences from our clock",
    { skewMs: 5, date: 7 },
    { skewMs: -6, date: 8 },
    [-6, 7],
  ],
  [
    "the earlier of two times, with the larger of two differences from our clock",
    { skewMs: -6, date: 8 },
    { skewMs: 5, date: 7 },
    [-6, 7],
  ],
  [
    "the earlier of two times, with the first of two equal differences from our clock",
    { skewMs: 5, date: 7 },
    { skewMs: -5, date: 7 },
    [5, 7],
  ],
])(
  "the cloud's time in a situation is %s: known %o, new response %o",
  (_, before, answer, [skewMs, date]) => {
    const situation = situationOf({ cloudSkewMs: before.skewMs ?? null, cloudDate: before.date ?? null })
    const read = { ok: false as const, why: "503", credentials: false, ...answer }
    expect(withTimeOf(situation, read)).toMatchObject({ cloudSkewMs: skewMs, cloudDate: date })
  },
)
