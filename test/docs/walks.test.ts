import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
import { IS_FULL } from "../full.ts"
import { builtFolder, ROOT } from "../packaging/built.ts"
import { Program } from "../serve/program.ts"
import { blocksOf, type Play, typed, WALKS } from "./walks.ts"

// Follows the documents as a newcomer would: in a fresh clone, block by block, with the sandbox as the cloud.

describe.runIf(IS_FULL)("documents that a newcomer follows", () => {
  const folders: string[] = []
  const started: Program[] = []
  let dist: string

  beforeAll(async () => {
    dist = await builtFolder("cli")
  })
  afterAll(async () => {
    await Promise.all(started.map((one) => one.end()))
    for (const folder of folders) rmSync(folder, { recursive: true, force: true })
  })

  /** A folder with what a clone has after `npm ci && npm start`. */
  function clone(): string {
    const folder = mkdtempSync(join(tmpdir(), "walk-"))
    folders.push(folder)
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
    for (const name of ["package.json", "examples", "docs"])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true })
    cpSync(join(dist, "cli"), join(folder, "dist/cli"), { recursive: true })
    mkdirSync(join(folder, "bin"))
    const command = `#!/bin/sh\nexec ${process.execPath} --no-warnings ${join(folder, "dist/cli/index.js")} "$@"\n`
    writeFileSync(join(folder, "bin/supernode-autoscaler"), command, { mode: 0o755 })
    return folder
  }

  /** A terminal that keeps the exports and aliases of one block for the next one. */
  class Terminal {
    readonly #folder: string
    #before = "shopt -s expand_aliases\nset -eo pipefail\n"

    constructor(folder: string) {
      this.#folder = folder
    }

    async type(text: string, { servesUntil, begins }: Pick<Play, "servesUntil" | "begins">): Promise<string> {
      const shell = new Program("bash", ["-c", `${this.#before}${servesUntil ? alone(text) : text}`], {
        cwd: this.#folder,
        env: { PATH: `${join(this.#folder, "bin")}:${process.env["PATH"]}`, HOME: this.#folder },
      })
      started.push(shell)
      if (servesUntil) await shell.until(servesUntil)
      else expect([begins, await shell.ended, shell.err + shell.out]).toEqual([begins, 0, expect.anything()])
      const lasting = servesUntil ? shell.out : text
      for (const [line] of lasting.matchAll(/^ *(?:export|unset|alias) .*$/gm)) this.#before += `${line}\n`
      return shell.out + shell.err
    }
  }

  it.each(Object.entries(WALKS))(
    "every command block of %s runs in order in a fresh clone",
    async (file, { first, plays }) => {
      const blocks = blocksOf(readFileSync(join(ROOT, file), "utf8"))
      const terminal = new Terminal(clone())
      const own = plays.some(({ begins }) => begins === "supernode-autoscaler sandbox")
      if (!own) {
        const begins = "supernode-autoscaler sandbox --port 0"
        await terminal.type(begins, { begins, servesUntil: /export SUPERNODE_MODE=live[\s\S]*curl/ })
      }
      if (first !== "") await terminal.type(first, { begins: first })
      for (const play of plays) {
        const block = blocks.find((one) => one.split("\n")[0] === play.begins)
        const printed = await terminal.type(typed(String(block), play), play)
        if (play.prints) expect(printed).toMatch(play.prints)
      }
    },
  )
})

/** Replaces the shell by the command, so that ending the shell ends the command. */
function alone(command: string): string {
  return `exec ${/^[A-Z_]+=/.test(command) ? "env " : ""}${command}`
}
