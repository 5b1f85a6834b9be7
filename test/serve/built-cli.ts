import { type ChildProcess, execFile, spawn } from "node:child_process"
import { cpSync, mkdtempSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { ROOT } from "../packaging/built.ts"

/** The command line as `npm run build` makes it, in a folder of its own. */
export interface BuiltCli {
  serve(env: Record<string, string>, ...argv: string[]): ServeProcess
  remove(): void
}

export async function buildCli(): Promise<BuiltCli> {
  const folder = mkdtempSync(join(tmpdir(), "built-cli-"))
  const living = new Set<ServeProcess>()
  // SQLite for the oldest Node is native, and stays where it is.
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"))
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"))
  await promisify(execFile)(process.execPath, [join(ROOT, "esbuild.config.mjs"), join(folder, "dist"), "cli"])
  return {
    serve(env, ...argv) {
      const file = join(folder, "dist", "cli", "index.mjs")
      const one = new ServeProcess(
        spawn(process.execPath, ["--no-warnings", file, "serve", "--port", "0", ...argv], {
          cwd: folder,
          env: { PATH: process.env["PATH"], ...env },
          stdio: ["ignore", "pipe", "pipe"],
        }),
      )
      living.add(one)
      return one
    },
    remove() {
      for (const one of living) one.kill("SIGKILL")
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One `serve` as a process of its own. */
export class ServeProcess {
  out = ""
  err = ""
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
  readonly #child: ChildProcess
  #heard: () => void = () => undefined
  #isOver = false

  constructor(child: ChildProcess) {
    this.#child = child
    child.stdout?.on("data", (bytes) => this.#hear(() => (this.out += String(bytes))))
    child.stderr?.on("data", (bytes) => this.#hear(() => (this.err += String(bytes))))
    this.ended = new Promise((resolve) => {
      child.once("close", (code, signal) =>
        this.#hear(() => {
          this.#isOver = true
          resolve(code ?? signal)
        }),
      )
    })
  }

  /** Waits for a line of its log. Throws with all that it said where it ended without. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.err) ?? pattern.exec(this.out)
      if (found) return found
      if (this.#isOver) throw new Error(`it ended without ${pattern}:\n${this.err}${this.out}`)
      await new Promise<void>((resolve) => {
        const before = this.#heard
        this.#heard = () => {
          before()
          resolve()
        }
      })
    }
  }

  async url(): Promise<string> {
    return (await this.until(/serving on (http:\/\/[^\s"]+)/))[1] ?? ""
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  #hear(change: () => void): void {
    change()
    this.#heard()
  }
}
