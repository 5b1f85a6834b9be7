import { describe, expect, it } from "vitest"
import { cliFixture, POLICY } from "./harness.ts"

const HASH = `sha256:${"0".repeat(64)}`

describe("wrong usage", () => {
  it.each([
    [[], "Usage: supernode-autoscaler"],
    [["stats"], "(Did you mean status?)"],
    [["replay"], "known commands: init, validate, policy, dry-run, apply, run, status, settle"],
    [["listen"], "known commands: init, validate"],
    [["status", "a", "b"], "too many arguments"],
    [["status", "--nope"], "unknown option '--nope'"],
    [["status", "--policy", ""], "must not be empty"],
    [["dry-run"], "missing required argument 'NAME'"],
    [["dry-run", "train-a", "--servers", "0"], "a whole number from 1 to 48"],
    [["dry-run", "train-a", "--servers", "2.5"], "a whole number from 1 to 48"],
    [["dry-run", "train-a", "--servers", "2", "--event", "e.json"], "cannot be combined"],
    [["run"], "required option '--event <FILE>'"],
    [["pause"], "required option '--why <TEXT>'"],
    [["pause", "--why", "  "], "must not be empty"],
    [["pause", "--why", "x", "--until", "tomorrow"], "ISO 8601 time with its zone"],
    [["pause", "--why", "x", "--until", "2024-02-01T00:00:00"], "ISO 8601 time with its zone"],
    [["pause", "--why", "x", "--until", "2024-01-12T16:51:59Z"], "is not in the future"],
    [["pause", "--why", "x", "--until", "0s"], "is not in the future"],
    [["hold", "train-a", "--why", "x"], "required option '--until <TIME>'"],
    [["hold", "train-a", "--why", "x", "--until", "169h"], "at most 7 days"],
    [
      ["settle", "train-a", "--as", "bought", "--why", "x", "--by", "me"],
      "Allowed choices are accepted, completed, absent",
    ],
    [["settle", "train-a", "--as", "absent", "--why", "x"], "required option '--by <WHO>'"],
    [["reset", "train-a", "--by", "me"], "required option '--why <TEXT>'"],
    [["approve", "85867ade", "--by", "me"], "sha256: and 64 hex digits"],
    [["dry-run", "train-a", "--event", "e.json", "--bypass-cooldown"], "cannot be combined"],
    [["approve", HASH], "required option '--by <WHO>'"],
    [["audit"], "Usage: supernode-autoscaler audit"],
    [["audit", "drop"], "known commands: list, show"],
    [["audit", "show", "train-a", "first"], "a whole number"],
    [["sandbox", "--port", "70000"], "from 0 to 65535"],
    [["sandbox", "--load", "101"], "from 0 to 100"],
    [["serve", "--port", "65536"], "from 0 to 65535"],
    [["serve", "--host", ""], "must not be empty"],
    [["serve", "--tick", "often"], "It must be a cron expression of 5 fields, or 6 with seconds first"],
    [["serve", "--shard", "0/4"], 'It must be "i/n" with 1 ≤ i ≤ n'],
    [["serve", "--tick", "61 * * * *"], "It is not a valid cron expression: Invalid value for minute: 61"],
    [["serve", "--tick", "0 0 30 2 *"], "It never occurs"],
  ])("wrong usage of a command exits 2 and names the right usage: %j", async (argv, says) => {
    const { code, out, err } = await cliFixture().run(...argv)
    expect(err).toContain(says)
    expect(out).toBe("")
    expect(code).toBe(2)
  })
})

describe("help", () => {
  it.each([
    "validate",
    "dry-run",
    "run",
    "status",
    "settle",
    "reset",
    "pause",
    "resume",
    "hold",
    "approve",
    "sandbox",
  ])("the help of %s names --policy and --ledger", async (command) => {
    const { code, out, err } = await cliFixture().run(command, "--help")
    expect(out).toContain("--policy <FILE>")
    expect(out).toContain("--ledger <URL>")
    expect([code, err]).toEqual([0, ""])
  })

  it("--help shows examples and the sources of settings", async () => {
    const { code, out } = await cliFixture().run("--help")
    expect(out).toContain("supernode-autoscaler dry-run train-a")
    expect(out).toContain("SUPERNODE_LEDGER (sqlite:./ledger.db)")
    expect(code).toBe(0)
  })

  it("--version prints the package's version", async () => {
    const { code, out } = await cliFixture().run("--version")
    expect(out).toMatch(/^\d+\.\d+\.\d+/)
    expect(code).toBe(0)
  })
})

