import { expect, it } from "vitest"
import { cliFixture, cloudFixture, POLICY, type Ran, STREAM } from "../cli/harness.ts"
import { problemsOf } from "../cli/output.ts"

// `simulate` as operators use it. The expected purchases were calculated by hand from the policy: 3 of 5
// periods of 5 minutes above 85 with a lag of a minute, cooldown 60 minutes from completion, warm-up 15
// minutes. Servers take 10 minutes.

const MINUTE = 60_000
const DAY = "2026-03-02"

interface Simulated {
  policies: {
    policy: string
    from: number
    to: number
    ticks: number
    decisions: number
    purchases: {
      at: number
      from: number
      to: number
      cost: { amount: number } | null
      rules: string[]
      completedAt: number | null
    }[]
    spend: { amount: number; currency: string } | null
    minutesAbove: Record<string, number>
    minutesUnknown: number
    holds: Record<string, number>
  }[]
}

/** One row per minute from 10:00: `[97, 60]` is an hour of 97. */
function load(...parts: [value: number | string, minutes: number][]): string {
  const values = parts.flatMap(([value, minutes]) => Array.from({ length: minutes }, () => value))
  const rows = values.map((value, i) => `${instant(`${DAY}T10:00:00Z`, i)},${value}`)
  return ["time,value", ...rows, ""].join("\n")
}

function instant(from: string, minutes: number): string {
  return new Date(Date.parse(from) + minutes * MINUTE).toISOString().replace(".000Z", "Z")
}

const clock = (at: number | null) => (at === null ? null : new Date(at).toISOString().slice(11, 16))

function only(ran: Ran): Simulated["policies"][number] {
  expect([ran.code, ran.err]).toEqual([0, ""])
  const document = ran.json() as Simulated
  expect(problemsOf("simulate", document)).toBeNull()
  const [policy] = document.policies
  if (!policy) throw new Error("no policy was simulated")
  return policy
}

async function simulated(policy: string, history: string, ...options: string[]) {
  const own = cliFixture(policy)
  const path = own.file("load.csv", history)
  return only(await own.run("simulate", "train-a", "--load", path, ...options, "--json"))
}

const bought = ({ purchases }: Simulated["policies"][number]) =>
  purchases.map(({ at, from, to, completedAt }) => [clock(at), from, to, clock(completedAt)])

it("simulate buys once enough periods breach and the lag has passed, and again after the cooldown", async () => {
  const result = await simulated(POLICY, load([50, 30], [97, 150]))
  // The periods of 10:30, 10:35 and 10:40 breach. The last one ends at 10:45 and is readable from 10:46: the
  // tick of 10:50 buys. Complete at 11:00, so the cooldown lasts until 12:00. Three periods after warm-up
  // (11:15) have ended before.
  expect(bought(result)).toEqual([
    ["10:50", 1, 2, "11:00"],
    ["12:00", 2, 4, "12:10"],
  ])
  expect(result).toMatchObject({
    from: Date.parse(`${DAY}T10:00:00Z`),
    to: Date.parse(`${DAY}T12:59:00Z`),
    ticks: 36,
    decisions: 36,
    spend: { amount: 180_000, currency: "CNY" },
    minutesAbove: { "npu-busy": 150 },
    minutesUnknown: 0,
    // In flight at 10:55 and 12:05. The cooldown holds from 11:00 to 11:55 and from 12:10 to 12:55.
    holds: { cooldown: 22, "in-flight": 2 },
  })
  expect(result.purchases[0]).toMatchObject({ cost: { amount: 60_000 }, rules: ["npu-busy"] })
})

