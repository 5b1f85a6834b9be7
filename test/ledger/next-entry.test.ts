import { expect, it } from "vitest"
import { EMPTY_STATE } from "../../lib/decision/state/state.ts"
import { entryText, type LedgerEntry } from "../../lib/ledger/entry.ts"
import { nextEntry, stateOf } from "../../lib/ledger/next-entry.ts"
import { alarmOf, MINUTE, NOW } from "../decision/builders.ts"
import { entryAfter } from "./entries.ts"

it("an entry's state is the same after a head that this process wrote and after the same head that it read", () => {
  // More closed alarms than a state keeps, all closed at one time: which ones stay depends on their order.
  const keys = Array.from({ length: 64 }, (_, i) => `alarm ${String(99 - i)}`)
  const episodes = Object.fromEntries(keys.map((key) => [key, { closedAt: NOW }]))
  const written = entryAfter(undefined, { at: NOW, standing: { ...EMPTY_STATE, episodes } })
  const read = JSON.parse(entryText(written)) as LedgerEntry
  const at = NOW + MINUTE
  const signal = alarmOf({ state: "ok", at, episode: { key: "alarm 10", startsAt: null } })
  const fields = { at, run: "run-2", writer: "w", kind: "decided", mode: "live", signal } as const
  const afterWritten = nextEntry(written.stream, written, fields)
  const afterRead = nextEntry(read.stream, read, fields)
  expect(Object.keys(stateOf(afterRead).episodes)).toHaveLength(64)
  expect(afterWritten.hash).toBe(afterRead.hash)
})
