import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { OUTPUT_SCHEMAS, type OutputName, outputJsonSchema } from "../../functions/cli/docs/output-schemas.ts"
import { type CliFixture, type CloudFixture, cliFixture, cloudFixture, POLICY, STREAM } from "./harness.ts"
import { FOLDER, problemsOf } from "./output.ts"

// The contract of the command line in one table: each command in each situation, its exit code, and with
// --json one document that matches its JSON Schema.

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const SAID = ["--why", "seen in the console", "--by", "ops"]
const HASH = `sha256:${"a".repeat(64)}`
const APPROVERS = `${POLICY}    approval: { above: { amount: 1000, currency: CNY } }\napprovers: [ { name: ann }, { name: bob } ]\n`

type Situation = () => Promise<CliFixture>

/** A command line on which these commands ran before. */
const after =
  (make: () => CliFixture | Promise<CliFixture>, ...commands: string[][]): Situation =>
  async () => {
    const own = await make()
    for (const argv of commands) await own.run(...argv)
    return own
  }

const calm = () => cliFixture()
const busy = () => cloudFixture()
const idle = async () => {
  const own = await cloudFixture()
  own.sandbox.setLoad(20)
  return own
}
/** Sets the outcome of the next order. */
const ending =
  (...fault: Parameters<CloudFixture["sandbox"]["failNext"]>) =>
  async () => {
    const own = await cloudFixture()
    own.sandbox.failNext(...fault)
    return own
  }
const lost = ending("scale-up", { reset: "after-effect" })
const throttled = ending("scale-up", { throttle: 30 })
const refusing = ending("scale-up", { status: 400, code: "ModelArts.6302", message: "quota" })
const unreadable = async () => {
  const own = await cloudFixture()
  Object.assign(own.env, { HUAWEICLOUD_SDK_SK: "wrong" })
  return own
}
const withoutLedger = () => cliFixture(POLICY, { withoutLedger: true })
const warned = () => cliFixture(POLICY.replace(/, budget: .*\}/, " }"))
const invalid = () => cliFixture(POLICY.replace("above: 85", "above: high"))
const unset = () => {
  const own = cliFixture()
  Object.assign(own.env, { SUPERNODE_MODE: "lively" })
  return own
}
const awaiting: Situation = after(() => cloudFixture({}, APPROVERS), ["run", "--event", ALARM])
const broken = async () => {
  const own = await after(busy, ["run", "--event", ALARM])()
  own.spoil(STREAM.slice("supernode:".length))
  return own
}
const noRecipient = busy
const reportOver = (file: string) => (own: CliFixture) => ["audit", "report", join(own.dir, file)]
const reported = (file: string) => (own: CliFixture) => [
  "simulate",
  "train-a",
  "--load",
  loadFile(own, "97"),
  "--report",
  join(own.dir, file),
]

const run = (event: string | object) => (own: CliFixture) => [
  "run",
  "--event",
  typeof event === "string" ? event : own.file("event.json", event),
]
const tick = run({ kind: "tick", time: "2024-01-12T16:52:00Z" })
/** Sends the request that a dry run prints, after these commands. */
const ask =
  (...before: string[][]) =>
  async (own: CliFixture) => {
    const { request } = (
      await own.run("dry-run", "train-a", "--by", "ann", "--why", "launch week", "--json")
    ).json() as {
      request: object
    }
    for (const argv of before) await own.run(...argv)
    return run(request)(own)
  }

const ASKED = ["dry-run", "train-a", "--by", "ann", "--why", "launch week"]
/** Applies a plan file that a dry run wrote, after this command and under this policy. */
const applied = (before?: string[], policy?: string) => async (own: CliFixture) => {
  const file = join(own.dir, "plan.json")
  await own.run(...ASKED, "--out", file)
  if (before) await own.run(...before)
  if (policy !== undefined) own.file("policy.yaml", policy)
  return ["apply", file, "--yes"]
}

