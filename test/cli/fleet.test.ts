import { describe, expect, it } from "vitest"
import { type CloudFixture, cliFixture, cloudFixture, ID, MINUTE, STREAM, TWO_SUPERNODES } from "./harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const capped = (fleet: string): string => TWO_SUPERNODES.replace("version: 1", `version: 1\nfleet: ${fleet}`)
const ONE = capped("{ actions: 1 per 24h, budget: { amount: 200000, currency: CNY, per: 30d } }")

/** A ledger in which train-a has bought under caps across both supernodes. */
async function usedDesk(): Promise<CloudFixture> {
  const own = await cloudFixture({}, ONE)
  await own.run("run", "--event", ALARM)
  return own
}

/** The rows of the block about all supernodes together. */
function fleetOf(out: string): Record<string, string> {
  const block = out.slice(out.indexOf("\nfleet ")).split("\n").slice(2)
  return Object.fromEntries(
    block.flatMap((line) =>
      [...line.matchAll(/^ {2}(\S.*?) {2,}(.*)$/g)].map(([, key, text]) => [key, text]),
    ),
  )
}

describe("status under caps across supernodes", () => {
  it("status under fleet caps prints what is left of each cap, and that no supernode's next tick could buy", async () => {
    const own = await usedDesk()
    const { out } = await own.run("status")
    expect(fleetOf(out)).toEqual({
      purchases: "1 of 1 in 1d, 0 left",
      budget: "120000 CNY of 200000 CNY in 30d, 80000 CNY left",
    })
    const other = await own.run("status", "train-b", "--no-cloud")
    expect(other.out).toMatch(
      /^ {2}now +a tick would hold \(action-rate\): 0 of 2 purchases in 1d; across all supernodes 1 of 1 purchases in 1d are used up$/m,
    )
    expect(fleetOf(other.out)).toMatchObject({ purchases: "1 of 1 in 1d, 0 left" })
  })

  it("status under fleet caps shows unused reservations until they lapse", async () => {
    const own = await usedDesk()
    own.cutChain("fleet", 1)
    own.cutChain(STREAM, 0)
    own.advance(MINUTE)
    expect(fleetOf((await own.run("status")).out)).toMatchObject({
      purchases: "1 of 1 in 1d, 0 left",
      reserved: `${STREAM}, lapses 2024-01-12 16:53:30 +00:00, in 30 seconds`,
    })
    own.advance(MINUTE)
    const later = fleetOf((await own.run("status")).out)
    expect(later).toEqual({
      purchases: "0 of 1 in 1d, 1 left",
      budget: "0 CNY of 200000 CNY in 30d, 200000 CNY left",
    })
  })

  it("status under fleet caps names supernodes that left the policy file and still count", async () => {
    const own = await usedDesk()
    const onlyB = ONE.replace(/ {2}- name: train-a[\s\S]*?(?= {2}- name: train-b)/, "")
    const { out } = await own.run("status", "--policy", own.file("b.yaml", onlyB))
    expect(fleetOf(out)).toMatchObject({
      purchases: "1 of 1 in 1d, 0 left",
      "counted too": `1 supernode no longer in the policy: ${STREAM}`,
    })
  })

  it("status --json includes fleet caps, or null if the policy has no fleet caps", async () => {
    const { json } = await (await usedDesk()).run("status", "--json")
    expect(json()).toMatchObject({
      fleet: {
        purchases: { used: 1, allowed: 1, left: 0 },
        budget: { left: { amount: 80_000 } },
        pending: [],
        gone: [],
      },
    })
    expect((await cliFixture().run("status", "--json")).json()).toMatchObject({ fleet: null })
  })
})

describe("a dry run under caps across supernodes", () => {
  it("dry-run under fleet caps shows the supernode's and the fleet's purchase counts, and writes nothing", async () => {
    const own = await usedDesk()
    const { out } = await own.run("dry-run", "train-a", "--servers", "4")
    expect(out).toMatch(
      /✗ +action-rate +1 of 2 purchases in 1d; across all supernodes 1 of 1 purchases in 1d are used up/,
    )
    const { json } = await own.run("audit", "list", "fleet", "--json")
    expect((json() as { entries: unknown[] }).entries).toHaveLength(2)
  })
})

describe("audit of stream fleet", () => {
  it("audit list, show and verify handle the stream fleet like any other stream", async () => {
    const own = await usedDesk()
    const { out } = await own.run("audit", "list", "fleet")
    const rows = out
      .trimEnd()
      .split("\n")
      .slice(1)
      .map((row) => row.replace(/ {2,}/g, " | ").replace(/attempt [^ ,]+/, "attempt …"))
    expect(rows).toEqual([
      `2024-01-12 16:52:00 +00:00 | fleet | 1 | opened | reservation for attempt …, 120000 CNY (${STREAM} #1)`,
      `2024-01-12 16:52:00 +00:00 | fleet | 2 | settled | reservation of attempt … released: accepted (${STREAM})`,
    ])
    expect((await own.run("audit", "show", "fleet", "1")).out).toContain(
      "fleet #1 opened: reservation for attempt",
    )
    expect((await own.run("audit", "verify")).out).toMatch(/✓ fleet: 2 entries, newest sha256:/)
    expect((await own.run("audit", "list", ID)).out).toContain("opened")
  })
})
