import fc from "fast-check"
import { afterEach, describe, expect, it } from "vitest"
import { decide } from "../../lib/decision/decide.ts"
import { activeFloors, nextStart } from "../../lib/decision/schedule/schedule.ts"
import type { Outcome } from "../../lib/decision/state/outcome.ts"
import { digest } from "../../lib/digest.ts"
import {
  NOW,
  offersOf,
  policyOf,
  read,
  readingOf,
  ruleInput,
  scheduleInput,
  serverOf,
  serversOf,
  situationOf,
  stateWith,
  supernodeOf,
  tickOf,
} from "../decision/builders.ts"
import { rejected, unknown, World } from "../run/world.ts"
import { everyTransition } from "./oracle.ts"
import { DAY, HOUR, MINUTE, matcher, minutesShown, textOf, transitionsOf } from "./reference.ts"

// More cases on demand:
// SCHEDULE_CASES=100000 npx vitest run test/schedules test/policy-file/cron.test.ts --testTimeout 36000000

const many = process.env["SCHEDULE_CASES"]
const cases = (few: number) => ({ numRuns: Number(many ?? few) })

const ODD_ZONES = [
  "Europe/Berlin",
  "America/New_York",
  "America/Santiago",
  "America/Godthab",
  "Africa/Cairo",
  "Africa/Casablanca",
  "Asia/Beirut",
  "Australia/Lord_Howe",
  "Antarctica/Troll",
  "Pacific/Chatham",
]
const SPAN = { from: Date.UTC(2024, 0, 1), to: Date.UTC(2038, 0, 1), stepMs: 20 * DAY }
const distinct = many ? everyTransition().distinct : ODD_ZONES.flatMap((zone) => transitionsOf(zone, SPAN))

/** A time near a change of clocks, or any time. */
const moment = fc.oneof(
  fc
    .tuple(fc.constantFrom(...distinct), fc.integer({ min: -4 * 60 * 60, max: 8 * 60 * 60 }))
    .map(([{ zone, at }, seconds]) => ({ zone, now: at + seconds * 1_000 })),
  fc.record({
    zone: fc.constantFrom(...Intl.supportedValuesOf("timeZone")),
    now: fc.integer({ min: Date.UTC(2024, 0, 1), max: Date.UTC(2038, 0, 1) }),
  }),
)
const minute = fc.constantFrom("*", "*/15", "0", "30", "59", "7,8", "50-59/3")
const hour = fc.constantFrom("*", "*", "*/2", "0", "1-3", "2", "23", "22,0")
const days = fc.constantFrom("* * *", "* * 1-5", "* * 0,6", "1,29-31 * *", "1 * 0", "*/2 * *", "* 3,10 sun")
const cron = fc.tuple(minute, hour, days).map((fields) => fields.join(" "))

describe("active schedules and next starts", () => {
  it("active schedules and next starts match a minute-by-minute search, in any zone and for any schedule", () => {
    fc.assert(
      fc.property(
        moment,
        cron,
        fc.integer({ min: 1, max: many ? 30 * 60 : 600 }),
        ({ zone, now }, text, forMinutes) => {
          const schedules = policyOf({
            schedules: [scheduleInput({ cron: text, for: `${forMinutes}m` })],
          }).schedules
          const forMs = forMinutes * MINUTE
          const whole = Math.floor(now / MINUTE) * MINUTE
          const shown = minutesShown(zone, { from: whole - forMs, to: whole + 6 * HOUR, leadMs: 3 * HOUR })
          const starts = shown.filter(({ wall }) => matcher(text)(wall))
          const last = starts.findLast(({ at }) => at <= now)
          const expected = last && last.at > now - forMs ? [textOf(last.wall), last.at] : null
          const [floor] = activeFloors(schedules, zone, now)
          expect(floor ? [floor.occurrence, floor.since] : null).toEqual(expected)

          const first = starts.find(({ at }) => at > now)
          const next = schedules[0] && nextStart(schedules[0], zone, now)
          if (first) expect([next?.occurrence, next?.at]).toEqual([textOf(first.wall), first.at])
          else expect(next?.at ?? Infinity).toBeGreaterThanOrEqual(whole + 6 * HOUR)
        },
      ),
      cases(100),
    )
  })

  describe("the time zone of the process", () => {
    const own = process.env["TZ"]
    afterEach(() => {
      process.env["TZ"] = own
    })

    it("active schedules do not depend on the time zone of the process", () => {
      const schedules = policyOf({
        schedules: [scheduleInput({ cron: "*/30 1-3 * * *", for: "3h" })],
      }).schedules
      const sample = distinct.filter((_, i) => i % 40 === 0)
      const look = () => sample.map(({ zone, at }) => activeFloors(schedules, zone, at + HOUR))
      const inZone = (zone: string) => {
        process.env["TZ"] = zone
        return { midnight: new Date(2026, 5, 1).getTime(), seen: look() }
      }
      const looks = ["UTC", "Pacific/Kiritimati", "America/St_Johns", "Australia/Lord_Howe"].map(inZone)
      // The test proves nothing unless the zone of the process really changed.
      expect(new Set(looks.map(({ midnight }) => midnight)).size).toBe(looks.length)
      for (const { seen } of looks) expect(seen).toEqual(looks[0]?.seen)
    })
  })
})

