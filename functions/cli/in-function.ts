import type { Command } from "commander"
import * as z from "zod"
import { systemClock } from "../../lib/app/start.ts"
import { CommandError, type ErrorJson, errorJson } from "./errors.ts"
import { EXIT } from "./exit-code.ts"
import { checkLedgerIsShared, checkLimits, pathOf, whyRefused } from "./function-limits.ts"
import type { CliIo } from "./io.ts"
import { runCli } from "./run-cli.ts"

// The command line inside the manual function: the same commands, with their JSON as the function's response.
// It works on a ledger that only the function can reach. Nothing here places an order.

const eventShape = z.strictObject({
  command: z.array(z.string()).min(1),
  /** Content of stdin, for arguments that are `-`. */
  stdin: z.string().optional(),
})

/**
 * Maximum size of a response. The platforms return at most 6 MB, and the envelope of the response needs part of
 * that.
 */
const MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024

/**
 * The JSON that `--json` prints, with `notes` for people beside it. Has `error` and `exitCode` if the command
 * failed.
 */
export interface CommandResponse {
  [key: string]: unknown
}

export interface RanCommand {
  response: CommandResponse
  exitCode: number
  /** Words of the command before its options, such as `ledger init`; for the log. */
  name: string
}

/** Runs `{ "command": […] }` with these settings. Never throws: the response describes any error. */
export async function runInFunction(event: unknown, env: CliIo["env"]): Promise<RanCommand> {
  const parsed = eventShape.safeParse(event)
  if (!parsed.success) return refused("", sayShape(event))
  const { command, stdin = "" } = parsed.data
  const [first = ""] = command.filter((word) => !word.startsWith("-"))
  const why = whyRefused(first)
  if (why !== null) return refused(first, why)

  const ran: CommandRun = { path: [], error: null, out: new Output(), notes: new Output() }
  const exitCode = await runCli(command, ioOf({ env, stdin, ...ran }), {
    before(action) {
      ran.path = pathOf(action)
      checkLimits(action)
      checkLedgerIsShared(action, env)
      askForJson(action)
    },
    failed: ({ error }) => {
      ran.error = error
    },
  })
  const name = ran.path.join(" ") || first
  return { response: responseOf({ ...ran, name, exitCode }), exitCode, name }
}

function sayShape(event: unknown): string {
  const names = Object.keys(event ?? {}).filter((name) => !Object.hasOwn(eventShape.shape, name))
  const others =
    names.length === 0 ? "" : `; not known: ${names.map((name) => JSON.stringify(name)).join(", ")}`
  return `the event must have the form {"command": ["status"]}: "command" is a list of one or more texts, and a text "stdin" is optional${others}. Nothing was done`
}

/** Sets `--json` as if it were given, except for the table of `--csv`. */
function askForJson(action: Command): void {
  const hasJson = action.options.some(({ long }) => long === "--json")
  if (hasJson && action.getOptionValue("csv") === undefined) action.setOptionValue("json", true)
}

interface CommandRun {
  /** Such as `["ledger", "init"]`. Empty if no command ran: for wrong usage, the help or the version. */
  path: string[]
  error: ErrorJson["error"] | null
  out: Output
  notes: Output
}

function responseOf({
  path,
  name,
  exitCode,
  out,
  notes: beside,
  ...ran
}: CommandRun & Omit<RanCommand, "response">): CommandResponse {
  if (out.isFull)
    return failedWith(
      `the output of ${name} is larger than 6 MB, which no function can return: name one stream, or request fewer entries`,
      exitCode || EXIT.failed,
    )
  const isText = path.length === 0 || path.at(-1) === "export"
  const document = documentOf(out.text, isText)
  const lines = linesOf(beside.text).filter((line) => !line.startsWith("error: "))
  const notes = lines.length > 0 ? { notes: lines } : {}
  if (exitCode === EXIT.done) return { ...document, ...notes }
  const { error, ...generic } = failedWith(
    `${name} ended with exit code ${exitCode}; see the other fields`,
    exitCode,
  )
  return { ...document, ...notes, error: ran.error ?? document["error"] ?? error, ...generic }
}

/** The printed JSON document, or the lines of a printed text. */
function documentOf(out: string, isText: boolean): CommandResponse {
  if (out === "") return {}
  const parsed = isText ? null : jsonOrNull(out)
  return typeof parsed === "object" && parsed !== null ? { ...parsed } : { lines: linesOf(out) }
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function linesOf(text: string): string[] {
  return text === "" ? [] : text.trimEnd().split(/\r?\n/)
}

function failedWith(message: string, exitCode: number): CommandResponse {
  return { ...errorJson(new CommandError(message)), exitCode }
}

function refused(name: string, message: string): RanCommand {
  return { name, response: failedWith(message, EXIT.usage), exitCode: EXIT.usage }
}

/** Text that a command wrote, up to the size of a response. A longer export then ends early. */
class Output {
  text = ""
  #bytes = 0

  write(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    if (!this.isFull) this.text += text
  }

  get isFull(): boolean {
    return this.#bytes > MAX_ANSWER_BYTES
  }

  get isGone(): boolean {
    return this.isFull
  }
}

interface World {
  env: CliIo["env"]
  stdin: string
  out: Output
  notes: Output
}

function ioOf({ env, stdin, out, notes }: World): CliIo {
  return {
    stdout: out,
    stderr: notes,
    stdin: bytesOf(stdin),
    env,
    isTerminal: false,
    columns: 100,
    clock: systemClock,
    // The platform knows the caller, but the command does not: --by names the operator.
    user: null,
    untilStopped: () => new Promise(() => undefined),
    onHangup: () => () => undefined,
  }
}

async function* bytesOf(text: string): AsyncIterable<Uint8Array> {
  yield Buffer.from(text)
}
