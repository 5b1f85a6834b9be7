import type { CliIo } from "../../functions/cli/io.ts"
import { runCli } from "../../functions/cli/run-cli.ts"
import { systemClock } from "../../lib/app/start.ts"

/** What one command printed, and its exit code. */
export interface Ran {
  code: number
  out: string
  err: string
  json(): unknown
}

/** Text in the form of stdin. */
export async function* bytes(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text)
}

/** A terminal of 100 columns that no person watches: empty stdin, no signals, the system's clock. */
export function ioOf(over: Partial<CliIo>): CliIo {
  const nothing = { write: () => undefined }
  return {
    stdout: nothing,
    stderr: nothing,
    stdin: bytes(""),
    env: {},
    isTerminal: false,
    columns: 100,
    clock: systemClock,
    user: "night-shift",
    untilStopped: () => new Promise(() => undefined),
    onHangup: () => () => undefined,
    ...over,
  }
}

export async function ranCli(io: Partial<CliIo>, argv: string[]): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await runCli(
    argv,
    ioOf({
      stdout: { write: (text) => out.push(text) },
      stderr: { write: (text) => err.push(text) },
      ...io,
    }),
  )
  return { code, out: out.join(""), err: err.join(""), json: () => JSON.parse(out.join("")) }
}
