import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, it } from "vitest"
import { cliFixture, cloudFixture, POLICY } from "./harness.ts"

const ALARM = "test/events/functiongraph-smn-cloud-eye-alarm.json"
const SAID = ["--why", "maintenance", "--by", "ops"]
const IN_SHANGHAI = POLICY.replace("version: 1", "version: 1\ntimezone: Asia/Shanghai")

it("commands show every time in the policy's zone with its offset, and JSON has instants in UTC", async () => {
  const own = await cloudFixture({}, IN_SHANGHAI)
  await own.run("run", "--event", ALARM)
  const shown = [
    [["pause", "--until", "2h", ...SAID], "2024-01-13 02:52:00 +08:00, in 2 hours"],
    [["hold", "train-a", "--until", "3h", ...SAID], "2024-01-13 03:52:00 +08:00, in 3 hours"],
    [["status"], "by ops, 2024-01-13 00:52:00 +08:00, 0 seconds ago"],
    [["dry-run", "train-a", "-v"], "by ops at 2024-01-13 00:52:00 +08:00, until 2024-01-13 02:52:00 +08:00"],
    [["audit", "list"], "2024-01-13 00:52:00 +08:00  train-a"],
    [["audit", "show", "train-a", "1", "-v"], "(alarm) of 2024-01-13 00:51:16 +08:00"],
    [["ledger", "show"], "made 2024-01-13 00:52:00 +08:00"],
    [["doctor"], "period ended 2024-01-13 00:50:00 +08:00, 2 minutes ago"],
    [["settle", "train-a", "--as", "absent", ...SAID], "opened 2024-01-13 00:52:00 +08:00"],
  ] as const
  for (const [argv, expected] of shown) {
    const { out, err } = await own.run(...argv)
    expect(out + err).toContain(expected)
    expect(out + err).not.toMatch(/\d:\d\d(:\d\d)?(\.\d+)?Z/)
  }
  const page = join(own.dir, "report.html")
  expect(await own.run("audit", "report", page)).toMatchObject({ code: 0 })
  expect(readFileSync(page, "utf8")).toContain("until 2024-01-13 02:52:00 +08:00")
  const { out: json } = await own.run("audit", "list", "--json")
  expect(json).toContain("until 2024-01-12T18:52:00.000Z")
  expect(json).not.toContain("+08:00")
})

it("an option accepts a time in the form in which commands show it", async () => {
  const own = cliFixture(IN_SHANGHAI)
  const { code, out } = await own.run("pause", "--until", "2024-01-13 02:52:00 +08:00", ...SAID)
  expect([code, out]).toEqual([0, expect.stringContaining("until 2024-01-13 02:52:00 +08:00, in 2 hours")])
})

it("commands show times in UTC, with a note, if the policy cannot be read", async () => {
  const own = cliFixture()
  const { out, err } = await own.run("audit", "list", "--policy", `${own.dir}/none.yaml`)
  expect(out).toContain("2024-01-12 16:52:00 +00:00")
  expect(err).toMatch(/^note: the policy .*none\.yaml cannot be read, so .* times in UTC$/m)
})