type Row = [
  command: OutputName,
  situation: string,
  make: Situation | (() => CliFixture | Promise<CliFixture>),
  argv: string[] | ((own: CliFixture) => string[] | Promise<string[]>),
  code: number,
  /** The schema of its output, if it is not the command's own. */
  prints?: OutputName,
]

const ROWS: Row[] = [
  ["validate", "a valid policy", calm, ["validate"], 0],
  ["validate", "warnings under --strict", warned, ["validate", "--strict"], 1],
  ["validate", "an invalid policy", invalid, ["validate"], 1],
  ["validate", "a file that is not there", calm, ["validate", "nowhere.yaml"], 1],
  [
    "policy-diff",
    "files that differ",
    calm,
    (own) => diffed(own, POLICY.replace("above: 85", "above: 90")),
    0,
  ],
  ["policy-diff", "equal files", calm, (own) => diffed(own, POLICY), 0],
  ["policy-diff", "an invalid file", calm, (own) => diffed(own, "version: 2"), 1, "error"],
  ["policy-diff", "one file", calm, ["policy", "diff", "policy.yaml"], 2, "error"],
  ["doctor", "all is well", busy, ["doctor"], 0],
  ["doctor", "keys that the cloud refuses", unreadable, ["doctor"], 1],
  ["doctor", "no ledger", withoutLedger, ["doctor"], 1],
  ["doctor", "an unknown supernode", busy, ["doctor", "train-z"], 1, "error"],
  ["dry-run", "it would buy", busy, ["dry-run", "train-a", "--by", "ann", "--why", "launch week"], 0],
  ["dry-run", "it would hold", idle, ["dry-run", "train-a"], 0],
  [
    "dry-run",
    "no ledger",
    () => cloudFixture({}, POLICY, { withoutLedger: true }),
    ["dry-run", "train-a"],
    0,
  ],
  ["dry-run", "a cloud that cannot be read", unreadable, ["dry-run", "train-a"], 0],
  ["dry-run", "an unknown supernode", busy, ["dry-run", "train-z"], 1, "error"],
  ["dry-run", "a wrong option", busy, ["dry-run", "train-a", "--servers", "0"], 2, "error"],
  ["dry-run", "a plan file", busy, (own) => [...ASKED, "--out", join(own.dir, "plan.json")], 0],
  ["dry-run", "no plan for its file", idle, (own) => [...ASKED, "--out", join(own.dir, "plan.json")], 1],
  ["apply", "a plan file that buys", busy, applied(), 0],
  ["apply", "a plan file that holds", busy, applied(["pause", ...SAID]), 3],
  [
    "apply",
    "a plan file of another policy",
    busy,
    applied(["resume", "--by", "ops"], POLICY.replace("85", "86")),
    3,
  ],
  ["apply", "an order that was rejected", refusing, applied(), 4],
  ["apply", "an answer that was lost", lost, applied(), 5],
  ["apply", "no terminal and no --yes", busy, async (own) => (await applied()(own)).slice(0, 2), 1, "error"],
  ["apply", "no plan file", busy, ["apply", "nowhere.json", "--yes"], 1, "error"],
  ["apply", "no file", busy, ["apply"], 2, "error"],
  ["run", "an alarm that buys", busy, run(ALARM), 0],
  ["run", "an alarm that holds", idle, run(ALARM), 0],
  ["run", "an alarm that comes twice", after(busy, ["run", "--event", ALARM]), run(ALARM), 0],
  ["run", "an alarm whose order was rejected", throttled, run(ALARM), 4],
  ["run", "the same alarm again", after(throttled, ["run", "--event", ALARM]), run(ALARM), 4],
  ["run", "an alarm whose answer was lost", lost, run(ALARM), 5],
  ["run", "the same alarm again, its outcome unknown", after(lost, ["run", "--event", ALARM]), run(ALARM), 5],
  ["run", "a tick that holds", idle, tick, 0],
  ["run", "a tick that buys", busy, tick, 0],
  ["run", "a request that buys", busy, ask(), 0],
  ["run", "a request that holds", busy, ask(["pause", ...SAID]), 3],
  ["run", "a request whose order was rejected", refusing, ask(), 4],
  [
    "run",
    "a request for a dry run",
    busy,
    run({ supernode: "train-a", mode: "dry-run", servers: 4, requestedBy: "ann", why: "launch week" }),
    0,
  ],
  ["run", "no ledger", () => cloudFixture({}, POLICY, { withoutLedger: true }), run(ALARM), 1],
  ["run", "a ledger whose entry was changed", broken, tick, 1],
  ["run", "an event of unknown shape", busy, run({ hello: "world" }), 1, "error"],
  [
    "run",
    "an event that is not JSON",
    busy,
    (own) => ["run", "--event", own.file("e.json", "{")],
    1,
    "error",
  ],
  ["run", "a webhook without its token", busy, run("test/events/function-url-alertmanager.json"), 1],
  ["run", "an invalid policy", invalid, run(ALARM), 1, "error"],
  ["run", "an invalid setting", unset, run(ALARM), 1, "error"],
  ["run", "no event", busy, ["run"], 2, "error"],
  ["status", "nothing happened yet", calm, ["status"], 0],
  ["status", "an order in flight", after(busy, ["run", "--event", ALARM]), ["status"], 0],
  ["status", "everything paused", after(calm, ["pause", ...SAID]), ["status", "train-a"], 0],
  ["status", "no ledger", withoutLedger, ["status"], 0],
  ["status", "an unknown supernode", calm, ["status", "train-z"], 1, "error"],
  ["status", "two ways to print it", calm, ["status", "--watch"], 2, "error"],
  ["status", "an invalid policy", invalid, ["status"], 1, "error"],
  [
    "settle",
    "an unknown outcome",
    after(lost, ["run", "--event", ALARM]),
    ["settle", "train-a", "--as", "accepted", ...SAID],
    0,
  ],
  ["settle", "nothing to settle", busy, ["settle", "train-a", "--as", "absent", ...SAID], 1, "error"],
  ["settle", "a wrong word", busy, ["settle", "train-a", "--as", "bought", ...SAID], 2, "error"],
  ["reset", "a breaker", after(refusing, ["run", "--event", ALARM]), ["reset", "train-a", ...SAID], 0],
  ["reset", "nothing to close", busy, ["reset", "train-a", ...SAID], 1, "error"],
  ["reset", "no ledger", withoutLedger, ["reset", "train-a", ...SAID], 1, "error"],
  ["pause", "everything", calm, ["pause", ...SAID], 0],
  ["pause", "one supernode for an hour", calm, ["pause", "train-a", "--until", "1h", ...SAID], 0],
  ["pause", "no ledger", withoutLedger, ["pause", ...SAID], 1, "error"],
  ["pause", "no name", calm, ["pause", "--why", "x"], 2, "error"],
  ["resume", "a pause", after(calm, ["pause", ...SAID]), ["resume", "--by", "ops"], 0],
  ["resume", "nothing paused", calm, ["resume", "--by", "ops"], 0],
  ["hold", "one supernode", calm, ["hold", "train-a", "--until", "1h", ...SAID], 0],
  [
    "hold",
    "ended",
    after(calm, ["hold", "train-a", "--until", "1h", ...SAID]),
    ["hold", "train-a", "--until", "now", ...SAID],
    0,
  ],
  ["hold", "nothing to end", calm, ["hold", "train-a", "--until", "now", ...SAID], 0],
  ["hold", "longer than allowed", calm, ["hold", "train-a", "--until", "8d", ...SAID], 2, "error"],
  [
    "approve",
    "a plan that waits",
    awaiting,
    async (own) => ["approve", await planHash(own), "--by", "ann"],
    0,
  ],
  [
    "approve",
    "a person who is not listed",
    awaiting,
    async (own) => ["approve", await planHash(own), "--by", "zoe"],
    1,
    "error",
  ],
  ["approve", "an unknown plan", awaiting, ["approve", HASH, "--by", "ann"], 0],
  ["approve", "no hash", awaiting, ["approve", "x", "--by", "ann"], 2, "error"],
  ["ledger-init", "none yet", withoutLedger, ["ledger", "init", ...SAID], 0],
  ["ledger-init", "one already", calm, ["ledger", "init", ...SAID], 0],
  ["ledger-show", "a ledger", calm, ["ledger", "show"], 0],
  ["ledger-show", "a restored one", after(calm, ["ledger", "restored", ...SAID]), ["ledger", "show"], 0],
  ["ledger-show", "none", withoutLedger, ["ledger", "show"], 1, "error"],
  ["ledger-restored", "a backup", calm, ["ledger", "restored", ...SAID], 0],
  [
    "ledger-confirm",
    "after a restore",
    after(busy, ["ledger", "restored", ...SAID]),
    ["ledger", "confirm", "train-a", ...SAID],
    0,
  ],
  ["ledger-confirm", "nothing restored", busy, ["ledger", "confirm", "train-a", ...SAID], 1, "error"],
  ["audit-list", "some entries", after(busy, ["run", "--event", ALARM]), ["audit", "list"], 0],
  ["audit-list", "no ledger", withoutLedger, ["audit", "list"], 1, "error"],
  ["audit-show", "an entry", after(busy, ["run", "--event", ALARM]), ["audit", "show", "train-a", "1"], 0],
  ["audit-show", "an entry that is not there", calm, ["audit", "show", "train-a", "9"], 1, "error"],
  ["audit-verify", "an intact ledger", after(busy, ["run", "--event", ALARM]), ["audit", "verify"], 0],
  ["audit-verify", "a changed entry", broken, ["audit", "verify"], 1],
  ["audit-verify", "an anchor that it contains", busy, anchored, 0],
  [
    "audit-verify",
    "a file that is no anchor",
    calm,
    (own) => ["audit", "verify", "--anchor", own.file("a.json", "{}")],
    1,
    "error",
  ],
  ["audit-anchor", "a ledger", calm, ["audit", "anchor"], 0],
  ["audit-report", "a ledger", calm, (own) => ["audit", "report", join(own.dir, "report.html")], 0],
  ["audit-report", "a file that is no report", calm, reportOver("policy.yaml"), 1, "error"],
  ["audit-report", "no ledger", withoutLedger, ["audit", "report", "report.html"], 1, "error"],
  ["audit-report", "standard output", calm, ["audit", "report", "-"], 2, "error"],
  ["simulate", "a report over another file", calm, reported("policy.yaml"), 1, "error"],
  ["simulate", "a load history", calm, (own) => ["simulate", "train-a", "--load", loadFile(own, "97")], 0],
  [
    "simulate",
    "a bad load file",
    calm,
    (own) => ["simulate", "train-a", "--load", loadFile(own, "x")],
    1,
    "error",
  ],
  ["simulate", "no load file", calm, ["simulate", "train-a"], 2, "error"],
  ["simulate", "a range of the meters", busy, ["simulate", "train-a", "--from", "2h"], 0],
  [
    "simulate",
    "keys that the cloud refuses",
    unreadable,
    ["simulate", "train-a", "--from", "2h"],
    1,
    "error",
  ],
  ["simulate", "an invalid time", calm, ["simulate", "train-a", "--from", "soon"], 2, "error"],
  [
    "simulate",
    "a file that is not there",
    calm,
    ["simulate", "train-a", "--load", "nowhere.csv"],
    1,
    "error",
  ],
  ["test", "a scenario that goes as expected", calm, (own) => ["test", scenarioFile(own, "2")], 0],
  ["test", "a scenario that fails", calm, (own) => ["test", scenarioFile(own, "4")], 1],
  ["test", "a misspelt scenario", calm, (own) => ["test", scenarioFile(own, "2, helt: x")], 1, "error"],
  ["test", "no scenario", calm, ["test"], 2, "error"],
  ["init", "no file yet", calm, (own) => ["init", "--out", join(own.dir, "new.yaml")], 0],
  ["init", "a file that exists", calm, (own) => ["init", "--out", join(own.dir, "policy.yaml")], 1, "error"],
  ["init", "no region for the cloud", calm, ["init", "--from-cloud"], 2, "error"],
  ["completion", "a shell", calm, ["completion", "bash"], 0],
  ["completion", "an unknown shell", calm, ["completion", "csh"], 2, "error"],
  ["notify-test", "no recipient", noRecipient, ["notify", "test"], 1, "error"],
]

