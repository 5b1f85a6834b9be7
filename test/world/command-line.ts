import type { CliIo } from "../../functions/cli/io.ts"
import { runCli } from "../../functions/cli/run-cli.ts"

/** Output and exit code of one command. */
export interface Ran {
  code: number
  out: string
  err: string
  json(): unknown
}

type CliParts = Partial<CliIo> & Pick<CliIo, "clock">

/** A command line of 100 columns with an empty stdin and no stop signal; `io` replaces parts of it. */
export function ioOf(io: CliParts): CliIo {
  const nothing = { write: () => undefined }
  return {
    stdout: nothing,
    stderr: nothing,
    stdin: bytes(""),
    env: {},
    isTerminal: false,
    columns: 100,
    user: "night-shift",
    untilStopped: () => new Promise(() => undefined),
    onHangup: () => () => undefined,
    ...io,
  }
}

/** Runs a command in this process. */
export async function ranCli(io: CliParts, argv: string[]): Promise<Ran> {
  const out: string[] = []
  const err: string[] = []
  const stdout = { write: (text: string) => out.push(text) }
  const stderr = { write: (text: string) => err.push(text) }
  const code = await runCli(argv, ioOf({ stdout, stderr, ...io }))
  return { code, out: out.join(""), err: err.join(""), json: () => JSON.parse(out.join("")) }
}

/** Text as the bytes of stdin. */
export async function* bytes(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text)
}
