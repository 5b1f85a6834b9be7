import { describe, expect, it } from "vitest"
import {
  type LedgerProblem,
  saysUnusable,
  whyUntrusted,
  whyUnusable,
} from "../../../lib/decision/gates/ledger.ts"
import type { Fetched } from "../../../lib/decision/inputs/fetched.ts"
import { type Control, NO_CONTROL } from "../../../lib/decision/state/control.ts"
import type { LedgerOrigin } from "../../../lib/decision/state/ledger-identity.ts"
import { MINUTE, NOW, SUPERNODE_ID } from "../builders.ts"

const OTHER_ID = "0f2d4c11-9d7b-4f0e-8a55-3d2c1b0a9e8f"

const read = (over: Partial<Control> = {}): Fetched<Control> => ({
  state: "read",
  value: { ...NO_CONTROL, ...over },
})
const UNREAD: Fetched<Control> = { state: "not-read" }
const begun = (origin: LedgerOrigin) => ({ ledger: { id: "ledger-1", at: NOW, origin } })
const restoredFor = (...confirmed: string[]) => ({
  ...begun("adopted"),
  restored: { at: NOW, why: "disk lost", by: "ann", confirmed },
})

describe("the use of a ledger", () => {
  it.each<[string, Fetched<Control>, string | null, LedgerProblem | null]>([
    [
      "a ledger is not used without `ledger init`",
      read(),
      null,
      {
        reason: "ledger-new",
        says: "the ledger is missing or was not created by `ledger init`, so past purchases are unknown",
        facts: { ledger: null },
      },
    ],
    [
      "a ledger is not used if the policy names another one",
      read(begun("empty")),
      "ledger-2",
      {
        reason: "ledger-other",
        says: "this is ledger ledger-1; only ledger ledger-2 may be used (ledger_id in the policy)",
        facts: { ledger: "ledger-1", expected: "ledger-2" },
      },
    ],
    ["a ledger is used if the policy names it", read(begun("empty")), "ledger-1", null],
    ["any ledger is used if the policy names no ledger", read(begun("empty")), null, null],
    [
      "a ledger that cannot be read passes the check of its id, because gate not-paused holds then",
      UNREAD,
      "ledger-2",
      null,
    ],
  ])("%s", (_, control, onlyId, problem) => {
    expect(whyUnusable(control, onlyId)).toEqual(problem)
  })
})

describe("the memory of a ledger", () => {
  const says = (until: string, unsaid = "") =>
    `the ledger was empty at 2024-01-12T17:00:00.000Z, so an order that it does not contain may be in progress. Live runs wait for 45 minutes from the first time that the cloud confirms, so until ${until} or later${unsaid}`
  const isNew = (minutes: number, sentence: string): LedgerProblem => ({
    reason: "ledger-new",
    says: sentence,
    facts: { ledger: "ledger-1", until: NOW + minutes * MINUTE },
  })
  const UNCONFIRMED = ". No response of the cloud has confirmed a time to this run"
  it.each<[string, Fetched<Control>, [first: number | null, now: number | null], LedgerProblem | null]>([
    [
      "a new ledger is not trusted while the cloud has not confirmed a time",
      read(begun("empty")),
      [null, null],
      isNew(45, says("2024-01-12T17:45:00.000Z", UNCONFIRMED)),
    ],
    [
      "a new ledger is not trusted at the first time that the cloud confirms",
      read(begun("empty")),
      [null, 3],
      isNew(48, says("2024-01-12T17:48:00.000Z")),
    ],
    [
      "a new ledger is not trusted 44 minutes after the first confirmed time",
      read(begun("empty")),
      [5, 49],
      isNew(50, says("2024-01-12T17:50:00.000Z")),
    ],
    [
      "a new ledger is not trusted by a run that has no confirmed time",
      read(begun("empty")),
      [5, null],
      isNew(50, says("2024-01-12T17:50:00.000Z", UNCONFIRMED)),
    ],
    [
      "a new ledger is trusted 45 minutes after the first confirmed time",
      read(begun("empty")),
      [5, 50],
      null,
    ],
    [
      "a new ledger is trusted if a person declared that nothing is in flight",
      read(begun("nothing-in-flight")),
      [null, null],
      null,
    ],
    [
      "a restored ledger is not trusted for a supernode that no person has compared with the cloud",
      read(restoredFor(OTHER_ID)),
      [0, 99],
      {
        reason: "ledger-restored",
        says: "the ledger was restored from a backup (recorded 2024-01-12T17:00:00.000Z by ann: disk lost); purchases made after the backup may be missing",
        facts: { since: NOW },
      },
    ],
    [
      "a restored ledger is trusted for a supernode that a person has compared with the cloud",
      read(restoredFor(OTHER_ID, SUPERNODE_ID)),
      [0, 99],
      null,
    ],
    [
      "a ledger that cannot be read passes the check of what it remembers, because gate not-paused holds then",
      UNREAD,
      [null, null],
      null,
    ],
  ])("%s", (_, control, [first, now], problem) => {
    const at = (minutes: number | null) => (minutes === null ? null : NOW + minutes * MINUTE)
    const age = { firstConfirmedAt: at(first), confirmed: at(now) }
    expect(whyUntrusted({ control, supernodeId: SUPERNODE_ID, ...age })).toEqual(problem)
  })
})

it.each([
  ["ledger-new", { ledger: null }, false, true],
  ["ledger-new", { ledger: "ledger-1" }, false, false],
  ["ledger-other", { ledger: "ledger-1" }, false, true],
  ["ledger-behind", {}, false, true],
  ["ledger-restored", {}, false, false],
  ["ledger-other", {}, true, false],
  ["ledger-behind", {}, null, false],
] as const)(
  "reason %s with facts %j, passed %s, requires a repair of the ledger: %s",
  (reason, facts, passed, isSo) => {
    expect(saysUnusable({ gate: "ledger", passed, reason, says: "", facts })).toBe(isSo)
  },
)
