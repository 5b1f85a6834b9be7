import { describe, expect, it } from "vitest"
import { type Control, foldControl, NO_CONTROL } from "../../../lib/decision/state/control.ts"
import type { Outcome } from "../../../lib/decision/state/outcome.ts"
import type { SupernodeState } from "../../../lib/decision/state/state.ts"
import { fold } from "../../../lib/decision/transitions/fold.ts"
import type { ChainEvent } from "../../../lib/decision/transitions/ledger-event.ts"
import { canonicalText } from "../../../lib/digest.ts"
import { commandAll } from "../../../lib/ledger/commands.ts"
import { openLedger } from "../../../lib/ledger/open.ts"
import { MAX_STANDING_BYTES } from "../../../lib/run/preconditions.ts"
import { initialised } from "../../ledger/initialised.ts"
import { clockAt } from "../../world/clock.ts"
import { alarmOf, NOW, requestOf, SECOND, stateWith } from "../builders.ts"

// Every field of the state at its maximum size. Fields without a bound of their own grow only by attempts,
// and above 96 KB no attempt is opened (standing-full).

const KB = 1024
const uuid = (i: number) => `b4beacb6-4380-448c-a218-${String(i).padStart(12, "0")}`
const hash = (i: number) => `sha256:${String(i).padStart(64, "0")}`
const name = (i: number) => `rule-${i}`.padEnd(64, "x")
const times = <T>(count: number, make: (i: number) => T): T[] =>
  Array.from({ length: count }, (_, i) => make(i))
const bytesOf = (value: unknown) => Buffer.byteLength(canonicalText(value))
/** Foreign text of 200 characters with the most bytes per character. */
const WIDE = "漢".repeat(190)

/** Size of one field with its name. */
const weightOf = (state: SupernodeState, field: keyof SupernodeState) =>
  state[field] === undefined ? 0 : bytesOf({ [field]: state[field] }) - 1

function folded(events: Partial<ChainEvent>[], from: Partial<SupernodeState> = {}): SupernodeState {
  return events.reduce<SupernodeState>(
    (state, over, i) => fold(state, { kind: "decided", seq: i + 1, at: NOW + i, run: uuid(i), ...over }),
    stateWith(from),
  )
}

/** Rules at their maximum size, as gates, metrics and cloud can make them; the policy has 32 rules. */
function opened(i: number): Partial<ChainEvent> {
  const at = NOW + i
  const id = uuid(i)
  const signal = i % 2 === 0 ? alarmOf({ id: `${i}${WIDE}`, at }) : requestOf({ id: `${i}${WIDE}`, at })
  const rules = times(32, name)
  return {
    kind: "opened",
    at,
    signal,
    attempt: { id, openedAt: at, sendBefore: at, deadline: at, latching: rules },
    plan: {
      hash: hash(i),
      flavor: "f".repeat(128),
      from: 47,
      to: 48,
      cost: { amount: 9_999_999_999.99, currency: "CNY" },
      request: { method: "POST", url: "", body: { flavor: "f", image_id: "i" } },
    },
    decision: {
      kind: "scale-up",
      heldBy: null,
      findings: [],
      cleared: [],
      target: {
        flavor: "f",
        from: 47,
        to: 48,
        rules,
        cause: { rule: name(0), metric: hash(0), before: 97.123 },
      },
    } as unknown as NonNullable<ChainEvent["decision"]>,
  }
}

const SERVERS = times(48, uuid)
const note = (over: object): Partial<ChainEvent> => ({
  kind: "observed",
  observation: { says: "", attempt: null, servers: [], present: null, at: NOW, ...over } as never,
})

/** All state that alarms, ticks and new policy files leave, at its maximum size. */
const TRAFFIC = {
  signals: 4_400,
  spentUntil: 40,
  episodes: 5_400,
  episodesClosedAt: 40,
  lastDecision: 200,
  told: 4_000,
  blind: 2_800,
  policySeen: 160,
  policies: 720,
  policyChanges: 320,
} satisfies Partial<Record<keyof SupernodeState, number>>

/** State that a supernode of 48 servers with an attempt adds. */
const SUPERNODE = {
  attempt: 8_000,
  openedAt: 40,
  newestAttempt: 80,
  completedAt: 40,
  foreignAt: 40,
  servers: 2_000,
  newServers: 2_000,
  throttle: 60,
  breaker: 1_200,
} satisfies Partial<Record<keyof SupernodeState, number>>

/** State that grows by attempts only: the caps and standing-full bound their number. */
const PER_ATTEMPT = ["purchases", "effects", "absent", "latches", "acted", "blocked", "rulesOff"]
const ATTEMPT_FIELDS = Object.fromEntries(PER_ATTEMPT.map((field) => [field, Infinity]))

/** An attempt that was accepted and is complete: 48 servers, all but one of them new. */
function purchase(i: number): Partial<ChainEvent>[] {
  const outcome: Outcome = {
    kind: "accepted",
    status: 200,
    orderId: "CS".padEnd(64, "0"),
    servers: [],
    requestId: null,
    raw: null,
  }
  return [
    opened(i),
    { ...opened(i), kind: "settled", outcome },
    note({ kind: "completed", attempt: uuid(i), servers: SERVERS.slice(1), present: SERVERS }),
  ]
}

