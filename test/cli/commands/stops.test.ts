import { DatabaseSync } from "@photostructure/sqlite"
import { describe, expect, it } from "vitest"
import { foldControl, type OperatorCommand } from "../../../lib/decision/state/control.ts"
import { entryText, type LedgerEntry, sealEntry } from "../../../lib/ledger/entry.ts"
import { CONTROL_STREAM, controlOf } from "../../../lib/ledger/next-entry.ts"
import { type CliFixture, cliFixture, cloudFixture, ID, MINUTE, START, TWO_SUPERNODES } from "../harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"

function control(own: CliFixture): Promise<ReturnType<typeof controlOf>> {
  return own.ledger(async (ledger) => controlOf(await ledger.head(CONTROL_STREAM)))
}

/**
 * Appends as another process would between two of our steps. Synchronous, because `clock.now` cannot wait.
 */
function appendToControl(path: string, said: OperatorCommand): void {
  const database = new DatabaseSync(path)
  const newest = "SELECT entry FROM entries WHERE stream = ? ORDER BY seq DESC LIMIT 1"
  const head = JSON.parse(String(database.prepare(newest).all(CONTROL_STREAM)[0]?.["entry"])) as LedgerEntry
  const { hash: prev, seq, ...same } = head
  const standing = foldControl(controlOf(head), said, START)
  const entry = sealEntry({ ...same, seq: seq + 1, prev, writer: "other", said, standing })
  database.prepare("INSERT INTO entries VALUES (?, ?, ?)").run(CONTROL_STREAM, entry.seq, entryText(entry))
  database.close()
}

describe("pause", () => {
  it("pause without a supernode stops all supernodes at once and without an end, in the name given by --by", async () => {
    const own = cliFixture()
    const { code, out } = await own.run("pause", "--by", "night-shift", "--why", "smoke in hall 3")
    expect(out).toContain("everything is paused. To buy again, run: supernode-autoscaler resume --by WHO")
    expect((await control(own)).pausedAll).toEqual({
      why: "smoke in hall 3",
      by: "night-shift",
      at: START,
      until: null,
    })
    expect(code).toBe(0)
  })

  it("pause stops one supernode by its id, so a rename does not end it", async () => {
    const own = cliFixture(TWO_SUPERNODES)
    await own.run("pause", "--by", "night-shift", "train-a", "--why", "x", "--until", "90m", "--by", "ops")
    expect((await control(own)).paused).toEqual({
      [ID]: { why: "x", by: "ops", at: START, until: START + 90 * MINUTE },
    })
  })

  it("pause does not shorten an existing pause: an earlier end is refused, an equal or later end is accepted", async () => {
    const own = cliFixture()
    const pause = (...argv: string[]) => own.run("pause", "--by", "bob", "--why", "a look", ...argv)
    await own.run("pause", "--by", "ann", "--why", "smoke", "--until", "2h")
    const { code, err } = await pause("--until", "1h")
    expect(err).toContain("everything is paused already, by ann, until")
    expect(err).toContain("nothing was written. To end it now, run: supernode-autoscaler resume --by WHO")
    expect(code).toBe(1)
    expect((await control(own)).pausedAll).toMatchObject({ by: "ann", until: START + 120 * MINUTE })
    expect((await pause("--until", "2h")).code).toBe(0)
    expect((await pause()).code).toBe(0)
    expect((await pause("--until", "7d")).err).toContain("by bob, without an end: a look")
    expect((await control(own)).pausedAll).toMatchObject({ by: "bob", until: null })
  })

  it("pause stops a purchase that an alarm would make", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "train-a", "--why", "x")
    await own.run("run", "--event", ALARM)
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("pause lists the attempt in flight, since a pause does not cancel an order", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    const { out } = await own.run("pause", "--by", "night-shift", "--why", "x")
    expect(out).toContain("already in flight, and not cancelled by this:")
    expect(out).toMatch(/^ {2}train-a {2}ACCEPTED: 2 -> 4 servers/m)
  })

  it("pause accepts an end with a UTC offset", async () => {
    const own = cliFixture()
    await own.run("pause", "--by", "night-shift", "--why", "x", "--until", "2024-01-13T02:00:00+08:00")
    expect((await control(own)).pausedAll?.until).toBe(Date.parse("2024-01-12T18:00:00Z"))
  })

  it("pause works with a broken policy, for all supernodes and by id", async () => {
    const own = cliFixture("version: [")
    expect((await own.run("pause", "--by", "night-shift", "--why", "x")).code).toBe(0)
    expect((await own.run("pause", "--by", "night-shift", ID, "--why", "x")).code).toBe(0)
    expect(await control(own)).toMatchObject({ pausedAll: { why: "x" }, paused: { [ID]: { why: "x" } } })
  })

  it("pause prints alternatives if a broken policy prevents finding the supernode by name", async () => {
    const { code, err } = await cliFixture("version: [").run(
      "pause",
      "--by",
      "night-shift",
      "train-a",
      "--why",
      "x",
    )
    expect(err).toContain("Give the supernode's id, or run `pause` without a name to stop everything")
    expect(code).toBe(1)
  })

  it("pause records nothing for an unknown supernode, neither by name nor by id", async () => {
    const own = cliFixture()
    for (const name of ["trian-a", ID.replace("b4", "b5")]) {
      const { code, err } = await own.run("pause", "--by", "night-shift", name, "--why", "x")
      expect(err).toContain("Known: train-a")
      expect(code).toBe(1)
    }
    expect(await own.ledger((ledger) => ledger.head(CONTROL_STREAM))).toMatchObject({ seq: 1 })
  })

  it.each([["pause", "--why", "x"], ["hold", "train-a", "--until", "1h", "--why", "x"], ["resume"]])(
    "%s requires --by, and does not take the name of this system's user instead",
    async (...argv) => {
      const { code, err } = await cliFixture().run(...argv)
      expect(err).toContain("required option '--by <WHO>' not specified")
      expect(code).toBe(2)
    },
  )

  it.each([
    [["--by", "WHO", "--why", "x"], "WHO is a placeholder: write your name instead"],
    [["--by", "ann", "--why", "TEXT"], "TEXT is a placeholder: write your reason instead"],
  ])("pause refuses the placeholder of an example: %j", async (argv, says) => {
    const { code, err } = await cliFixture().run("pause", ...argv)
    expect(err).toContain(says)
    expect(code).toBe(2)
  })

  it("pause --json prints only JSON on stdout", async () => {
    const { json, err } = await cliFixture().run("pause", "--by", "night-shift", "--why", "x", "--json")
    expect(json()).toMatchObject({ entry: { stream: "control", seq: 2 }, said: { verb: "pause", why: "x" } })
    expect(err).toContain("everything is paused")
  })
})

