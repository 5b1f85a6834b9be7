import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtFolder, ROOT } from "../packaging/built.ts"
import { Program } from "./program.ts"

/** Command line as `npm run build` makes it, in a temporary folder. */
export interface BuiltCli {
  /** Path of the script that Node.js runs. */
  file: string
  /** Starts `serve` on a free port. */
  serve(env: Record<string, string>, ...argv: string[]): Program
  /** Starts any command. */
  start(env: Record<string, string>, ...argv: string[]): Program
  /** Ends all started processes and removes the folder. */
  remove(): Promise<void>
}

export async function buildCli(): Promise<BuiltCli> {
  const folder = mkdtempSync(join(tmpdir(), "built-cli-"))
  // SQLite for the oldest Node.js is a native module, which stays in node_modules.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"))
  cpSync(join(await builtFolder("cli"), "cli"), join(folder, "dist", "cli"), { recursive: true })
  const file = join(folder, "dist", "cli", "index.js")
  const started: Program[] = []
  const start = (env: Record<string, string>, ...argv: string[]): Program => {
    const one = new Program(process.execPath, ["--no-warnings", file, ...argv], { cwd: folder, env })
    started.push(one)
    return one
  }
  return {
    file,
    serve: (env, ...argv) => start(env, "serve", "--port", "0", ...argv),
    start,
    async remove() {
      await Promise.all(started.map((one) => one.end()))
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** URL that a `serve` listens on. Waits until its log names it. */
export async function urlOf(serving: Program): Promise<string> {
  return (await serving.until(/serving on (http:\/\/[^\s"]+)/))[1] ?? ""
}