function diffed(own: CliFixture, other: string): string[] {
  return ["policy", "diff", join(own.dir, "policy.yaml"), own.file("other.yaml", other)]
}

function loadFile(own: CliFixture, value: string): string {
  return own.file("load.csv", `time,value\n2026-03-02T10:00:00Z,${value}\n`)
}

function scenarioFile(own: CliFixture, buys: string): string {
  return own.file(
    "one.yaml",
    `title: one\ntimeline: [ { at: "10:00", tick: {}, expect: { buys: ${buys} } } ]\norders: 1\n`,
  )
}

async function planHash(own: CliFixture): Promise<string> {
  const hash = await own.ledger(async (ledger) => (await ledger.head(STREAM))?.plan?.hash)
  return hash ?? ""
}

async function anchored(own: CliFixture): Promise<string[]> {
  const { out } = await own.run("audit", "anchor")
  return ["audit", "verify", "--anchor", own.file("anchor.json", out)]
}

describe("a command", () => {
  it.each(ROWS)(
    "a command exits with its documented code, and prints one JSON document under --json: %s: %s",
    async (command, _, make, argv, code, prints = command) => {
      const words = typeof argv === "function" ? argv : () => argv
      const own = await make()
      const { code: found, out } = await own.run(...(await words(own)), "--json")
      expect({ code: found, problems: problemsOf(prints, JSON.parse(out)) }).toEqual({ code, problems: null })
    },
  )

  it("audit export --json prints one JSON document per line", async () => {
    const own = await after(busy, ["run", "--event", ALARM])()
    const { code, out } = await own.run("audit", "export", "--json")
    const lines = out.trim().split("\n")
    expect(lines.length).toBeGreaterThan(2)
    expect([code, lines.map((line) => problemsOf("audit-export", JSON.parse(line))).filter(Boolean)]).toEqual(
      [0, []],
    )
  })

  // Processes that run until they are stopped are checked in process.test.ts and serve.test.ts.
  it("the contract tests of commands cover every JSON Schema except those of sandbox and serve", () => {
    const covered = new Set([...ROWS.map(([command]) => command), "error", "audit-export"])
    const left = Object.keys(OUTPUT_SCHEMAS).filter((name) => !covered.has(name as OutputName))
    expect(left).toEqual(["sandbox", "serve"])
  })
})

it("docs/cli has the JSON Schemas as generated: run `npm run schema` after a change", () => {
  for (const name of Object.keys(OUTPUT_SCHEMAS) as OutputName[])
    expect(JSON.parse(readFileSync(join(FOLDER, `${name}.schema.json`), "utf8"))).toEqual(
      JSON.parse(JSON.stringify(outputJsonSchema(name))),
    )
})

it("JSON Schemas refuse a document with an extra member, a missing member, or a member of another type", () => {
  const good = { ok: true, checks: [{ what: "ledger", supernode: null, ok: true, says: "", todo: [] }] }
  expect(problemsOf("doctor", good)).toBeNull()
  for (const bad of [{ ...good, extra: 1 }, { ok: true }, { ...good, ok: "yes" }])
    expect(problemsOf("doctor", bad)).not.toBeNull()
})