describe("resume", () => {
  it("resume ends the pause, and the next signal buys", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "--why", "x")
    const { out } = await own.run("resume", "--by", "night-shift", "--why", "over")
    expect(out).toContain("the pause of everything is lifted")
    await own.run("run", "--event", ALARM)
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("resume reports that nothing is paused, and writes nothing", async () => {
    const own = cliFixture()
    const { code, out } = await own.run("resume", "--by", "night-shift")
    expect(out).toBe("there is no pause of everything; nothing to resume\n")
    expect(await own.ledger((ledger) => ledger.head(CONTROL_STREAM))).toMatchObject({ seq: 1 })
    expect(code).toBe(0)
  })

  it("resume lifts only the pause that its operator saw, and not a pause that another operator made meanwhile", async () => {
    const own = cliFixture()
    await own.run("pause", "--by", "ann", "--why", "a look")
    // The command reads the clock for the last time right before it appends the entry. The other pause is
    // written at that moment.
    const others = (said: OperatorCommand | null) => {
      let asked = 0
      const now = (last = Infinity) => {
        asked += 1
        if (said && asked === last) appendToControl(own.ledgerPath, said)
        return START
      }
      return {
        clock: (last?: number) => ({ now: () => now(last), monotonic: now, wait: async () => undefined }),
        count: () => asked,
      }
    }
    const twin = cliFixture()
    await twin.run("pause", "--by", "ann", "--why", "a look")
    const counted = others(null)
    await twin.runWith({ clock: counted.clock() }, "resume", "--by", "ann")
    const bob = others({ verb: "pause", supernode: null, why: "fire", by: "bob", until: null })
    const { code, err } = await own.runWith({ clock: bob.clock(counted.count()) }, "resume", "--by", "ann")
    expect(err).toContain("bob paused it again meanwhile (fire), so nothing was written")
    expect(code).toBe(1)
    expect((await control(own)).pausedAll).toMatchObject({ by: "bob", why: "fire" })
    const again = others({ verb: "resume", supernode: null, why: "out", by: "bob" })
    const second = await own.runWith({ clock: again.clock(counted.count()) }, "resume", "--by", "ann")
    expect(second.err).toContain("another command lifted the pause meanwhile, so nothing was written")
  })

  it("resume with a supernode lifts only that supernode's pause, and prints which pauses remain", async () => {
    const own = cliFixture(TWO_SUPERNODES)
    await own.run("pause", "--by", "night-shift", "--why", "all")
    await own.run("pause", "--by", "night-shift", "train-a", "--why", "a")
    await own.run("pause", "--by", "night-shift", "train-b", "--why", "b")
    const { out } = await own.run("resume", "--by", "night-shift", "train-a")
    expect(out).toContain("the pause of train-a is lifted")
    expect(out).toContain("everything is still paused; `resume` without a name lifts that")
    expect(out).toContain("train-b is still paused")
    expect(Object.keys((await control(own)).paused)).toHaveLength(1)
  })
})

