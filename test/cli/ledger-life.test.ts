import { existsSync, readdirSync, rmSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { controlOf } from "../../lib/ledger/next-entry.ts"
import { LEDGER_ID } from "../ledger/initialised.ts"
import { httpForTest } from "../world/loopback-for-test.ts"
import {
  type CliFixture,
  type CloudFixture,
  cliFixture,
  cloudFixture,
  MINUTE,
  POLICY,
  START,
} from "./harness.ts"

const BY = ["--by", "ann", "--why", "first ledger"]
const OTHER_ID = LEDGER_ID.replace(/1$/, "2")

let ticks = 0
function tick(own: CloudFixture, ...argv: string[]) {
  const time = new Date(START + ++ticks).toISOString()
  return own.run("run", "--event", own.file("tick.json", { kind: "tick", time }), ...argv)
}

describe("a missing ledger", () => {
  it.each([
    ["pause", ["pause", ...BY]],
    ["resume", ["resume", ...BY]],
    ["hold", ["hold", "train-a", "--until", "1h", ...BY]],
    ["approve", ["approve", `sha256:${"a".repeat(64)}`, "--by", "ann"]],
    ["reset", ["reset", "train-a", "--why", "x", "--by", "ann"]],
    ["audit list", ["audit", "list"]],
    ["audit export", ["audit", "export"]],
    ["ledger show", ["ledger", "show"]],
    ["ledger restored", ["ledger", "restored", ...BY]],
  ])("%s exits 1 at a mistyped ledger location, which it names and does not create", async (_, argv) => {
    const own = cliFixture()
    const place = `sqlite:${join(own.dir, "ledgre.db")}`
    // SQLite removes its own two files when the last connection closes, which may be at any time here.
    const files = () => readdirSync(own.dir).filter((name) => !name.startsWith("ledger.db-"))
    const before = await own.ledger(async () => files())
    const { code, out, err } = await own.run(...argv, "--ledger", place)
    expect([code, out]).toEqual([1, ""])
    expect(err).toContain(`there is no ledger at ${place}`)
    expect(err).toContain("supernode-autoscaler ledger init")
    expect(files()).toEqual(before)
  })

  it("live and observe runs without a ledger hold, write nothing and exit 1, and doctor fails", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    for (const mode of ["live", "observe"]) {
      own.env["SUPERNODE_MODE"] = mode
      const { code, out, err } = await tick(own)
      expect(out).toMatch(/\(ledger-new\): the ledger is missing or was not created/)
      expect(err).toContain(`no run can use sqlite:${own.ledgerPath}`)
      expect(code).toBe(1)
    }
    const { code, out } = await own.run("doctor")
    expect(out).toMatch(/^PROBLEM {2}ledger: there is no ledger at sqlite:/m)
    expect(code).toBe(1)
    expect(existsSync(own.ledgerPath)).toBe(false)
  })

  it("a dry run without a ledger decides as on an empty ledger, notes this, and prints no line that buys", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    const { code, out, err } = await own.run("dry-run", "train-a")
    expect(err).toMatch(/^note: there is no ledger at .*\n.*such a plan cannot be bought/)
    expect(out).toMatch(/^train-a: would buy from 2 to 4/)
    expect(out).not.toContain("to buy exactly this")
    expect(code).toBe(0)
  })

  it("a ledger that was deleted after an unknown outcome never leads to a second order", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", { reset: "before-effect" })
    await tick(own)
    expect(own.sandbox.scaleUps).toHaveLength(1)
    for (const suffix of ["", "-wal", "-shm"]) rmSync(`${own.ledgerPath}${suffix}`, { force: true })
    for (let i = 0; i < 3; i++) expect((await tick(own)).out).toContain("(ledger-new)")

    await own.run("ledger", "init", ...BY)
    own.advance(44 * MINUTE)
    const held = await own.run("run", "--event", own.file("t.json", { kind: "tick", time: at(44) }))
    expect(held.out).toMatch(/ledger-new/)
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })
})

const at = (minutes: number) => new Date(START + minutes * MINUTE).toISOString()

describe("ledger init", () => {
  it("ledger init makes a ledger whose live runs hold for 45 minutes and then buy", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    const { code, out } = await own.run("ledger", "init", ...BY)
    expect(out).toMatch(new RegExp(`^ledger: sqlite:${own.ledgerPath} \\([0-9a-f-]{36}\\)\\nmade; `))
    expect(code).toBe(0)
    const first = await tick(own)
    expect(first.out).toMatch(/held \(ledger-new\)/)
    expect(first.out).toContain(
      "wait until 2024-01-12 17:37:00 +00:00, when the 45 minutes of a new ledger end",
    )
    expect(first.code).toBe(0)
    expect((await own.run("status")).out).toMatch(/ledger +ledger-new: the ledger was empty at/)
    own.advance(45 * MINUTE)
    await own.run("run", "--event", own.file("t.json", { kind: "tick", time: at(45) }))
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("ledger init --nothing-in-flight makes a ledger whose live runs buy at once", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    await own.run("ledger", "init", ...BY, "--nothing-in-flight")
    const { out } = await tick(own)
    expect(out).toMatch(/^train-a: bought/)
    expect(out).toMatch(new RegExp(`^ledger: sqlite:${own.ledgerPath} \\(`, "m"))
  })

  it("ledger init on an existing ledger prints the same id, writes nothing and exits 0", async () => {
    const own = cliFixture()
    const { code, json } = await own.run("ledger", "init", ...BY, "--json")
    expect(json()).toMatchObject({
      made: false,
      ledger: { id: LEDGER_ID, place: `sqlite:${own.ledgerPath}` },
    })
    expect(code).toBe(0)
  })
})

