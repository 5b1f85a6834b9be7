import { join } from "node:path"
import { expect, it } from "vitest"
import { cliFixture, POLICY, TWO_SUPERNODES } from "../harness.ts"

async function diff(before: string, after: string) {
  const own = cliFixture()
  const { code, out } = await own.run(
    "policy",
    "diff",
    own.file("old.yaml", before),
    own.file("new.yaml", after),
  )
  expect(code).toBe(0)
  return out.split("\n").map((line) => line.trim().replace(/ {2,}/g, " | "))
}

it("policy diff shows each changed key with its old and new value, and the maximum cost before and after", async () => {
  const changed = POLICY.replace("above: 85", "above: 90")
    .replace("points: 3 of 5", "points: 3 of 5\n        missing: breaching")
    .replace("amount: 240000", "amount: 250000")
    .replace("actions: 2 per 24h", "actions: 1 per 24h")
    .replace("    limits:", "    cooldown: 2h\n    limits:")
  const lines = await diff(POLICY, changed)
  expect(lines).toEqual(
    expect.arrayContaining([
      "train-a | changes",
      "rules.npu-busy.compare.value | 85 -> 90",
      "rules.npu-busy.missing | hold -> breaching",
      "ladder.4 servers.price.minor | 240000 -> 250000",
      "limits.actions.count | 2 -> 1",
      "cooldownMs | 1h -> 2h",
    ]),
  )
  expect(lines.filter((line) => /^(before|after):/.test(line))).toHaveLength(4)
})

it("policy diff matches supernodes by id: it lists added and removed supernodes, and a new name as a change", async () => {
  const added = await diff(POLICY, TWO_SUPERNODES)
  expect(added).toContain("train-b | is new: it may buy from now on")
  const removed = await diff(TWO_SUPERNODES, POLICY)
  expect(removed).toContain("train-b | is removed: nothing more is bought for it")
  const renamed = await diff(POLICY, POLICY.replace("train-a", "train-z"))
  expect(renamed).toEqual(expect.arrayContaining(["train-z | changes", "name | train-a -> train-z"]))
})

it("policy diff says that nothing changes if the files differ only in comments or layout", async () => {
  expect(await diff(POLICY, `# a comment\n${POLICY}`)).toContain(
    "nothing changes: both files have the same policies",
  )
})

it("policy diff shows that a webhook's address changes, but does not print the address", async () => {
  const notify = (secret: string) => `${POLICY}notify: [ { webhook: "https://hooks.example/${secret}" } ]\n`
  const lines = await diff(notify("T0/OLD-SECRET"), notify("T0/NEW-SECRET"))
  expect(lines.join("\n")).toMatch(/notify\.0\.address \| sha256:\w{8} -> sha256:\w{8}/)
  expect(lines.join("\n")).not.toContain("SECRET")
})

it("policy diff reads one of its two files from stdin", async () => {
  const own = cliFixture()
  const stdin = (async function* () {
    yield Buffer.from(POLICY.replace("above: 85", "above: 90"))
  })()
  const { out } = await own.runWith({ stdin }, "policy", "diff", join(own.dir, "policy.yaml"), "-")
  expect(out).toContain("85 -> 90")
})
