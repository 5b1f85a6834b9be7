import { spawnSync } from "node:child_process"
import { chmodSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { makeLedger } from "../ledger/initialised.ts"
import { bytes, type CloudFixture, cloudFixture, MINUTE, POLICY, type Ran, START } from "./harness.ts"

// A person buys by hand: a dry run prints a command line, a real shell parses it, and `run` reads its stdin.

const WANTED = `${POLICY}    approval: { above: { amount: 1000, currency: CNY } }\napprovers: [ { name: Ann }, { name: bob }, { name: carl }, { name: dora }, { name: boss } ]\n`

/** The printed command line that buys. */
function buyingLine(out: string): string {
  return /^ {2}(printf %s .* \| supernode-autoscaler run .*)$/m.exec(out)?.[1] ?? "no line was printed"
}

/**
 * Runs the command line in a shell in which `supernode-autoscaler` only records its arguments and its stdin.
 * Then runs the recorded command here.
 */
async function paste(own: CloudFixture, line: string): Promise<Ran & { argv: string[]; stdin: string }> {
  const stub = own.file(
    "supernode-autoscaler",
    `#!/bin/sh\ncat > '${own.dir}/stdin'\nprintf '%s\\n' "$@" > '${own.dir}/argv'\n`,
  )
  chmodSync(stub, 0o755)
  const { status, stderr } = spawnSync("sh", ["-c", line], {
    env: { PATH: `${own.dir}:${process.env["PATH"]}` },
    encoding: "utf8",
  })
  expect([status, stderr]).toEqual([0, ""])
  const stdin = readFileSync(join(own.dir, "stdin"), "utf8")
  const argv = readFileSync(join(own.dir, "argv"), "utf8").trimEnd().split("\n")
  return { ...(await own.runWith({ stdin: bytes(stdin) }, ...argv)), argv, stdin }
}

describe("the buying command that a dry run prints", () => {
  it("the buying command that a dry run prints buys exactly the shown plan, in the name of the operating system's user", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("dry-run", "train-a", "--why", "launch week")
    const pasted = await paste(own, buyingLine(out))
    expect(pasted.out).toMatch(/^train-a: bought from 2 to 4 servers/)
    expect(JSON.parse(pasted.stdin)).toMatchObject({ mode: "live", servers: 4, requestedBy: "night-shift" })
    expect(own.sandbox.scaleUps).toHaveLength(1)
    expect(pasted.code).toBe(0)
  })

  it("the buying command that a dry run prints keeps the requester's name and reason, whatever characters they contain", async () => {
    const own = await cloudFixture()
    const why = `it's "launch" week: $HOME \\n \`id\` & <b>`
    const { out } = await own.run(
      "dry-run",
      "train-a",
      "--why",
      "launch week",
      "--servers",
      "4",
      "--by",
      "O'Neil",
      "--why",
      why,
    )
    expect(out).toContain("O'Neil requested 4 servers")
    const pasted = await paste(own, buyingLine(out))
    expect(JSON.parse(pasted.stdin)).toMatchObject({ requestedBy: "O'Neil", why })
    expect(pasted.out).toMatch(/^train-a: bought/)
  })

  it("the buying command that a dry run prints uses the same policy and ledger as the dry run", async () => {
    const own = await cloudFixture()
    const places = [
      "--policy",
      own.file("other's policy.yaml", POLICY),
      "--ledger",
      `sqlite:${own.dir}/other.db`,
    ]
    await makeLedger(`sqlite:${own.dir}/other.db`, START)
    const { out } = await own.run("dry-run", "train-a", "--why", "launch week", ...places)
    const { argv, code } = await paste(own, buyingLine(out))
    expect(argv).toEqual(["run", "--event", "-", ...places])
    expect(code).toBe(0)
    expect((await own.run("status", ...places)).out).toContain("ACCEPTED: 2 -> 4 servers")
  })

  it("the buying command that a dry run prints buys nothing after another server has joined", async () => {
    const rung =
      "- { flavor: three, servers: 3, price: { amount: 180000, currency: CNY, per: month } }\n      - { flavor: kat3ne-32"
    const own = await cloudFixture({}, POLICY.replace("- { flavor: kat3ne-32", rung))
    const { out } = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week")
    own.sandbox.addServers(1)
    own.advance(6 * MINUTE)
    const pasted = await paste(own, buyingLine(out))
    expect(pasted.out).toMatch(
      /✗ +plan-as-shown +the plan that was shown is sha256:\w+, but the current plan is sha256:/,
    )
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("the buying command that a dry run prints buys nothing after the price has changed", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week")
    own.env["SUPERNODE_POLICY"] = own.file("dearer.yaml", POLICY.replace("amount: 240000", "amount: 250000"))
    expect((await paste(own, buyingLine(out))).out).toMatch(/^train-a: held \(plan-changed\)/)
    expect(own.sandbox.scaleUps).toHaveLength(0)
  })

  it("the buying command that a dry run prints buys once, however often it is run", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("dry-run", "train-a", "--why", "launch week")
    await paste(own, buyingLine(out))
    const again = (await paste(own, buyingLine(out))).out
    expect(again).toMatch(/^train-a: held \(duplicate\)/)
    expect(again).toMatch(/^request of the first delivery, not sent again: POST /m)
    own.advance(10 * MINUTE)
    expect((await paste(own, buyingLine(out))).out).toMatch(/^train-a: held \(already-there\)/)
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("a dry run without a reason prints the dry-run command that states a reason, and no line that buys", async () => {
    const own = await cloudFixture()
    const { out } = await own.run("dry-run", "train-a")
    expect(buyingLine(out)).toBe("no line was printed")
    expect(out).toContain("supernode-autoscaler dry-run train-a --servers 4 --by WHO --why TEXT")
  })

  it("a dry run prints no line that buys while a gate fails", async () => {
    const own = await cloudFixture()
    await own.run("pause", "--by", "night-shift", "--why", "x")
    expect((await own.run("dry-run", "train-a", "--why", "launch week")).out).not.toContain(
      "supernode-autoscaler run",
    )
  })

  it("a dry run never lowers a person's request to the limit, and prints no line that buys above the limit", async () => {
    const own = await cloudFixture({}, POLICY.replace("servers: 48", "servers: 3"))
    const { out } = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week")
    expect(out).toMatch(/^train-a: would hold \(at-limit\)/)
    expect(out).not.toContain("supernode-autoscaler run")
  })
})

describe("a dry run during a cooldown", () => {
  /** Two servers that a person added a moment ago. */
  const young = () => cloudFixture({}, POLICY.replace("limits:", "cooldown: 366d\n    limits:"))

  it("a dry run holds during a cooldown, and with --bypass-cooldown prints a line that bypasses the cooldown", async () => {
    const own = await young()
    expect((await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week")).out).toMatch(
      /^train-a: would hold \(cooldown\)/,
    )
    const { out } = await own.run(
      "dry-run",
      "train-a",
      "--servers",
      "4",
      "--bypass-cooldown",
      "--why",
      "launch week",
      "--by",
      "ann",
      "-v",
    )
    expect(out).toMatch(/^train-a: would buy/)
    expect(out).toContain("bypassed by ann")
    const pasted = await paste(own, buyingLine(out))
    expect(JSON.parse(pasted.stdin)).toMatchObject({ bypassCooldown: true })
    expect(pasted.out).toMatch(/^train-a: bought/)
  })

  it("a dry run with --bypass-cooldown but without --servers still holds if the load is low", async () => {
    const own = await young()
    own.sandbox.setLoad(10)
    const { out } = await own.run("dry-run", "train-a", "--bypass-cooldown", "--why", "launch week")
    expect(out).toMatch(/^train-a: would hold \(not-breaching\)/)
  })
})

describe("a dry run that lacks only approval", () => {
  it("a dry run that lacks only approval prints a line that buys once the plan is approved, even within a minute", async () => {
    const own = await cloudFixture({}, WANTED)
    const { out } = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week")
    expect(out).toContain("to buy exactly this once it is approved, or nothing if anything changed:")
    const first = (await paste(own, buyingLine(out))).out
    expect(first).toMatch(/^train-a: held \(approval-needed\)/)
    expect(first).toMatch(/^request, not sent: POST /m)
    const [, hash = ""] = /supernode-autoscaler approve (sha256:\w+) --by WHO/.exec(out) ?? []
    await own.run("approve", hash, "--by", "boss")
    expect((await own.run("dry-run", "train-a", "-v", "--why", "launch week")).out).toMatch(
      /✓ +approved +approved by boss/,
    )
    expect((await paste(own, buyingLine(out))).out).toMatch(/^train-a: bought/)
    expect(own.sandbox.scaleUps).toHaveLength(1)
  })

  it("a dry run does not count the requester's own approval", async () => {
    const own = await cloudFixture({}, WANTED)
    const { out } = await own.run(
      "dry-run",
      "train-a",
      "--servers",
      "4",
      "--why",
      "launch week",
      "--by",
      "ann",
    )
    const [, hash = ""] = /supernode-autoscaler approve (sha256:\w+) --by WHO/.exec(out) ?? []
    await own.run("approve", hash, "--by", "Ann")
    const asAnn = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week", "--by", "ann")
    expect(asAnn.out).toMatch(/^train-a: would hold \(approval-needed\)/)
    const asBob = await own.run("dry-run", "train-a", "--servers", "4", "--why", "launch week", "--by", "bob")
    expect(asBob.out).toMatch(/^train-a: would buy/)
  })
})

describe("the printed request", () => {
  it("a dry run's JSON includes the printed request, ready for run --event", async () => {
    const own = await cloudFixture()
    const { json } = await own.run(
      "dry-run",
      "train-a",
      "--servers",
      "4",
      "--why",
      "launch week",
      "--why",
      "launch",
      "--json",
    )
    const { request } = json() as { request: object }
    expect(request).toEqual({
      supernode: "train-a",
      mode: "live",
      servers: 4,
      requestedBy: "night-shift",
      why: "launch",
      planHash: expect.stringMatching(/^sha256:/),
    })
    expect((await own.run("run", "--event", own.file("request.json", request))).out).toMatch(
      /^train-a: bought/,
    )
  })

  it("the request that a dry run of an event prints keeps all values of the event", async () => {
    const own = await cloudFixture()
    const asked = {
      supernode: "train-a",
      servers: 4,
      requestedBy: "ann",
      why: "week 3",
      bypassCooldown: true,
    }
    const ran = await own.run("dry-run", "train-a", "--event", own.file("asked.json", asked), "--json")
    expect(ran.json()).toMatchObject({ request: { ...asked, mode: "live" } })
  })

  it("a live request without the hash that a dry run printed buys nothing", async () => {
    const own = await cloudFixture()
    const request = { supernode: "train-a", mode: "live", servers: 4, requestedBy: "ops", why: "x" }
    const { code, err } = await own.run("run", "--event", own.file("request.json", request))
    expect(err).toContain('planHash: is missing, but "live" buys only the plan that was shown')
    expect([code, own.sandbox.scaleUps.length]).toEqual([1, 0])
  })
})
