import { describe, expect, it } from "vitest"
import { cliFixture, cloudFixture, MINUTE, POLICY } from "./harness.ts"

// The clock shows Friday, 12 January 2024, 16:52 UTC. In Shanghai it is Saturday, 0:52.

const MORNINGS = '{ name: weekday-mornings, cron: "0 8 * * 1-5", for: 10h, at_least: 2 }'
const NIGHTS = '{ name: nights, cron: "30 22 * * *", for: 9h, at_least: 4, cooldown: bypass }'
const WITH = `${POLICY.replace("version: 1", "version: 1\ntimezone: Asia/Shanghai")}    schedules: [ ${MORNINGS}, ${NIGHTS} ]\n`

const MORNINGS_SAID =
  'weekday-mornings: at least 2 servers for 10h from "0 8 * * 1-5"; not active; next: Mon 2024-01-15 08:00 +08:00 Asia/Shanghai (2024-01-15T00:00:00Z)'
const nightsSaid = (acted = "") =>
  `nights: at least 4 servers for 9h from "30 22 * * *", bypasses the cooldown; active until Sat 2024-01-13 07:30 +08:00 Asia/Shanghai (2024-01-12T23:30:00Z)${acted}; next: Sat 2024-01-13 22:30 +08:00 Asia/Shanghai (2024-01-13T14:30:00Z)`

describe("schedules and their next starts", () => {
  it("validate shows schedules and their next starts", async () => {
    const { out, code } = await cliFixture(WITH).run("validate")
    expect(out).toContain(`  schedules  ${MORNINGS_SAID}`)
    expect(out).toContain(nightsSaid())
    expect(code).toBe(0)
  })

  it("status shows schedules and their next starts, and whether a start led to a purchase", async () => {
    const own = await cloudFixture({}, WITH)
    own.sandbox.setLoad(10)
    expect((await own.run("status")).out).toContain(nightsSaid())
    await own.run(
      "run",
      "--event",
      own.file("tick.json", { kind: "tick", name: "t", time: "2024-01-12T16:52:00Z" }),
    )
    expect(own.sandbox.scaleUps).toHaveLength(1)
    own.advance(MINUTE)
    expect((await own.run("status")).out).toContain(nightsSaid(", already bought"))
    expect((await own.run("status", "--json")).json()).toMatchObject({
      supernodes: [
        {
          schedules: [
            {
              name: "weekday-mornings",
              cron: "0 8 * * 1-5",
              timezone: "Asia/Shanghai",
              active: null,
              next: { occurrence: "2024-01-15T08:00", at: Date.parse("2024-01-15T00:00:00Z") },
            },
            {
              name: "nights",
              bypassesCooldown: true,
              active: { occurrence: "2024-01-12T22:30", acted: { at: Date.parse("2024-01-12T16:52:00Z") } },
            },
          ],
        },
      ],
    })
  })

  it("dry-run shows schedules and their next starts, and which schedule wants the purchase", async () => {
    const own = await cloudFixture({}, WITH)
    own.sandbox.setLoad(10)
    const { out } = await own.run("dry-run", "train-a")
    expect(out).toMatch(/^train-a: would buy from 2 to 4 servers/)
    expect(out).toContain(
      "schedule nights requires at least 4 servers since Fri 2024-01-12 22:30 +08:00 Asia/Shanghai (2024-01-12T14:30:00Z)",
    )
    expect(out).toContain(MORNINGS_SAID)
  })

  it("validate, status and dry-run do not mention schedules if the policy has none", async () => {
    const own = await cloudFixture()
    for (const command of [["validate"], ["status"], ["dry-run", "train-a"]])
      expect((await own.run(...command)).out).not.toContain("schedule")
  })
})
