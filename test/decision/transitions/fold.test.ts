import { describe, expect, it } from "vitest"
import type { Decision } from "../../../lib/decision/decision.ts"
import type { AlarmState, Signal } from "../../../lib/decision/inputs/signal.ts"
import type { Situation } from "../../../lib/decision/situation.ts"
import type { Observation } from "../../../lib/decision/state/observation.ts"
import type { Outcome, RejectionClass } from "../../../lib/decision/state/outcome.ts"
import { requestedAt, type SupernodeState } from "../../../lib/decision/state/state.ts"
import { fold } from "../../../lib/decision/transitions/fold.ts"
import type { ChainEvent } from "../../../lib/decision/transitions/ledger-event.ts"
import {
  alarmOf,
  attemptOf,
  DAY,
  effectOf,
  HOUR,
  MINUTE,
  NOW,
  read,
  requestOf,
  SECOND,
  serverOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../builders.ts"

function event(over: Partial<ChainEvent>): ChainEvent {
  return { kind: "decided", seq: 7, at: NOW, run: "run-7", ...over }
}

/** An entry with a time that the cloud confirmed. */
function confirmed(at: number, kind: ChainEvent["kind"] = "decided"): ChainEvent {
  return event({ at, kind, confirmedAt: at })
}

const attempt = attemptOf({ state: "open" })
const record = {
  id: attempt.id,
  openedAt: attempt.openedAt,
  sendBefore: attempt.sendBefore,
  deadline: attempt.deadline,
}
const reserved = { attempt: attempt.id, at: attempt.openedAt, cost: attempt.cost, state: "reserved" as const }
const withOpen = stateWith({
  attempt,
  purchases: [reserved],
  latches: { "npu-busy": attempt.openedAt, older: 5 },
})

const ANSWERED = { status: 200, requestId: null, raw: null }
const ENDINGS = {
  accepted: { kind: "accepted", orderId: "CS9", servers: [], ...ANSWERED },
  unknown: { kind: "unknown", reason: "timeout", says: "no answer", code: null, ...ANSWERED },
  "not-sent": { kind: "not-sent", reason: "refused", says: "refused" },
} satisfies Record<string, Outcome>

function settle(state: SupernodeState, ending: keyof typeof ENDINGS | Outcome): SupernodeState {
  const outcome = typeof ending === "string" ? ENDINGS[ending] : ending
  return fold(state, event({ kind: "settled", attempt: record, outcome }))
}

function refuse(
  state: SupernodeState,
  of: RejectionClass,
  retryAfterMs: number | null = null,
): SupernodeState {
  return settle(state, {
    kind: "rejected",
    class: of,
    code: "ModelArts.1",
    message: "no",
    retryAfterMs,
    ...ANSWERED,
  })
}

describe("money", () => {
  it("an attempt reserves money while it is open, and books it when accepted", () => {
    const next = settle(withOpen, "accepted")
    expect(next.purchases).toEqual([{ ...reserved, state: "booked" }])
    expect(next.attempt).toMatchObject({ state: "accepted", acceptedAt: NOW, orderId: "CS9" })
  })

  it("money stays reserved while the outcome is unknown", () => {
    const next = settle(withOpen, "unknown")
    expect(next.purchases).toEqual([reserved])
    expect(next.attempt?.state).toBe("unknown")
    expect(requestedAt(next)).toBe(attempt.openedAt)
  })

  it.each(["rejected", "not-sent"] as const)(
    "an attempt that was %s releases its money, action, cooldown and latch",
    (kind) => {
      const next = kind === "rejected" ? refuse(withOpen, "state-conflict") : settle(withOpen, kind)
      expect(next).toMatchObject({ attempt: null, purchases: [], latches: { older: 5 } })
      expect(requestedAt(next)).toBeNull()
    },
  )

  it("settling an attempt as absent releases its money; settling it as accepted or completed does not", () => {
    const unknown = settle(withOpen, "unknown")
    const say = (as: "accepted" | "completed" | "absent") =>
      fold(
        unknown,
        event({
          kind: "said",
          said: { verb: "settle", attempt: attempt.id, as, why: "w", by: "b", servers: ["s1"] },
        }),
      )
    expect(say("absent")).toMatchObject({
      attempt: null,
      purchases: [],
      absent: [{ id: attempt.id }],
      servers: ["s1"],
    })
    expect(say("accepted")).toMatchObject({
      attempt: { state: "accepted" },
      purchases: [{ state: "booked" }],
    })
    expect(say("completed")).toMatchObject({
      attempt: null,
      completedAt: NOW,
      purchases: [{ state: "booked" }],
    })
  })

  it("money counts again if the cloud accepted an attempt that a person had settled as absent", () => {
    const absent = fold(
      settle(withOpen, "unknown"),
      event({
        kind: "said",
        said: { verb: "settle", attempt: attempt.id, as: "absent", why: "w", by: "b", servers: null },
      }),
    )
    const late = settle(absent, "accepted")
    expect(late).toMatchObject({
      attempt: { state: "wrong", orderId: "CS9" },
      absent: [],
      purchases: [{ state: "booked" }],
    })
  })

  it("an outcome that names an attempt that is not open changes nothing", () => {
    const other = fold(
      withOpen,
      event({
        kind: "settled",
        attempt: { ...record, id: "other" },
        outcome: { kind: "not-sent", reason: "r", says: "s" },
      }),
    )
    expect(other.attempt?.id).toBe(attempt.id)
  })
})

describe("refusals", () => {
  it("a throttled order starts a wait of 30 s, doubling to 10 min, or as long as Retry-After says", () => {
    let state = withOpen
    const waits = Array.from({ length: 7 }, () => {
      state = refuse({ ...state, attempt }, "throttle")
      return (state.throttle?.until ?? 0) - NOW
    })
    expect(waits).toEqual([30, 60, 120, 240, 480, 600, 600].map((seconds) => seconds * SECOND))
    expect(refuse({ ...state, attempt }, "throttle", 5 * SECOND).throttle?.until).toBe(NOW + 5 * SECOND)
  })

  it("a capacity refusal blocks the flavor for 5 min, doubling to 60 min", () => {
    let state = withOpen
    const waits = Array.from({ length: 6 }, () => {
      state = refuse({ ...state, attempt }, "capacity")
      return ((state.blocked[attempt.flavor]?.until ?? 0) - NOW) / MINUTE
    })
    expect(waits).toEqual([5, 10, 20, 40, 60, 60])
  })

  it.each(["quota", "balance", "auth", "not-found"] as const)(
    "a refusal for %s opens a breaker, which a person's reset closes",
    (of) => {
      const broken = refuse(withOpen, of)
      expect(broken.breaker).toMatchObject({ class: of, since: NOW })
      expect(
        fold(broken, event({ kind: "said", said: { verb: "reset", why: "w", by: "b" } })).breaker,
      ).toBeNull()
    },
  )

  it("an invalid order switches off its rules under this policy", () => {
    const next = fold(
      withOpen,
      event({
        kind: "settled",
        attempt: record,
        policyHash: "sha256:p",
        outcome: {
          kind: "rejected",
          status: 400,
          class: "invalid",
          code: "c",
          message: null,
          retryAfterMs: null,
          requestId: null,
          raw: null,
        },
      }),
    )
    expect(next.rulesOff).toEqual({ "npu-busy": "sha256:p" })
  })

  it("a refusal for a state conflict opens no breaker, starts no wait, and blocks no flavor and no rule", () => {
    const { breaker, throttle, blocked, rulesOff } = refuse(withOpen, "state-conflict")
    expect({ breaker, throttle, blocked, rulesOff }).toEqual({
      breaker: null,
      throttle: null,
      blocked: {},
      rulesOff: {},
    })
  })

  it("after an accepted order, the waits after throttling and the blocks of flavors start at their shortest again", () => {
    const before = {
      ...withOpen,
      blocked: { [attempt.flavor]: { until: NOW, times: 3 } },
      throttle: { until: NOW, times: 3 },
    }
    const { blocked, throttle } = settle(before, "accepted")
    expect({ blocked, throttle }).toEqual({ blocked: {}, throttle: null })
  })
})

describe("signals", () => {
  const openedBy = (signal: Signal, over: Partial<ChainEvent> = {}) =>
    event({ kind: "opened", signal, ...over })

  it("a signal is remembered with the run and seq of the first entry that opened an attempt for it", () => {
    const once = fold(stateWith(), openedBy(alarmOf()))
    expect(once.signals["alarm-1"]).toMatchObject({ run: "run-7", seq: 7 })
    const twice = fold(once, openedBy(alarmOf(), { seq: 8, run: "run-8" }))
    expect(twice.signals["alarm-1"]).toMatchObject({ run: "run-7", seq: 7 })
  })

  it.each(["decided", "settled", "observed"] as const)(
    "a signal is not remembered because of a %s entry alone",
    (kind) => {
      for (const signal of [alarmOf(), tickOf(), requestOf()])
        expect(fold(stateWith(), event({ kind, signal })).signals).toEqual({})
    },
  )

  it("a signal is remembered longer than it can be fresh, and a person's request for a week", () => {
    const both = fold(fold(stateWith(), openedBy(alarmOf())), openedBy(requestOf()))
    const signalsAfter = (ms: number) => Object.keys(fold(both, confirmed(NOW + ms)).signals).sort()
    expect(signalsAfter(20 * MINUTE - 1)).toEqual(["alarm-1", "request-1"])
    expect(signalsAfter(20 * MINUTE + 1)).toEqual(["request-1"])
    expect(signalsAfter(8 * DAY)).toEqual([])
  })

  it("a signal of Alertmanager is remembered for an hour, because it repeats under the same id", () => {
    const one = fold(stateWith(), openedBy(alarmOf({ source: "alertmanager" })))
    const keptFor = (ms: number) => Object.keys(fold(one, confirmed(NOW + ms)).signals)
    expect(keptFor(65 * MINUTE - 1)).toEqual(["alarm-1"])
    expect(keptFor(65 * MINUTE)).toEqual([])
    const ahead = fold(stateWith(), openedBy(alarmOf({ at: NOW + 30 * SECOND })))
    expect(ahead.signals["alarm-1"]?.keepUntil).toBe(NOW + 30 * SECOND + 20 * MINUTE)
  })

  it("at most twelve signals are remembered, with one time for older signals; requests have a limit of their own", () => {
    const first = fold(stateWith(), openedBy(requestOf()))
    const after = Array.from({ length: 13 }, (_, i) => i).reduce(
      (state, i) =>
        fold(state, openedBy(alarmOf({ id: `a${i}`, at: NOW + i * SECOND }), { at: NOW + i * SECOND })),
      first,
    )
    const kept = Array.from({ length: 12 }, (_, i) => `a${i + 1}`)
    expect(Object.keys(after.signals).sort()).toEqual([...kept, "request-1"].sort())
    expect(after.spentUntil).toBe(NOW)
    expect(fold(after, confirmed(NOW + 20 * MINUTE)).spentUntil).toBeUndefined()
  })
})

describe("episodes", () => {
  const key = alarmOf().episode.key
  const closedAfter = (...states: [AlarmState, number][]) =>
    states.reduce(
      (before, [state, minute], i) =>
        fold(
          before,
          event({ at: NOW + 5 * MINUTE, signal: alarmOf({ id: `a${i}`, state, at: NOW + minute * MINUTE }) }),
        ),
      stateWith(),
    ).episodes

  it.each<[string, [AlarmState, number][], number | null]>([
    ["an OK sets the close", [["ok", 3]], 3],
    [
      "a newer OK moves the close",
      [
        ["ok", 3],
        ["ok", 5],
      ],
      5,
    ],
    [
      "an older OK does not move the close back",
      [
        ["ok", 5],
        ["ok", 3],
      ],
      5,
    ],
    [
      "an ALARM leaves the close unchanged",
      [
        ["ok", 3],
        ["alarm", 5],
      ],
      3,
    ],
    [
      "an older ALARM leaves the close unchanged",
      [
        ["ok", 5],
        ["alarm", 3],
      ],
      5,
    ],
    ["an ALARM alone sets no close", [["alarm", 3]], null],
    ["insufficient data sets no close", [["insufficient-data", 3]], null],
    ["an OK up to a minute ahead sets the close", [["ok", 6]], 6],
    ["an OK more than a minute ahead sets no close", [["ok", 6 + 1 / 60]], null],
  ])("the close time of an alarm's episode: %s", (_, states, minutes) => {
    expect(closedAfter(...states)).toEqual(
      minutes === null ? {} : { [key]: { closedAt: NOW + minutes * MINUTE } },
    )
  })

  it("episodes are forgotten after 20 minutes, and those of version 1 are kept only with their close time", () => {
    const old = { [key]: { openedAt: NOW - HOUR, closedAt: NOW }, open: { openedAt: NOW, closedAt: null } }
    const at = (ms: number) => fold(stateWith({ episodes: old }), confirmed(NOW + ms)).episodes
    expect(at(20 * MINUTE - 1)).toEqual({ [key]: { closedAt: NOW } })
    expect(at(20 * MINUTE)).toEqual({})
  })

  it("beyond 64 episodes, the state keeps one close time for the oldest ones", () => {
    const closes = (count: number) =>
      Array.from({ length: count }, (_, i) => i).reduce((state, i) => {
        const signal = alarmOf({
          state: "ok",
          at: NOW + i * SECOND,
          episode: { key: `card-${i}`, startsAt: null },
        })
        return fold(state, event({ at: NOW + i * SECOND, signal }))
      }, stateWith())
    expect(closes(64)).not.toHaveProperty("episodesClosedAt")
    expect(closes(66).episodesClosedAt).toBe(NOW + SECOND)
    expect(Object.keys(closes(66).episodes)).toHaveLength(64)
    expect(fold(closes(66), confirmed(NOW + HOUR))).not.toHaveProperty("episodesClosedAt")
  })
})

describe("other memory of the chain", () => {
  it("a completed attempt is forgotten, and its new servers become known servers", () => {
    const accepted = settle(withOpen, "accepted")
    const observation = {
      kind: "completed" as const,
      says: "s",
      attempt: attempt.id,
      servers: ["n1"],
      present: ["s1", "s2", "n1"],
      at: NOW - MINUTE,
    }
    expect(fold(accepted, event({ kind: "observed", observation }))).toMatchObject({
      attempt: null,
      completedAt: NOW - MINUTE,
      servers: ["s1", "s2", "n1"],
      newServers: ["n1"],
    })
  })

  it("an out-of-band arrival starts the cooldown of external changes; a departure does not", () => {
    const known = stateWith({ servers: ["s1", "s2"], foreignAt: 1 })
    const observation = { kind: "out-of-band" as const, says: "s", attempt: null, at: NOW - MINUTE }
    expect(
      fold(
        known,
        event({
          kind: "observed",
          observation: { ...observation, servers: ["n1"], present: ["s1", "s2", "n1"] },
        }),
      ),
    ).toMatchObject({ foreignAt: NOW - MINUTE, servers: ["s1", "s2", "n1"] })
    expect(
      fold(
        known,
        event({ kind: "observed", observation: { ...observation, servers: ["s2"], present: ["s1"] } }),
      ),
    ).toMatchObject({ foreignAt: 1, servers: ["s1"] })
  })

  it("the first reading of a supernode records its servers and, for the cooldown, their newest creation time", () => {
    const looked = (supernode: Situation["supernode"], before = stateWith()) => {
      const { state: _, ...situation } = situationOf({ supernode })
      return fold(before, event({ situation }))
    }
    const servers = [serverOf("s1", { createAt: NOW - HOUR }), serverOf("s2", { createAt: NOW - DAY })]
    expect(looked(read(supernodeOf({ servers })))).toMatchObject({
      servers: ["s1", "s2"],
      foreignAt: NOW - HOUR,
    })
    expect(looked(read(supernodeOf({ servers: [] })))).toMatchObject({ servers: [], foreignAt: null })
    expect(looked(read(supernodeOf({ servers: null })))).toMatchObject({ servers: null, foreignAt: null })
    const known = stateWith({ servers: ["s9"], foreignAt: 7 })
    expect(looked(read(supernodeOf({ servers })), known)).toMatchObject({ servers: ["s9"], foreignAt: 7 })
  })

  it("the state keeps the newest decision, with its target", () => {
    const decision = (target: Decision["target"]): Decision => ({
      kind: target ? "scale-up" : "hold",
      heldBy: null,
      findings: [],
      target,
      cleared: [],
    })
    const target = { flavor: "rung-4", from: 2, to: 4, rules: [] }
    expect(fold(stateWith(), event({ decision: decision(target) })).lastDecision).toMatchObject({ to: 4 })
    expect(fold(stateWith(), event({ decision: decision(null) })).lastDecision).toMatchObject({ to: null })
  })

  it("the state forgets what no rule can need any more", () => {
    const purchase = { ...reserved, at: NOW }
    const full = stateWith({
      purchases: [purchase],
      absent: [attemptOf({ openedAt: NOW })],
      blocked: { "rung-4": { until: NOW, times: 1 } },
    })
    const inDays = (days: number, ms = 0) => fold(full, confirmed(NOW + days * DAY + ms, "opened"))
    expect(inDays(7, -1)).toMatchObject({ blocked: full.blocked })
    const { blocked, absent } = inDays(7)
    expect({ blocked, absent }).toEqual({ blocked: {}, absent: full.absent })
    expect(inDays(30, -1)).toMatchObject({ absent: full.absent })
    expect(inDays(30)).toMatchObject({ absent: [], purchases: [purchase] })
    expect(inDays(400, -1)).toMatchObject({ purchases: [purchase] })
    expect(inDays(400)).toMatchObject({ purchases: [] })
  })

  it("an observed effect belongs only to the purchase that it names", () => {
    const state = stateWith({ effects: [effectOf({ attempt: "a" }), effectOf({ attempt: "b" })] })
    const observation: Observation = {
      kind: "effect",
      says: "s",
      attempt: "b",
      servers: [],
      present: null,
      at: NOW,
      effect: { after: 3, gain: 2 },
    }
    expect(fold(state, event({ kind: "observed", observation })).effects).toMatchObject([
      { attempt: "a", after: null },
      { attempt: "b", after: 3, gain: 2 },
    ])
    expect(fold(stateWith(), event({ kind: "observed", observation })).effects).toBeUndefined()
  })

  it("the state records since when the current policy has been in use", () => {
    const first = fold(stateWith(), event({ policyHash: "a", confirmedAt: NOW }))
    expect(fold(first, event({ policyHash: "a", at: NOW + DAY })).policySeen).toEqual({
      hash: "a",
      since: NOW,
    })
    const [at, confirmedAt] = [NOW + DAY, NOW + DAY]
    expect(fold(first, event({ policyHash: "b", at, confirmedAt })).policySeen).toEqual({
      hash: "b",
      since: NOW + DAY,
    })
    expect(fold(first, event({ at: NOW + DAY })).policySeen).toEqual({ hash: "a", since: NOW })
  })
})

describe("the schedule start of a purchase", () => {
  const schedules = [{ schedule: "day", occurrence: "2024-01-12T08:00" }]
  const mine = { ...attempt, schedules }
  const key = "day 2024-01-12T08:00"
  const handled = { [key]: { at: attempt.openedAt, attempt: attempt.id } }
  const other = { "day 2024-01-11T08:00": { at: NOW - DAY, attempt: "attempt-0" } }
  const open = stateWith({ ...withOpen, attempt: mine, acted: { ...handled, ...other } })
  const command = { verb: "settle" as const, attempt: attempt.id, why: "looked", by: "ops", servers: [] }
  const absent = () => fold(open, event({ kind: "said", said: { ...command, as: "absent" } }))

  it.each<[string, () => SupernodeState, boolean]>([
    ["counts as used if its purchase was accepted", () => settle(open, "accepted"), true],
    ["counts as used if the outcome is unknown", () => settle(open, "unknown"), true],
    ["may lead to a purchase again if the order was not sent", () => settle(open, "not-sent"), false],
    ["may lead to a purchase again if the order was refused", () => refuse(open, "capacity"), false],
    ["may lead to a purchase again if the attempt was settled as absent", absent, false],
    [
      "counts as used if an attempt settled as absent was accepted after all",
      () => settle(absent(), "accepted"),
      true,
    ],
  ])("a schedule start %s", (_, next, hasActed) => {
    expect(next().acted).toEqual(hasActed ? { ...handled, ...other } : other)
  })

  it("an invalid order also switches off its schedule by name", () => {
    expect(
      fold(
        open,
        event({
          kind: "settled",
          attempt: record,
          policyHash: "sha256:p",
          outcome: {
            kind: "rejected",
            class: "invalid",
            code: "ModelArts.1",
            message: "no",
            retryAfterMs: null,
            ...ANSWERED,
          },
        }),
      ).rulesOff,
    ).toEqual({ "npu-busy": "sha256:p", "schedule:day": "sha256:p" })
  })

  it("a used schedule start is remembered longer than any schedule lasts, and then forgotten", () => {
    const later = (ms: number) =>
      Object.keys(fold(open, confirmed(attempt.openedAt + ms, "opened")).acted ?? {})
    expect(later(366 * DAY)).toContain(key)
    expect(later(400 * DAY)).not.toContain(key)
  })

  it("a chain from earlier releases has no record of schedule starts", () => {
    expect(settle(withOpen, "not-sent")).not.toHaveProperty("acted")
    expect(settle(withOpen, "accepted")).not.toHaveProperty("acted")
  })
})