const CASES: {
  rule: string
  policy?: string
  history?: string
  options?: string[]
  buys: (string | number | null)[][]
  holds?: Record<string, unknown>
}[] = [
  {
    rule: "holds over-budget if the next purchase does not fit",
    policy: POLICY.replace("amount: 500000", "amount: 100000"),
    buys: [["10:50", 1, 2, "11:00"]],
    holds: { "over-budget": expect.any(Number) },
  },
  {
    rule: "buys only when the flavor is no longer sold out",
    options: ["--sold-out", `kat3ne-16-400t.96xlarge.8.matrix@${DAY}T10:00:00Z/${DAY}T11:07:00Z`],
    buys: [
      ["11:10", 1, 2, "11:20"],
      ["12:20", 2, 4, "12:30"],
    ],
    holds: { "sold-out": 4 },
  },
  {
    rule: "opens a breaker after an order is refused for the quota, and buys nothing more",
    options: ["--fail", `quota@${DAY}T10:00Z/${DAY}T11:00Z`],
    buys: [],
    holds: { breaker: expect.any(Number) },
  },
  {
    rule: "holds while the outcome of an order is unknown",
    options: ["--fail", `vanished@${DAY}T10:00Z/${DAY}T11:00Z`],
    buys: [["10:50", 1, 2, null]],
    holds: { "outcome-unknown": 25 },
  },
  {
    rule: "starts the cooldown only when provisioning has ended",
    options: ["--provisioning", "30m"],
    buys: [
      ["10:50", 1, 2, "11:20"],
      ["12:20", 2, 4, "12:50"],
    ],
  },
  {
    rule: "starts with the servers that --servers names",
    options: ["--servers", "2"],
    buys: [["10:50", 2, 4, "11:00"]],
    holds: { "already-there": expect.any(Number) },
  },
  {
    rule: "divides the load among more servers with --elastic, so that one purchase is enough",
    options: ["--elastic"],
    buys: [["10:50", 1, 2, "11:00"]],
    holds: { "not-breaching": expect.any(Number) },
  },
]

it.each(CASES)("simulate $rule", async ({ policy = POLICY, options = [], buys, holds }) => {
  const result = await simulated(policy, load([50, 30], [97, 150]), ...options)
  expect(bought(result)).toEqual(buys)
  if (holds) expect(result.holds).toMatchObject(holds)
})

it("simulate --elastic counts minutes above the threshold by load per server, and minutes at 100 % as unknown", async () => {
  const result = await simulated(POLICY, load([50, 30], [100, 20], [97, 40]), "--elastic")
  // From 11:00 two servers share the load: 48.5 each.
  expect([result.minutesAbove, result.minutesUnknown]).toEqual([{ "npu-busy": 30 }, 20])
})

it("simulate takes a gap in the history, and an empty value, as missing data and never as zero", async () => {
  const rows = load([50, 30], ["", 30]).split("\n")
  const result = await simulated(POLICY, [...rows.slice(0, 61), `${DAY}T12:00:00Z,97`].join("\n"))
  expect(result.purchases).toEqual([])
  expect(result.holds["missing-data"]).toBeGreaterThan(10)
})

it("simulate reads JSON lines and epoch seconds, and one series for each rule", async () => {
  const lines = Array.from({ length: 60 }, (_, i) =>
    JSON.stringify({ time: Date.parse(`${DAY}T10:00:00Z`) / 1_000 + i * 60, metric: "npu-busy", value: 97 }),
  )
  const result = await simulated(POLICY, lines.join("\n"))
  expect(bought(result)[0]).toEqual(["10:20", 1, 2, "10:30"])
})

it("simulate reports every problem of a load file with its line", async () => {
  const own = cliFixture()
  const text = `time,metric,value\n${DAY}T10:00:00Z,npu-busy,97 %\n2026-03-02 10:01,npu-busy,97\n\n${DAY}T10:02:00Z,npu-bussy,97\n${DAY}T10:02:00Z,97\n1772445600000,npu-busy,1\n`
  const path = own.file("load.csv", text)
  const { code, err } = await own.run("simulate", "train-a", "--load", path)
  expect(code).toBe(1)
  expect(err.split("\n").map((line) => line.replace(path, "load.csv"))).toEqual([
    'load.csv:2: value: must be a number without a unit, or empty if there is no value, not "97 %"',
    'load.csv:3: time: must be ISO 8601 with its zone, such as 2026-01-31T18:00:00Z, or epoch seconds, not "2026-03-02 10:01"',
    'load.csv:5: metric: must be the name of a rule of this supernode, not "npu-bussy"; did you mean npu-busy?',
    "load.csv:6: must have 3 cells (time,metric,value), not 2",
    'load.csv:7: time: must lie between 2000 and 2100, not "1772445600000": epoch times are in seconds',
    "error: the load file has 5 problems; nothing was simulated",
    "",
  ])
})

