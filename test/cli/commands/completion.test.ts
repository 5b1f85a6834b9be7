import { spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, it, onTestFinished } from "vitest"
import { cliFixture } from "../harness.ts"

async function scriptOf(shell: string): Promise<string> {
  return (await cliFixture().run("completion", shell)).out
}

/** The completions that a real bash offers after these words; the last word is unfinished. */
function offered(script: string, words: readonly string[]): string[] {
  const asks = `COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _supernode_autoscaler; printf '%s\\n' "\${COMPREPLY[@]}"`
  const argv = ["--norc", "-c", `source <(cat); ${asks}`, "bash", "supernode-autoscaler", ...words]
  const { stdout, stderr } = spawnSync("bash", argv, { input: script, encoding: "utf8", cwd: "examples" })
  expect(stderr).toBe("")
  return stdout.split("\n").filter((word) => word !== "")
}

it("completion completes commands, options, choices and files in a real bash", async () => {
  const script = await scriptOf("bash")
  const cases: [string[], string[]][] = [
    [["sta"], ["status"]],
    [["ledger", "re"], ["restored"]],
    [["ledger", "init", "--no"], ["--nothing-in-flight"]],
    [
      ["settle", "train-a", "--as", ""],
      ["accepted", "completed", "absent"],
    ],
    [["--policy", "p.yaml", "audit", "list", "--kind", "de"], ["decided"]],
    [["pause", "--why", ""], []],
    [
      ["status", "--policy", "first"],
      ["first-run.ts", "first-run.yaml"],
    ],
    [["test", "scen"], ["scenario.yaml"]],
    [["completion", "--js"], ["--json"]],
  ]
  for (const [words, expected] of cases) expect(offered(script, words).sort()).toEqual([...expected].sort())
})

it.for(["zsh", "fish"])("completion prints a script that a real %s can read", async (shell, context) => {
  const script = await scriptOf(shell)
  expect(script).toContain("settle")
  if (spawnSync(shell, ["--version"]).error) return context.skip(`${shell} is not installed`)
  const folder = mkdtempSync(join(tmpdir(), "completion-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "script")
  writeFileSync(file, script)
  const { status, stderr } = spawnSync(shell, ["-n", file], { encoding: "utf8" })
  expect([status, stderr]).toEqual([0, ""])
})
