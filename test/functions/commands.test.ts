import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, describe, expect, it, vi } from "vitest"
import { FUNCTION_COMMANDS, REFUSED_COMMANDS } from "../../functions/cli/function-limits.ts"
import { programOf } from "../../functions/cli/run-cli.ts"
import { onFunctionGraph } from "../../functions/functiongraph-context.ts"
import { makeManualHandler } from "../../functions/manual-door.ts"
import { startApp } from "../../lib/app/start.ts"
import type { LedgerEntry } from "../../lib/ledger/entry.ts"
import { type CliFixture, cliFixture, cloudFixture, POLICY, STREAM } from "../cli/harness.ts"
import { entryAfter } from "../ledger/entries.ts"
import { ROOT } from "../packaging/built.ts"
import { contextOf, listen } from "./fakes.ts"

type Answer = Record<string, unknown>
type Platform = (own: CliFixture, event: unknown) => Promise<Answer>

/** AWS Lambda: the settings are the process's environment. */
const lambda: Platform = async (own, event) => {
  for (const [name, value] of Object.entries(own.env)) vi.stubEnv(name, value)
  return (await (
    await handlerOf(own)
  )(event, contextOf())) as Answer
}

const KEYS = { ak: "TEMPORARY-AK", sk: "TEMPORARY-SK", securityToken: "TEMPORARY-TOKEN" }

/** FunctionGraph: the settings are user data, and the keys are the agency's. */
const functionGraph: Platform = async (own, event) =>
  (await onFunctionGraph(await handlerOf(own))(event, {
    getRequestID: () => "fg-1",
    getRemainingTimeInMilliSeconds: () => 180_000,
    getUserData: (name) => (name.startsWith("HUAWEICLOUD_SDK_") ? undefined : own.env[name]),
    getSecurityAccessKey: () => KEYS.ak,
    getSecuritySecretKey: () => KEYS.sk,
    getSecurityToken: () => KEYS.securityToken,
  })) as Answer

const BOTH: [string, Platform][] = [
  ["AWS Lambda", lambda],
  ["FunctionGraph", functionGraph],
]

const PAUSE = ["pause", "--why", "maintenance", "--by", "ann"]

afterEach(() => {
  vi.unstubAllEnvs()
})

const entriesOf = (own: CliFixture) => own.ledger(async (ledger) => (await ledger.head("control"))?.seq)

/** The manual function of a new container, once the fixture's ledger is made. */
async function handlerOf(own: CliFixture) {
  await own.run("--version")
  return makeManualHandler(startApp)
}

describe.each(BOTH)("a command by the manual function of %s", (_name, invoke) => {
  it("a command by the manual function writes to its ledger and returns the JSON that --json prints", async () => {
    listen()
    const own = cliFixture()
    const answer = await invoke(own, { command: PAUSE })
    expect(answer).toMatchObject({
      entry: { stream: "control", seq: 2 },
      said: { verb: "pause", supernode: null, why: "maintenance", by: "ann" },
      notes: expect.arrayContaining([
        "everything is paused. To buy again, run: supernode-autoscaler resume --by WHO",
      ]),
    })
    expect(answer).not.toHaveProperty("exitCode")
    expect(await entriesOf(own)).toBe(2)
    const shown = (await own.run("ledger", "show", "--json")).json()
    expect(await invoke(own, { command: ["ledger", "show"] })).toEqual(shown)
    expect(await invoke(own, { command: ["ledger", "show", "--json"] })).toEqual(shown)
  })

  it("a command by the manual function makes the ledger that only the function can reach", async () => {
    listen()
    const own = cliFixture(POLICY, { withoutLedger: true })
    const command = ["ledger", "init", "--by", "ann", "--why", "first", "--nothing-in-flight"]
    expect(await invoke(own, { command })).toMatchObject({
      made: true,
      ledger: { origin: "nothing-in-flight" },
    })
    expect(await invoke(own, { command: ["status"] })).toMatchObject({
      supernodes: [{ name: "train-a" }],
    })
  })

  it("the manual function runs a command with a broken policy if the command needs no policy", async () => {
    listen()
    const own = cliFixture("version: 1\nsupernodes: 3\n")
    expect(await invoke(own, { command: PAUSE })).toMatchObject({ said: { verb: "pause" } })
    expect(await invoke(own, { command: ["status"] })).toMatchObject({
      error: { kind: "policy", problems: [{ line: 2 }] },
      exitCode: 1,
    })
  })

  it("a failed command by the manual function returns the error and the exit code, and logs both", async () => {
    const heard = listen()
    const own = cliFixture()
    const settle = ["settle", "train-a", "--as", "absent", "--why", "x", "--by", "ann"]
    expect(await invoke(own, { command: settle })).toEqual({
      error: {
        kind: "command",
        message: "train-a has no attempt in flight: there is nothing to settle",
        problems: [],
      },
      exitCode: 1,
    })
    expect(heard.lines()).toMatchObject([
      { level: "ERROR", message: "command settle: exit 1", exitCode: 1, error: { kind: "command" } },
    ])
  })

  it("a command by the manual function places no order, and reads the cloud with the function's keys", async () => {
    listen()
    const accessKeys = [{ ak: "SANDBOX-AK", sk: "SANDBOX-SK" }, KEYS]
    const own = await cloudFixture({ accessKeys, now: Date.now })
    Object.assign(own.env, { HUAWEICLOUD_SDK_AK: "SANDBOX-AK", HUAWEICLOUD_SDK_SK: "SANDBOX-SK" })
    const answer = await invoke(own, {
      command: ["dry-run", "train-a", "--servers", "4", "--by", "b", "--why", "w"],
    })
    expect(answer).toMatchObject({
      results: [{ supernode: "train-a", plan: { to: 4 } }],
      request: { mode: "live" },
    })
    const event = JSON.stringify(answer["request"])
    for (const command of [
      ["run", "--event", "-"],
      ["apply", "-"],
      ["apply", "-", "--yes"],
    ]) {
      expect(await invoke(own, { command, stdin: event })).toMatchObject({
        error: {
          message: expect.stringMatching(/^(run|apply) is not for a function: it (may buy|buys)\. Send/),
        },
        exitCode: 2,
      })
    }
    expect(own.sandbox.scaleUps).toEqual([])
    expect(await own.ledger((ledger) => ledger.head(STREAM))).toBeUndefined()
  })
})