it.each([
  ["", "load.csv:1: has no rows: expected the header time,value and one row per time"],
  ["zeit,wert\n", 'load.csv:1: must be the header "time,value" or "time,metric,value"'],
  ["time,value\n", "load.csv:1: has a header and no rows"],
  [`time,value\n${DAY}T10:01:00Z,1\n${DAY}T10:00:00Z,1\n`, "load.csv:3: is earlier than the row before it"],
  [`{"time":1772445600,"wert":1}\n{]\n`, 'load.csv:1: "wert" is not a known field'],
])("simulate refuses the load file %j", async (text, problem) => {
  const own = cliFixture()
  const path = own.file("load.csv", text)
  const { code, err, json } = await own.run("simulate", "train-a", "--load", path, "--json")
  expect([code, err.replace(path, "load.csv")]).toEqual([1, expect.stringContaining(problem)])
  expect(problemsOf("error", json())).toBeNull()
})

it("simulate compares several policies side by side, and gives the same result every time", async () => {
  const own = cliFixture()
  const path = own.file("load.csv", load([50, 30], [97, 150]))
  const small = own.file("small.yaml", POLICY.replace("amount: 500000", "amount: 100000"))
  const argv = [
    "simulate",
    "train-a",
    "--load",
    path,
    "--policy",
    String(own.env["SUPERNODE_POLICY"]),
    "--policy",
    small,
  ]
  const first = await own.run(...argv, "--json")
  const { policies } = first.json() as Simulated
  expect(policies.map(({ policy, purchases }) => [policy, purchases.length])).toEqual([
    [own.env["SUPERNODE_POLICY"], 2],
    [small, 1],
  ])
  expect((await own.run(...argv, "--json")).out).toBe(first.out)
  const { out } = await own.run(...argv)
  expect(out).toContain("Side by side")
  expect(out).toContain(
    "2026-03-02 10:50:00 +00:00  1 to 2   60000 CNY  2026-03-02 11:00:00 +00:00  npu-busy: 3 of 5 points above 85",
  )
})

it("simulate needs no ledger, and creates none", async () => {
  const own = cliFixture(POLICY, { withoutLedger: true })
  const path = own.file("load.csv", load([97, 60]))
  expect((await own.run("simulate", "train-a", "--load", path)).code).toBe(0)
  expect((await own.run("ledger", "show")).code).toBe(1)
})

it("simulate treats a new policy as already in use, whatever its arm_after", async () => {
  const result = await simulated(`${POLICY}    arm_after: 24h\n`, load([97, 60]))
  expect(bought(result)).toEqual([["10:20", 1, 2, "10:30"]])
})

it("simulate shows a progress bar on a terminal only, and removes the bar at the end", async () => {
  const own = cliFixture()
  const path = own.file("load.csv", load([97, 60]))
  const written: string[] = []
  const stderr = { isTerminal: true, write: (text: string) => written.push(text) }
  await own.runWith({ stderr }, "simulate", "train-a", "--load", path)
  expect(written.join("")).toContain("100 %")
  expect(written.at(-1)).toBe("\r\u001b[K")
})

it("simulate --from reads the history from the policy's metric sources, and leaves the ledger unchanged", async () => {
  const own = await cloudFixture()
  own.advance(60 * MINUTE)
  const result = only(await own.run("simulate", "train-a", "--from", "30m", "--servers", "2", "--json"))
  // The sandbox has been at 95 since 16:52. Of the periods from 17:25 on, the third ends at 17:40. The first
  // tick after the lag is that of 17:45.
  expect(bought(result)).toEqual([["17:45", 2, 4, null]])
  expect(result.minutesAbove).toEqual({ "npu-busy": 25 })
  expect(await own.ledger(async (ledger) => (await ledger.head(STREAM)) ?? null)).toBeNull()
  expect(own.sandbox.orders).toEqual([])
})
