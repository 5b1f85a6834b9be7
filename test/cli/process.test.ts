import { type ChildProcessByStdio, spawn } from "node:child_process"
import { once } from "node:events"
import { createServer } from "node:net"
import type { Readable } from "node:stream"
import { text } from "node:stream/consumers"
import { fileURLToPath } from "node:url"
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { type BuiltCli, buildCli } from "../serve/built-cli.ts"
import { portForTest } from "../world/loopback-for-test.ts"
import { type CliFixture, cliFixture, cloudFixture, ID, TWO_SUPERNODES } from "./harness.ts"
import { problemsOf } from "./output.ts"

// The built command as a process of its own, on the system's clock: exit codes, signals and pipes.

const ROOT = fileURLToPath(new URL("../..", import.meta.url))

let built: BuiltCli
beforeAll(async () => {
  built = await buildCli()
})
afterAll(() => built.remove())

type Child = ChildProcessByStdio<null, Readable, Readable>

function start(own: CliFixture, command: string, argv: string[]): Child {
  const { PATH, HOME } = process.env
  const child = spawn(command, argv, {
    cwd: ROOT,
    env: { PATH, HOME, ...own.env },
    stdio: ["ignore", "pipe", "pipe"],
  })
  onTestFinished(() => void child.kill("SIGKILL"))
  return child
}

function cli(own: CliFixture, ...argv: string[]): Child {
  return start(own, process.execPath, [built.file, ...argv])
}

/** The process's whole output, and its exit code or the signal that ended it. */
async function ended(child: Child): Promise<{ out: string; err: string; code: number | string | null }> {
  const [out, err, [code, signal]] = await Promise.all([
    text(child.stdout),
    text(child.stderr),
    once(child, "close"),
  ])
  return { out, err, code: (code as number | null) ?? (signal as string | null) }
}

/** Output up to a matching line. */
async function seen(stream: Readable, line: RegExp): Promise<string> {
  let all = ""
  for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
    all += String(chunk)
    if (line.test(all)) return all
  }
  throw new Error(`it ended without ${line}: ${all}`)
}

describe("the process of a command", () => {
  it.each([
    [["validate"], 0],
    [["dry-run", "train-x"], 1],
    [["frobnicate"], 2],
  ])("the process of the command line %j exits with code %i", async (argv, code) => {
    expect((await ended(cli(cliFixture(), ...argv))).code).toBe(code)
  })

  /** Runs the command as if on another version of Node.js. */
  const asOn = (own: CliFixture, version: string, ...argv: string[]): Child => {
    const told = own.file(
      "version.cjs",
      `Object.defineProperty(process, "version", { value: "v${version}" })
       Object.defineProperty(process.versions, "node", { value: "${version}" })`,
    )
    return start(own, process.execPath, ["--require", told, built.file, ...argv])
  }

  it("the command line names the minimum Node.js version on an older Node.js, and does nothing else", async () => {
    expect(await ended(asOn(cliFixture(), "18.20.8", "validate"))).toEqual({
      out: "",
      err: "error: supernode-autoscaler needs Node.js 20.15.1 or newer, but this is 18.20.8; install a newer Node.js\n",
      code: 1,
    })
  })

  it("the command line prints no warning of Amazon's client about the version of Node.js", async () => {
    const own = cliFixture()
    Object.assign(own.env, {
      SUPERNODE_LEDGER: "dynamodb://ledger?region=eu-central-1&endpoint=http://127.0.0.1:1",
      AWS_ACCESS_KEY_ID: "AK",
      AWS_SECRET_ACCESS_KEY: "SK",
    })
    const { err, code } = await ended(asOn(own, "20.15.1", "audit", "list"))
    expect(err.trimEnd().split("\n")).toEqual([expect.stringMatching(/^error: .*ECONNREFUSED/)])
    expect(code).toBe(1)
  })

  it("the command line exits 0 if the reader closes the pipe", async () => {
    const own = cliFixture()
    for (let i = 0; i < 3; i++) await own.run("pause", "--by", "night-shift", "--why", "x".repeat(2_000))
    const line = `"${process.execPath}" "${built.file}" audit export | head -c 1`
    const { code, err } = await ended(start(own, "bash", ["-o", "pipefail", "-c", line]))
    expect([code, err]).toEqual([0, ""])
  })

  it("run finishes a purchase after one stop signal, and leaves the attempt open after a second stop signal", async () => {
    let arrive = (): void => undefined
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    const own = await cloudFixture({
      now: Date.now,
      sleep: (_ms, closing) => {
        arrive()
        return once(closing, "abort").then(() => undefined)
      },
    })
    own.sandbox.failNext("scale-up", { delayMs: 3_600_000 })
    const child = cli(
      own,
      "run",
      "--event",
      own.file("tick.json", { kind: "tick", time: new Date().toISOString() }),
    )
    const endedEarly = once(child, "close").then(() => Promise.reject(new Error("it ended without an order")))
    await Promise.race([arrived, endedEarly])
    child.kill("SIGINT")
    await seen(child.stderr, /finishing first: a purchase may be in progress/)
    child.kill("SIGINT")
    expect((await ended(child)).code).toBe("SIGINT")
    const kinds = await own.ledger(async (ledger) => (await ledger.head(`supernode:${ID}`))?.kind)
    expect(kinds).toBe("opened")
  })
})

describe("sandbox", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("sandbox runs until %s and then exits 0", async (signal) => {
    const child = cli(cliFixture(), "sandbox")
    expect(await seen(child.stdout, /Ctrl-C ends it/)).toMatch(
      /sandbox: http:\/\/127\.0\.0\.1:\d+\n {2}train-a \(.*\), 2 servers/,
    )
    child.kill(signal)
    const { code, err } = await ended(child)
    expect([code, err]).toEqual([0, "the sandbox is closed\n"])
  })

  it("a command with the settings that sandbox prints places an order in the sandbox of another terminal", async () => {
    const own = cliFixture()
    const child = cli(own, "sandbox", "--json")
    const printed = JSON.parse(await seen(child.stdout, /\n/)) as { env: Record<string, string> }
    expect(problemsOf("sandbox", printed)).toBeNull()
    const { env } = printed
    const { SUPERNODE_LEDGER: _elsewhere, ...settings } = env
    Object.assign(own.env, settings)
    const { out, code } = await ended(
      cli(own, "run", "--event", own.file("tick.json", { kind: "tick", time: new Date().toISOString() })),
    )
    expect(out).toMatch(/^train-a: bought from 2 to 4 servers/)
    expect(code).toBe(0)
  })

  it("sandbox has the supernodes of the user's own policy, each on its smallest rung", async () => {
    const own = cliFixture(TWO_SUPERNODES)
    const child = cli(own, "sandbox", "--json", "--policy", own.env["SUPERNODE_POLICY"] ?? "")
    expect(JSON.parse(await seen(child.stdout, /\n/))).toMatchObject({
      supernodes: [
        { name: "train-a", id: ID, servers: 1 },
        { name: "train-b", servers: 1 },
      ],
    })
  })

  it("sandbox reports that the port is in use", async () => {
    const port = await portForTest(createServer())
    const { code, err } = await ended(cli(cliFixture(), "sandbox", "--port", String(port)))
    expect(err).toBe(`error: port ${port} on 127.0.0.1 is in use; choose another with --port\n`)
    expect(code).toBe(1)
  })
})