describe("a wrong environment", () => {
  it("the command line exits 1 with a line for each wrong environment variable, without a stack trace", async () => {
    const own = cliFixture()
    Object.assign(own.env, { SUPERNODE_MODE: "lively", SUPERNODE_POLCY: "x" })
    const { code, out, err } = await own.run("status")
    expect(err).toContain("error: SUPERNODE_MODE: must be observe or live")
    expect(err).toContain("error: SUPERNODE_POLCY: is not a known setting; did you mean SUPERNODE_POLICY?")
    expect(err).not.toContain("    at ")
    expect([code, out]).toEqual([1, ""])
  })

  it("the command line exits 1 with a line for each problem of the policy", async () => {
    const own = cliFixture(POLICY.replace("above: 85", "above: high").replace("servers: 48", "servers: 49"))
    const { code, err } = await own.run("status")
    expect(err).toMatch(/policy\.yaml:\d+:\d+: supernodes\.0\.rules\.0\.above: /)
    expect(err).toMatch(/policy\.yaml:\d+:\d+: supernodes\.0\.limits\.servers: /)
    expect(err).toContain("error: the policy has 2 problems; nothing was done")
    expect(code).toBe(1)
  })

  it("the command line exits 1 and names the policy file if the file is missing", async () => {
    const { code, err } = await cliFixture().run("status", "--policy", "nowhere.yaml")
    expect(err).toContain("nowhere.yaml")
    expect(code).toBe(1)
  })

  it.each([
    ["a ledger that is a directory", "sqlite:/", "is a directory; name a file in it"],
    ["a ledger of no known kind", "redis://here", "has an unknown scheme; write sqlite:PATH"],
  ])("the command line exits 1 and explains a wrong ledger URL: %s", async (_case, url, says) => {
    const { code, err } = await cliFixture().run("status", "--ledger", url)
    expect(err).toContain(says)
    expect(err).not.toContain("SUPERNODE_LEDGER")
    expect(code).toBe(1)
  })

  it("the command line refuses another program's file as a ledger", async () => {
    const own = cliFixture()
    const { code, err } = await own.run(
      "status",
      "--ledger",
      `sqlite:${own.file("notes.txt", "no database at all, ".repeat(50))}`,
    )
    expect(err).toContain("is not a SQLite database")
    expect(code).toBe(1)
  })

  it("an error of the command line prints its stack trace only at log level debug", async () => {
    const own = cliFixture()
    Object.assign(own.env, { SUPERNODE_LOG_LEVEL: "debug" })
    const { code, err } = await own.run("dry-run", "train-x")
    expect(err).toContain("error: no supernode is named")
    expect(err).toContain("    at ")
    expect(code).toBe(1)
  })

  it("--policy and --ledger override the environment, whether written before or after the command's name", async () => {
    const own = cliFixture()
    const other = own.file("other.yaml", POLICY.replaceAll("train-a", "train-z"))
    for (const argv of [
      ["--policy", other, "status"],
      ["status", "--policy", other, "--ledger", "memory:"],
    ]) {
      const { code, out } = await own.run(...argv)
      expect(out).toContain("train-z")
      expect(code).toBe(0)
    }
  })
})

describe("colours", () => {
  it.each([
    ["a terminal gets colours", { isTerminal: true }, true],
    ["a pipe gets no colours", { isTerminal: false }, false],
  ])("%s", async (_case, io, hasColours) => {
    const { out } = await cliFixture().runWith(io, "status")
    expect(out.includes("\u001b[")).toBe(hasColours)
  })

  it("a terminal gets no colours if NO_COLOR is set", async () => {
    const own = cliFixture()
    Object.assign(own.env, { NO_COLOR: "1" })
    expect((await own.runWith({ isTerminal: true }, "status")).out).not.toContain("\u001b[")
  })

  it("text from the ledger or the cloud never controls the terminal", async () => {
    const own = cliFixture()
    await own.run("pause", "--by", "night-shift", "--why", "look \u001b]0;owned\u0007\u001b[2J here")
    const { out } = await own.run("status")
    expect(out).toContain("look")
    expect(out).not.toMatch(/(?!\n)\p{Cc}/u)
  })
})
