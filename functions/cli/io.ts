import { visible, visibleJson } from "../../lib/decision/inputs/foreign-text.ts"
import type { Clock } from "../../lib/ports.ts"
import { terminalLine } from "./print/line.ts"
import { type Paint, paintOf } from "./print/paint.ts"

/** The parts of its process that the command line uses; tests bring their own. */
export interface CliIo {
  stdout: Sink
  stderr: Sink
  /** For `--event -`. */
  stdin: AsyncIterable<Uint8Array>
  env: Readonly<Record<string, string | undefined>>
  /** stdout is a terminal: colours, and lines cut to `columns`. */
  isTerminal: boolean
  columns: number
  clock: Clock
  /** Asks the person at the terminal and gives the line that was typed; not there where no person can answer. */
  ask?(question: string): Promise<string>
  /** The operator if --by is left out; null if the system does not know. */
  user: string | null
  /** Resolves on the first SIGINT or SIGTERM after it was called; then these no longer end the process by themselves. */
  untilStopped(): Promise<void>
  /** Calls `work` on each SIGHUP, which then ends nothing, until what it gives back is called. */
  onHangup(work: () => void): () => void
}

export interface Sink {
  write(text: string): unknown
  /** A person watches: progress is shown. */
  readonly isTerminal?: boolean
  /** The reader has gone (`| head`): a long output may end early. */
  readonly isGone?: boolean
}

/** Where a command's words go: reports to stdout, notes to stderr; with `--json` stdout is for JSON alone. */
export interface Screen {
  /** Lines for people: stdout, or stderr where stdout is for JSON. Each text is one line, so foreign text cannot forge another. */
  say(...lines: string[]): void
  /** A line beside the report: a note, a warning, an error. */
  note(...lines: string[]): void
  json(value: unknown): void
  /** One JSON value per line. */
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
    // The value as it is, since an entry that was changed no longer fits its hash; what steers a terminal is escaped.
    json: (value) => io.stdout.write(`${visibleJson(JSON.stringify(value, null, 2))}\n`),
    jsonLine: (text) => io.stdout.write(`${visibleJson(text)}\n`),
    paint: paintOf(hasColours),
  }
}