describe("what a function refuses", () => {
  it.each([
    [["--policy", "other.yaml", "status"], "--policy is not accepted here", 1],
    [["status", "--ledger", "memory:"], "--ledger is not accepted here", 1],
    [["--policy", "status", "run", "--event", "-"], "run is not for a function", 1],
    [["audit", "verify", "--anchor", "/proc/self/environ"], "--anchor names a file", 1],
    [["dry-run", "train-a", "--event", "/proc/self/environ"], "--event names a file", 1],
    [["validate", "/proc/self/environ"], "POLICY names a file", 1],
    [["serve", "--port", "0"], "serve is not for a function: it runs until stopped", 2],
    [["simulate", "train-a"], "simulate is not for a function", 2],
    [["audit", "report", "r.html"], "audit report is not for a function: it writes a page", 1],
    [["frobnicate"], "unknown command 'frobnicate'", 2],
    [["pause", "--by", "ann", "--why"], "option '--why <TEXT>' argument missing", 2],
    [["pause", "--why", "x"], "required option '--by <WHO>'", 2],
    [["__proto__"], "unknown command '__proto__'", 2],
    [[], "the event must have the form", 2],
    ["pause", "the event must have the form", 2],
    [[["pause"]], "the event must have the form", 2],
  ])("the manual function refuses the command %j", async (command, says, exitCode) => {
    listen()
    const own = cliFixture()
    const answer = await lambda(own, { command })
    expect(answer).toMatchObject({ error: { message: expect.stringContaining(says) }, exitCode })
    expect(await entriesOf(own)).toBe(1)
  })

  it.each(["AWS_LAMBDA_FUNCTION_NAME", "RUNTIME_FUNC_NAME"])(
    "the manual function refuses to pause in a ledger that only one container has (%s)",
    async (platform) => {
      listen()
      vi.stubEnv(platform, "manual")
      const own = cliFixture()
      expect(await lambda(own, { command: PAUSE })).toMatchObject({
        error: {
          message: expect.stringMatching(
            /^pause would have no effect on other runs: only this container of the function has the sqlite ledger/,
          ),
        },
        exitCode: 1,
      })
      expect(await entriesOf(own)).toBe(1)
      expect(await lambda(own, { command: ["status"] })).not.toHaveProperty("exitCode")
    },
  )

  it("the manual function refuses an unknown key beside the command", async () => {
    listen()
    const answer = await lambda(cliFixture(), { command: PAUSE, mode: "live" })
    expect(answer).toMatchObject({ error: { message: expect.stringContaining('"mode"') }, exitCode: 2 })
  })

  it.each([["pause"], [[]], [[1, 2]]])(
    "the manual function refuses the command %j, which is not a list of texts, in plain words",
    async (command) => {
      listen()
      expect(await lambda(cliFixture(), { command })).toMatchObject({
        error: {
          message:
            'the event must have the form {"command": ["status"]}: "command" is a list of one or more texts, and a text "stdin" is optional. Nothing was done',
        },
        exitCode: 2,
      })
    },
  )

  it("every command of the command line is listed as accepted or refused by the manual function", async () => {
    const io = { clock: { now: () => 0 } } as Parameters<typeof programOf>[0]["io"]
    const names = (await programOf({ io, fail: () => undefined })).commands.map((command) => command.name())
    const decided = [...FUNCTION_COMMANDS, ...Object.keys(REFUSED_COMMANDS)]
    expect(names.filter((name) => !decided.includes(name))).toEqual([])
    expect(decided).toHaveLength(new Set(decided).size)
  })
})