describe("hold", () => {
  it("hold stops automatic purchases of one supernode, but not a person's purchase", async () => {
    const own = await cloudFixture()
    const { code, out } = await own.run(
      "hold",
      "--by",
      "night-shift",
      "train-a",
      "--until",
      "7d",
      "--why",
      "freeze",
    )
    expect(out).toContain("train-a is held until 2024-01-19 16:52:00 +00:00, in 7 days")
    expect((await own.run("run", "--event", ALARM)).out).toMatch(/^train-a: held \(held\)/)
    expect((await own.run("dry-run", "train-a", "--servers", "4")).out).toMatch(/^train-a: would buy/)
    expect(code).toBe(0)
    await own.run("hold", "train-a", "--until", "now", "--why", "freeze is over", "--by", "ops")
    own.advance(MINUTE)
    expect((await own.run("run", "--event", ALARM)).out).toMatch(/^train-a: bought/)
  })
})

describe("reset", () => {
  it("reset closes a breaker, and the next signal buys", async () => {
    const own = await cloudFixture()
    own.sandbox.failNext("scale-up", {
      status: 401,
      code: "APIG.0301",
      message: "Incorrect IAM authentication information",
    })
    await own.run("run", "--event", ALARM)
    own.advance(MINUTE)
    const { code, out } = await own.run("reset", "train-a", "--why", "new keys", "--by", "ops")
    expect(out).toContain(
      "the breaker is closed: auth since 2024-01-12 16:52:00 +00:00, 1 minute ago, 401 APIG.0301",
    )
    expect((await own.run("dry-run", "train-a")).out).toMatch(/^train-a: would buy/)
    expect(code).toBe(0)
  })

  it("reset prints only what it changed", async () => {
    const own = await cloudFixture()
    const early = await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    expect(early.err).toContain("error: nothing is on record for train-a: there is nothing to reset")
    expect(early.code).toBe(1)
    await own.run("run", "--event", ALARM)
    const { out } = await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    const inFlight = "an attempt is still in flight (accepted); `settle` ends it, `reset` does not"
    expect(out).toContain(
      `the 2 known servers are forgotten: the next run accepts those that it sees\n${inFlight}`,
    )
    const again = await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    expect(again.out).toContain(`nothing was open or waiting: the reset changed nothing\n${inFlight}`)
  })

  it("reset ends the hold clock-behind-ledger, which doctor reports, and prints that it did", async () => {
    const own = await cloudFixture()
    await own.run("run", "--event", ALARM)
    own.advance(60 * MINUTE)
    await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    own.advance(-60 * MINUTE)
    expect((await own.run("doctor")).out).toMatch(
      /entries of train-a are dated ahead .*\n +set this machine's clock\. .* run: supernode-autoscaler reset train-a/,
    )
    const { out } = await own.run("reset", "train-a", "--why", "x", "--by", "ops")
    expect(out).toContain(
      "the newest entry is dated 2024-01-12 17:52:00 +00:00, in 1 hour. From now on, runs rely on this",
    )
    expect(out).not.toContain("nothing was open")
    expect((await own.run("doctor")).out).not.toContain("dated ahead")
  })
})

describe("an end on a machine whose clock is hours behind the ledger", () => {
  it.each([
    ["pause", ["pause", "--why", "x", "--until", "1h", "--by", "ann"]],
    ["pause of one supernode", ["pause", "train-a", "--why", "x", "--until", "1h", "--by", "ann"]],
    ["hold", ["hold", "train-a", "--why", "x", "--until", "1h", "--by", "ann"]],
    ["approve", ["approve", `sha256:${"a".repeat(64)}`, "--by", "ann"]],
  ])("%s refuses an end time that is earlier than the ledger's newest entry", async (_, argv) => {
    const own = cliFixture()
    own.advance(120 * MINUTE)
    const dated = await own.run("pause", "--by", "ann", "--why", "dates the ledger", "--until", "5h")
    expect(dated.code).toBe(0)
    own.advance(-120 * MINUTE)
    const { code, out, err } = await own.run(...argv)
    expect(err).toContain(
      "which has already passed: ledger entry control#2 is dated 2024-01-12 18:52:00 +00:00",
    )
    expect(err).toContain("Nothing was written.")
    expect([code, out]).toEqual([1, ""])
    expect(await own.ledger(async (ledger) => (await ledger.head(CONTROL_STREAM))?.seq)).toBe(2)
  })
})