describe("a policy that names its ledger (ledger_id)", () => {
  const pinned = (id: string) => POLICY.replace("version: 1\n", `version: 1\nledger_id: ${id}\n`)

  it("runs on another ledger than the policy's ledger_id hold and write nothing, and pause is refused", async () => {
    const own = await cloudFixture({}, pinned(OTHER_ID))
    const { code, out } = await tick(own)
    expect(out).toContain(`(ledger-other): this is ledger ${LEDGER_ID}; only ledger ${OTHER_ID} may be used`)
    expect(code).toBe(1)
    const paused = await own.run("pause", ...BY)
    expect([paused.code, paused.err]).toEqual([1, expect.stringContaining("ledger-other")])
    expect((await own.run("dry-run", "train-a")).out).toMatch(/would hold \(ledger-other\)/)
    expect(await own.ledger(async (ledger) => (await ledger.head("control"))?.seq)).toBe(1)
  })

  it("a run buys on the ledger that the policy's ledger_id names", async () => {
    const own = await cloudFixture({}, pinned(LEDGER_ID))
    expect((await tick(own)).out).toMatch(/^train-a: bought/)
  })
})

describe("a ledger restored from a backup", () => {
  it("live runs on a restored ledger hold until ledger confirm, which shows servers and orders first", async () => {
    const own = await cloudFixture()
    const said = await own.run("ledger", "restored", "--by", "ann", "--why", "backup of Monday")
    expect(said.out).toContain("supernode-autoscaler ledger confirm train-a --why TEXT --by WHO")
    const held = await tick(own)
    expect(held.out).toMatch(/held \(ledger-restored\): .*backup of Monday/)
    expect((await own.run("status")).out).toMatch(/ledger +ledger-restored: /)
    expect(own.sandbox.scaleUps).toHaveLength(0)

    const confirmed = await own.run(
      "ledger",
      "confirm",
      "train-a",
      "--by",
      "ann",
      "--why",
      "console compared",
    )
    expect(confirmed.out).toMatch(
      /servers now +2 servers:[\s\S]*in flight +nothing[\s\S]*orders +none[\s\S]*is confirmed/,
    )
    expect((await tick(own)).out).toMatch(/^train-a: bought/)
    const again = await own.run("ledger", "confirm", "train-a", "--by", "ann", "--why", "again")
    expect([again.code, again.err]).toEqual([1, expect.stringContaining("nothing to confirm")])
  })
})

/** Runs `meanwhile` once, when the command line first calls the cloud. The cloud then responds with 503. */
async function whileItLooks(own: CliFixture, meanwhile: () => Promise<unknown>): Promise<void> {
  let ran: Promise<unknown> | undefined
  own.env["SUPERNODE_MODELARTS_ENDPOINT"] = await httpForTest((_request, response) => {
    ran ??= meanwhile()
    void ran.finally(() => response.writeHead(503).end())
  })
}

it("ledger confirm confirms nothing if the ledger was restored again in the meantime", async () => {
  const own = await cloudFixture()
  const who = ["--by", "ann", "--why"]
  await own.run("ledger", "restored", ...who, "backup of Monday")
  await whileItLooks(own, () => {
    own.advance(MINUTE)
    return own.run("ledger", "restored", ...who, "backup of Sunday")
  })
  const { code, out, err } = await own.run("ledger", "confirm", "train-a", ...who, "console compared")
  expect([code, err]).toEqual([1, expect.stringContaining("so nothing was written. To compare again, run: ")])
  expect(out).not.toContain("is confirmed")
  const control = await own.ledger(async (ledger) => controlOf(await ledger.head("control")))
  expect(control.restored).toMatchObject({ why: "backup of Sunday", confirmed: [] })
})

it("a plan is not bought on a ledger other than the ledger that its dry run used", async () => {
  const own = await cloudFixture({}, POLICY)
  const shown = await own.run("dry-run", "train-a", "--servers", "4", "--why", "x", "--json")
  const { request } = shown.json() as { request: object }
  const other = `sqlite:${join(own.dir, "other.db")}`
  await own.run("ledger", "init", ...BY, "--nothing-in-flight", "--ledger", other)
  const { out } = await own.run("run", "--event", own.file("r.json", request), "--ledger", other)
  expect(out).toMatch(/held \(plan-changed\)/)
  expect(own.sandbox.scaleUps).toHaveLength(0)
})