it("the manual function accepts every command event in README.md and docs/", async () => {
  listen()
  const files = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)]
  const texts = files
    .filter((file) => file.endsWith(".md"))
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
  const events = texts.flatMap((text) =>
    [...text.matchAll(/"command": (\[[^\]…]*\])/g)].map(([, list = ""]) => list),
  )
  const own = cliFixture()
  for (const list of new Set(events)) {
    const answer = await lambda(own, { command: JSON.parse(list), stdin: POLICY })
    expect(answer["exitCode"], list).not.toBe(2)
    expect(JSON.stringify(answer["error"] ?? ""), list).not.toMatch(/not for a function|names a file/)
  }
  expect(new Set(events).size).toBeGreaterThan(8)
})

describe("what is not one JSON document", () => {
  it("the manual function returns output that is not one JSON document as a list of lines", async () => {
    listen()
    const own = cliFixture()
    await lambda(own, { command: PAUSE })
    const lines = (text: string) => ({ lines: text.trimEnd().split(/\r?\n/) })
    const command = (...command: string[]) => lambda(own, { command })
    expect(await command("audit", "export")).toEqual(lines((await own.run("audit", "export")).out))
    expect(await command("audit", "export", "--csv")).toEqual(
      lines((await own.run("audit", "export", "--csv")).out),
    )
    expect(await command("--version")).toEqual(lines((await own.run("--version")).out))
    expect(await command("pause", "--help")).toMatchObject({
      lines: expect.arrayContaining(["Usage: supernode-autoscaler pause [options] [NAME]"]),
    })
  })

  it("the manual function refuses output that is larger than a function can return", async () => {
    listen()
    const own = cliFixture()
    await own.ledger(async (ledger) => {
      let before: LedgerEntry | undefined
      for (let nth = 0; nth < 25; nth++) {
        before = entryAfter(before, { stream: STREAM, run: "x".repeat(255_000) })
        await ledger.append(before)
      }
    })
    expect(await lambda(own, { command: ["audit", "export", "train-a"] })).toEqual({
      error: {
        kind: "command",
        message:
          "the output of audit export is larger than 6 MB, which no function can return: name one stream, or request fewer entries",
        problems: [],
      },
      exitCode: 1,
    })
    expect(await lambda(own, { command: ["audit", "export", "control"] })).toHaveProperty("lines")
  })

  it("the manual function reads stdin if an argument names a file", async () => {
    listen()
    const own = cliFixture()
    expect(await lambda(own, { command: ["validate", "-"], stdin: POLICY })).toMatchObject({ valid: true })
    const anchor = JSON.stringify(await lambda(own, { command: ["audit", "anchor"] }))
    const verify = { command: ["audit", "verify", "--anchor", "-"], stdin: anchor }
    expect(await lambda(own, verify)).toMatchObject({ ok: true, anchor: { problems: [] } })
    expect(await lambda(own, { ...verify, stdin: "{}" })).toMatchObject({
      error: { message: expect.stringMatching(/^stdin is not an anchor: /) },
      exitCode: 1,
    })
    expect(await lambda(own, { command: ["validate", "-"], stdin: "version: 2\n" })).toMatchObject({
      valid: false,
      error: { kind: "policy" },
      exitCode: 1,
    })
  })
})

it("the manual function returns a command's report even if the command fails after it", async () => {
  listen()
  const own = cliFixture()
  expect(await lambda(own, { command: ["doctor"] })).toMatchObject({
    ok: false,
    checks: expect.arrayContaining([expect.objectContaining({ what: "ledger", ok: true })]),
    error: { kind: "command", message: "doctor ended with exit code 1; see the other fields" },
    exitCode: 1,
  })
})
