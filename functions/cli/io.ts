import { visible, visibleJson } from "../../lib/decision/inputs/foreign-text.ts"
import type { Clock } from "../../lib/ports.ts"
import { terminalLine } from "./print/line.ts"
import { type Paint, paintOf } from "./print/paint.ts"

/** Parts of the process that the command line uses. Tests replace them. */
export interface CliIo {
  stdout: Sink
  stderr: Sink
  /** Input for arguments that are `-`, such as `--event -`. */
  stdin: AsyncIterable<Uint8Array>
  env: Readonly<Record<string, string | undefined>>
  /** True if stdout is a terminal. Output then has colours, and tables wrap at `columns`. */
  isTerminal: boolean
  columns: number
  clock: Clock
  /** Shows a question at the terminal and returns the typed line. Absent if no person can answer. */
  ask?(question: string): Promise<string>
  /** Name of the operator if --by is omitted; `null` if the system does not know it. */
  user: string | null
  /**
   * Resolves at the first SIGINT or SIGTERM after the call. That signal does not end the process; later ones
   * do.
   */
  untilStopped(): Promise<void>
  /**
   * Calls `work` on each SIGHUP, which then does not end the process. The returned function removes `work`.
   */
  onHangup(work: () => void): () => void
}

export interface Sink {
  write(text: string): unknown
  /** True if a person watches; progress is shown only then. */
  readonly isTerminal?: boolean
  /** True if the reader has gone (`| head`); a long output may then end early. */
  readonly isGone?: boolean
}

/** Output of a command: reports go to stdout, notes to stderr. With `--json`, stdout holds only JSON. */
export interface Screen {
  /**
   * Prints lines for people, on stdout or, if stdout is for JSON, on stderr. Each text stays one line, so
   * foreign text cannot forge another line.
   */
  say(...lines: string[]): void
  /** Prints a line beside the report, on stderr: a note, a warning, an error. */
  note(...lines: string[]): void
  json(value: unknown): void
  /** Prints one JSON value as one line. */
  jsonLine(text: string): void
  paint: Paint
}

export function screenOf(io: CliIo, isJson: boolean): Screen {
  const hasColours = io.isTerminal && !isJson && !io.env["NO_COLOR"]
  const clean = hasColours ? terminalLine : visible
  const write = (sink: Sink, lines: string[]): void => {
    for (const line of lines) sink.write(`${clean(line)}\n`)
  }
  return {
    say: (...lines) => write(isJson ? io.stderr : io.stdout, lines),
    note: (...lines) => write(io.stderr, lines),
    // Keeps the value as it is, since a changed entry no longer fits its hash. Only escapes what steers a
    // terminal.
    json: (value) => io.stdout.write(`${visibleJson(JSON.stringify(value, null, 2))}\n`),
    jsonLine: (text) => io.stdout.write(`${visibleJson(text)}\n`),
    paint: paintOf(hasColours),
  }
}
