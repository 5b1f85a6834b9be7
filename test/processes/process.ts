import { type ChildProcess, spawn } from "node:child_process"

const living = new Set<OwnProcess>()
// A stopped process would not notice that its parent has ended.
process.on("exit", () => {
  for (const one of living) one.signal("SIGKILL")
})

/** A child process in its own process group. Its IPC channel lets it end when we do. */
export class OwnProcess {
  readonly ended: Promise<void>
  readonly #child: ChildProcess
  readonly #messages: unknown[] = []
  #heard: () => void = () => {}
  #stderr = ""
  #hasExited = false

  /** The last argument sets another Node.js than ours, and another working directory. */
  constructor(
    file: string,
    args: readonly string[],
    settings: Record<string, string>,
    { node = process.execPath, ...place }: { node?: string; cwd?: string } = {},
  ) {
    living.add(this)
    this.#child = spawn(node, ["--no-warnings", file, ...args], {
      ...place,
      env: { ...process.env, SUPERNODE_LOG_LEVEL: "ERROR", ...settings },
      stdio: ["ignore", "ignore", "pipe", "ipc"],
      detached: true,
    })
    this.#child.stderr?.on("data", (bytes) => {
      this.#stderr = `${this.#stderr}${String(bytes)}`.slice(-20_000)
    })
    this.#child.on("message", (message) => {
      this.#messages.push(message)
      this.#heard()
    })
    this.ended = new Promise((resolve) => {
      const over = () => {
        this.#hasExited = true
        living.delete(this)
        this.#heard()
        resolve()
      }
      this.#child.once("close", over)
      this.#child.once("error", (error) => {
        this.#stderr += String(error)
        over()
      })
    })
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  get hasExited(): boolean {
    return this.#hasExited
  }

  /** The end of its stderr. */
  get stderr(): string {
    return this.#stderr
  }

  /** Its next message. If the process ended instead, throws its stderr. */
  async next(): Promise<unknown> {
    while (this.#messages.length === 0) {
      if (this.#hasExited) throw new Error(`the process ended without a word: ${this.#stderr}`)
      await new Promise<void>((resolve) => {
        this.#heard = resolve
      })
    }
    return this.#messages.shift()
  }

  tell(message: string): void {
    this.#child.send(message, () => {})
  }

  /** Sends a signal to the process and all that it started. Returns false if it has ended. */
  signal(signal: "SIGKILL" | "SIGSTOP" | "SIGCONT"): boolean {
    const { pid } = this.#child
    if (this.#hasExited || pid === undefined) return false
    try {
      return process.kill(-pid, signal)
    } catch {
      return false
    }
  }
}
