import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { builtFolder, ROOT } from "../packaging/built.ts"
import { Program } from "./program.ts"

/** The command line as `npm run build` makes it, in a folder of its own. */
export interface BuiltCli {
  /** The script, for Node.js. */
  file: string
  /** `serve` on a free port. */
  serve(env: Record<string, string>, ...argv: string[]): Program
  /** Any command. */
  start(env: Record<string, string>, ...argv: string[]): Program
  /** Ends all of its processes. */
  remove(): Promise<void>
}

export async function buildCli(): Promise<BuiltCli> {
  const folder = mkdtempSync(join(tmpdir(), "built-cli-"))
  // SQLite for the oldest Node is native, and stays where it is.
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

/** Where a `serve` listens, once it says so. */
export async function urlOf(serving: Program): Promise<string> {
  return (await serving.until(/serving on (http:\/\/[^\s"]+)/))[1] ?? ""
}
