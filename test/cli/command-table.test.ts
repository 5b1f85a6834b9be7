import { describe, expect, it } from "vitest"
import { COMMAND_MODULES, type Needed, neededBy } from "../../functions/cli/command-table.ts"
import { programOf } from "../../functions/cli/run-cli.ts"

const io = { clock: { now: () => 0 } } as Parameters<typeof programOf>[0]["io"]
const helpWith = async (needed: Needed) =>
  (await programOf({ io, fail: () => undefined }, needed)).helpInformation()

describe("the table of commands", () => {
  it("the command line's help is the same whether no, one or all command definitions are loaded", async () => {
    expect(await helpWith({ kind: "none" })).toBe(await helpWith({ kind: "all" }))
    expect(await helpWith({ kind: "one", name: "resume" })).toBe(await helpWith({ kind: "all" }))
  })

  it("each command in the command table has a definition with a description or subcommands", async () => {
    const names = COMMAND_MODULES.flatMap(({ rows }) => rows.map(({ name }) => name))
    for (const name of names) {
      const program = await programOf({ io, fail: () => undefined }, { kind: "one", name })
      const command = program.commands.find((one) => one.name() === name)
      expect(command?.description() || command?.commands.length, name).toBeTruthy()
    }
  })

  it.each<[string[], Needed]>([
    [[], { kind: "none" }],
    [["--help"], { kind: "none" }],
    [["--policy", "status", "-V"], { kind: "none" }],
    [["status", "--help"], { kind: "one", name: "status" }],
    [["--ledger", "memory:", "--policy=other.yaml", "resume"], { kind: "one", name: "resume" }],
    [["help", "status"], { kind: "all" }],
    [["completion", "bash"], { kind: "all" }],
    [["--json", "status"], { kind: "all" }],
    [["statsu"], { kind: "all" }],
    [["--"], { kind: "all" }],
  ])("the command line with the arguments %j loads these commands: %j", (argv, needed) => {
    expect(neededBy(argv)).toEqual(needed)
  })
})
