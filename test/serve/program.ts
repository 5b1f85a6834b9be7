import { type ChildProcess, spawn } from "node:child_process"

const living = new Set<Program>()
// A child process must not outlive this one.
process.on("exit", () => {
  for (const one of living) one.kill("SIGKILL")
})

export interface ProgramOptions {
  cwd: string
  env?: Record<string, string>
}

/** A program as a child process, and all of its output. */
export class Program {
  out = ""
  err = ""
  /** Exit code, the signal that ended the process, or the error if it never started. */
  readonly ended: Promise<number | string | null>
  readonly #child: ChildProcess
  #heard: () => void = () => undefined
  #hasExited = false

  constructor(file: string, args: readonly string[], { cwd, env = {} }: ProgramOptions) {
    living.add(this)
    this.#child = spawn(file, args, {
      cwd,
      env: { PATH: process.env["PATH"], ...env },
      stdio: ["ignore", "pipe", "pipe"],
    })
    this.#child.stdout?.on("data", (bytes) => {
      this.out += String(bytes)
      this.#heard()
    })
    this.#child.stderr?.on("data", (bytes) => {
      this.err += String(bytes)
      this.#heard()
    })
    this.ended = new Promise((resolve) => {
      const over = (how: number | string | null) => {
        this.#hasExited = true
        living.delete(this)
        this.#heard()
        resolve(how)
      }
      this.#child.once("close", (code, signal) => over(code ?? signal))
      this.#child.once("error", (error) => over(error.message))
    })
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** Waits until the output matches. Throws with all output if the process ends without a match. */
  async until(pattern: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = pattern.exec(this.err) ?? pattern.exec(this.out)
      if (found) return found
      if (this.#hasExited) throw new Error(`it ended without ${pattern}:\n${this.err}${this.out}`)
      await new Promise<void>((resolve) => {
        const before = this.#heard
        this.#heard = () => {
          before()
          resolve()
        }
      })
    }
  }

  kill(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Kills the process and waits until it has ended. */
  async end(): Promise<void> {
    this.kill("SIGKILL")
    await this.ended
  }
}
