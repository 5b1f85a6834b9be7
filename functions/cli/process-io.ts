import { once } from "node:events"
import { userInfo } from "node:os"
import process from "node:process"
import { isatty } from "node:tty"
import { systemClock } from "../../lib/app/system-clock.ts"
import type { CliIo, Sink } from "./io.ts"

/** Input and output of the real process. */
export function processIo(): CliIo {
  return {
    stdout: sinkOn(process.stdout),
    stderr: sinkOn(process.stderr),
    // A getter, since Node.js creates the stream of its input at the first access, and few commands read it.
    get stdin() {
      return process.stdin
    },
    env: process.env,
    isTerminal: process.stdout.isTTY === true,
    columns: process.stdout.columns ?? 100,
    clock: systemClock,
    ...(isatty(0) && process.stderr.isTTY === true ? { ask: askAtTerminal } : {}),
    get user() {
      return userName()
    },
    async untilStopped() {
      const done = new AbortController()
      const signals = ["SIGINT", "SIGTERM"].map((name) => once(process, name, { signal: done.signal }))
      await Promise.race(signals)
      for (const waiting of signals) waiting.catch(() => undefined)
      done.abort()
    },
    onHangup(work) {
      process.on("SIGHUP", work)
      return () => void process.off("SIGHUP", work)
    },
  }
}

/** Asks on stderr, since stdout may be for JSON. The end of the input counts as an empty answer. */
async function askAtTerminal(question: string): Promise<string> {
  const { createInterface } = await import("node:readline")
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return await new Promise<string>((resolve) => {
      terminal.once("close", () => resolve(""))
      terminal.question(question, resolve)
    })
  } finally {
    terminal.close()
  }
}

/**
 * Writes to a stream. A reader that goes away (`| head`) does not end the process, since a purchase may be on
 * its way.
 */
function sinkOn(stream: NodeJS.WriteStream): Sink {
  let isGone = false
  stream.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error
    isGone = true
  })
  return {
    write: (text) => isGone || stream.write(text),
    isTerminal: stream.isTTY === true,
    get isGone() {
      return isGone
    },
  }
}

function userName(): string | null {
  try {
    return userInfo().username || null
  } catch {
    // A container's user may be missing in its passwd file.
    return process.env["USER"] || process.env["LOGNAME"] || null
  }
}