/** Hundreds of everything, through the fold. */
function busiest(): SupernodeState {
  const oks = times(300, (i) => ({
    signal: alarmOf({
      state: "ok",
      at: NOW + i,
      episode: { key: `cloud-eye|al1704475580412b2a4lnr3W|AGT.ECS|npu_util|${uuid(i)}`, startsAt: null },
    }),
  }))
  const hashes = times(60, (i) => ({
    policyHash: hash(i < 40 ? i : i % 2),
    policy: {} as never,
    at: NOW + i * 60 * SECOND,
  }))
  const notified = times(60, (i) =>
    note({
      kind: i % 2 === 0 ? "told" : "not-told",
      telling: {
        about: `purchase ${uuid(i)}`,
        entry: { seq: 100_000 + i, hash: hash(i) },
        ...(i % 2 === 0 ? {} : { failed: { tries: 9, to: ["2 (feishu)", "3 (dingtalk)", "4 (sns)"] } }),
      },
    }),
  )
  const source = { since: NOW, tickAt: NOW, ticks: 3, why: "漢".repeat(200) }
  const blind = note({
    kind: "blind",
    blind: { supernode: source, "cloud-eye": source, prometheus: source, cloudwatch: source },
  })
  const attempts = times(60, purchase).flat()
  return folded([...hashes, ...oks, ...notified, blind, ...attempts, opened(99)], { policies: {} })
}

describe("the state at its maximum size", () => {
  const all = busiest()
  const before = all.attempt && { ...all.attempt, before: SERVERS.slice(1) }
  const state: SupernodeState = { ...all, attempt: before, foreignAt: NOW }

  it.each(Object.entries({ ...TRAFFIC, ...SUPERNODE }))(
    "field %s of the state never exceeds %i bytes",
    (field, most) => {
      expect(weightOf(state, field as keyof SupernodeState)).toBeLessThanOrEqual(most)
    },
  )

  it("alarms, ticks and new policy files take at most 16 KB of the state in total", () => {
    const weights = Object.keys(TRAFFIC).map((field) => weightOf(state, field as keyof SupernodeState))
    expect(weights.every((weight) => weight > 0)).toBe(true)
    expect(weights.reduce((sum, weight) => sum + weight)).toBeLessThanOrEqual(16 * KB)
  })

  it("a full state with sixty purchases needs less than half of the size at which runs hold as standing-full", () => {
    expect(bytesOf(state)).toBeLessThan(MAX_STANDING_BYTES / 2)
  })

  it("every field of the state has a bound, or a size per attempt", () => {
    const known = Object.keys({ ...TRAFFIC, ...SUPERNODE, ...ATTEMPT_FIELDS })
    expect(Object.keys(state).filter((field) => !known.includes(field))).toEqual([])
  })

  it("one more purchase adds less than 200 bytes to a full state", () => {
    const more = folded(purchase(200), state)
    expect(bytesOf(more) - bytesOf(folded([], state))).toBeLessThan(200)
  })
})

describe("stream control", () => {
  it("stream control refuses more `hold` commands before it is full, so that a pause of everything always fits", async () => {
    const ledger = await initialised(await openLedger("memory:"), NOW)
    const ports = {
      ledger,
      clock: clockAt(NOW),
      newId: () => uuid(0),
    }
    const words = { why: "漢".repeat(2_000), by: "漢".repeat(2_000) }
    const hold = (i: number) =>
      commandAll(ports, { verb: "hold", supernode: uuid(i), until: NOW + SECOND, ...words })
    const refused: unknown[] = []
    for (let i = 0; i < 1_000 && refused.length === 0; i++)
      await hold(i).catch((error: unknown) => refused.push(error))
    expect(refused).toEqual([
      expect.objectContaining({ message: expect.stringContaining("pause --why TEXT --by WHO") }),
    ])
    const { standing } = await commandAll(ports, { verb: "pause", supernode: null, until: null, ...words })
    expect(standing).toMatchObject({ pausedAll: { why: expect.stringMatching(/^漢{199}…$/) } })
    await commandAll(ports, { verb: "resume", supernode: null, ...words })
  })

  it("stream control keeps 100 approvals or 32 KB of signatures, and drops the oldest first", () => {
    const approvalsOf = (value: string) => {
      const signature = { key: `ssh-rsa ${"A".repeat(1_400)}`, hash: "sha512", value }
      const said = (i: number) => ({
        verb: "approve" as const,
        planHash: hash(i),
        by: WIDE,
        expires: NOW,
        signature,
      })
      return times(150, said).reduce<Control>((state, one, i) => foldControl(state, one, NOW + i), NO_CONTROL)
    }
    // RSA with 8192, RSA with 4096 bits, ed25519.
    for (const [chars, kept] of [
      [1_384, 23],
      [700, 46],
      [112, 100],
    ] as const) {
      const { approvals } = approvalsOf("A".repeat(chars))
      expect([approvals.length, approvals.at(-1)?.planHash]).toEqual([kept, hash(149)])
      expect(bytesOf(approvals)).toBeLessThan(96 * KB)
    }
  })
})