describe("occurrences of schedules", () => {
  const outcome = fc.constantFrom<Outcome | null>(
    null,
    null,
    rejected("capacity"),
    rejected("throttle", 1_000),
    unknown,
    { kind: "not-sent", reason: "refused", says: "connection refused" },
  )
  const step = fc.record({
    waitMinutes: fc.constantFrom(1, 5, 20, 60, 240, 720),
    event: fc.constantFrom("tick", "tick", "tick", "deliver", "remove", "settle-absent", "settle-completed"),
    outcome,
  })

  it("no occurrence of a schedule leads to two purchases, whatever the cloud and operators do", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const world = await World.open()
        world.load = 10
        const policy = policyOf(
          {
            schedules: [
              scheduleInput({ cron: "0 */6 * * *", for: "5h", cooldown: "bypass" }),
              scheduleInput({ name: "early", cron: "30 4 * * *", for: "20h", at_least: 3 }),
            ],
            limits: { actions: "99 per 24h", servers: 48 },
          },
          { timezone: "Asia/Kathmandu" },
        )
        let made = 2
        for (const { waitMinutes, event, outcome: next } of steps) {
          world.now += waitMinutes * MINUTE
          const attempt = await attemptIn(world)
          if (event === "deliver") {
            made = 4
            world.deliver(made)
          } else if (event === "remove") removeByHand(world, made)
          else if (event === "settle-absent" || event === "settle-completed") {
            if (attempt) await settle(world, attempt, event === "settle-absent" ? "absent" : "completed")
          } else {
            world.outcomes = next ? [next] : []
            await world.run(tickOf({ id: world.newId(), at: world.now }), { policy })
          }
        }
        await expectOnce(world)
      }),
      { numRuns: Math.min(2_000, cases(12).numRuns) },
    )
  })

  async function attemptIn(world: World): Promise<string | null> {
    const entries = await world.entries()
    const standing = entries.at(-1)?.standing as { attempt: { id: string } | null } | undefined
    return standing?.attempt?.id ?? null
  }

  function removeByHand(world: World, made: number): void {
    const servers = Array.from({ length: made }, (_, i) =>
      serverOf(`s${i + 1}`, i < 2 ? {} : { status: "DELETED" }),
    )
    world.supernode = { ok: true, value: supernodeOf({ servers }), skewMs: 0 }
  }

  async function settle(world: World, attempt: string, as: "absent" | "completed"): Promise<void> {
    const servers = world.supernode.ok ? (world.supernode.value.servers ?? []).map(({ id }) => id) : []
    await world.say({ verb: "settle", as, attempt, servers, why: "looked", by: "ops" })
  }

  /** Each occurrence has at most one attempt at a time, and none after one that was not released. */
  async function expectOnce(world: World): Promise<void> {
    const acting = new Map<string, string>()
    for (const { kind, attempt, decision, outcome: ended, said } of await world.entries()) {
      if (kind === "opened")
        for (const { schedule, occurrence } of decision?.target?.schedules ?? []) {
          const key = `${schedule} ${occurrence}`
          expect(acting.get(key), `${key} acts for ${attempt?.id}`).toBeUndefined()
          acting.set(key, attempt?.id ?? "")
        }
      const isNothing =
        (kind === "settled" && (ended?.kind === "rejected" || ended?.kind === "not-sent") && attempt?.id) ||
        (said?.verb === "settle" && said.as === "absent" && said.attempt)
      if (isNothing) for (const [key, id] of acting) if (id === isNothing) acting.delete(key)
    }
  }
})

describe("a higher metric beside floors", () => {
  const LADDER = [1, 2, 4, 8].map((servers) => ({ flavor: `rung-${servers}`, servers }))
  const floor = fc.record({
    at_least: fc.integer({ min: 1, max: 8 }),
    cooldown: fc.constantFrom("bypass", "respect"),
  })

  it("a higher metric never lowers the rung if schedules set floors, during a cooldown or not", () => {
    fc.assert(
      fc.property(
        fc.array(floor, { maxLength: 3 }),
        fc.constantFrom(1, 2, 4),
        fc.boolean(),
        fc.tuple(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 100 })),
        (schedules, servers, isCooling, loads) => {
          const { above: _above, ...rule } = ruleInput({
            steps: [
              { from: 50, to: 80, up: 1 },
              { from: 80, up: 2 },
            ],
          })
          const policy = policyOf({
            ladder: LADDER,
            rules: [rule],
            schedules: schedules.map((one, i) =>
              scheduleInput({
                name: `floor-${i}`,
                at_least: one.at_least,
                cooldown: one.cooldown as "bypass",
              }),
            ),
          })
          const ids = serversOf(servers).map(({ id }) => id)
          const bought = (load: number) =>
            decide(
              situationOf({
                policy,
                signal: tickOf(),
                supernode: read(supernodeOf({ servers: serversOf(servers) })),
                readings: read([readingOf(Array(5).fill(load), { servers: ids })]),
                offers: read(offersOf(...LADDER.map(({ flavor }) => flavor))),
                state: stateWith({ servers: ids, foreignAt: isCooling ? NOW - MINUTE : NOW - DAY }),
              }),
              digest,
            )
          const rungOf = ({ kind, target }: ReturnType<typeof bought>) =>
            kind === "scale-up" ? (target?.to ?? 0) : 0
          const [low, high] = loads.toSorted((a, b) => a - b) as [number, number]
          expect(rungOf(bought(high))).toBeGreaterThanOrEqual(rungOf(bought(low)))
        },
      ),
      cases(100),
    )
  })
})
