import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { bundle, type ScriptName } from "../../processes/bundle.ts"

/** A child process that runs one of the tests' scripts. */
export class Child {
  readonly #process: ChildProcessWithoutNullStreams
  readonly #lines: AsyncIterator<string>
  #stderr = ""

  constructor(file: string, args: string[]) {
    this.#process = spawn(process.execPath, ["--no-warnings", file, ...args])
    this.#process.stdin.on("error", () => {})
    this.#process.stderr.on("data", (bytes) => {
      this.#stderr += String(bytes)
    })
    this.#lines = createInterface({ input: this.#process.stdout })[Symbol.asyncIterator]()
  }

  /** The next line it prints. If the process ended instead, throws its stderr. */
  async line(): Promise<string> {
    const { value, done } = await this.#lines.next()
    if (done) throw new Error(`the child ended: ${this.#stderr}`)
    return value
  }

  async linesToEnd(): Promise<string[]> {
    const lines: string[] = []
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next())
      lines.push(next.value)
    if (lines.length === 0) throw new Error(`the child said nothing: ${this.#stderr}`)
    return lines
  }

  go(): void {
    this.#process.stdin.write("go\n")
  }

  /** Sends SIGKILL. Returns the lines that it had printed before. */
  async kill(): Promise<string[]> {
    this.#process.kill("SIGKILL")
    const lines: string[] = []
    for (let next = await this.#lines.next(); !next.done; next = await this.#lines.next())
      lines.push(next.value)
    return lines
  }
}

export async function startChild(script: ScriptName, args: string[]): Promise<Child> {
  return new Child((await bundle(script)).file, args)
}
