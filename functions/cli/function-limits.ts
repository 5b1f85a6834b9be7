import type { Command } from "commander"
import { readSettings } from "../../lib/app/settings.ts"
import { parseLedgerUrl } from "../../lib/ledger/open.ts"
import { CommandError } from "./errors.ts"
import type { CliIo } from "./io.ts"

// Commands and options that the manual function accepts.

/** Commands that a function runs. A new command is refused until it is listed here. */
export const FUNCTION_COMMANDS: readonly string[] = [
  "validate",
  "dry-run",
  "status",
  "settle",
  "reset",
  "pause",
  "resume",
  "hold",
  "approve",
  "ledger",
  "audit",
  "doctor",
  "notify",
]

const OWN_MACHINE = "it works with files of your own machine: run it there"

/** Commands that a function refuses, with what to do instead. */
export const REFUSED_COMMANDS: Readonly<Record<string, string>> = {
  run: "it may buy. Send the event to the function that accepts it, or a manual request to this one",
  apply: "it buys. Send the request that `dry-run` shows to this function, without `command`",
  serve: "it runs until stopped. The functions replace it",
  sandbox: "it runs until stopped: run it on your own machine",
  simulate: OWN_MACHINE,
  test: OWN_MACHINE,
  policy: OWN_MACHINE,
  init: "it writes a file: run it on your own machine",
  completion: "it is for a shell: run it on your own machine",
  "audit report":
    "it writes a page: run it where the ledger can be reached, or get the entries with `audit export`",
}

/** Options that make a command run without end. */
const ENDLESS = ["--watch", "--follow"]

/** Arguments that name a file. Options are recognized by their flags (`--event <FILE>`). */
const FILE_ARGUMENT = /^(POLICY|FILE|OLD|NEW)$/

/**
 * Returns the reason why no function runs this command; `null` if functions do, or if there is no such
 * command.
 */
export function whyRefused(name: string): string | null {
  const why = Object.hasOwn(REFUSED_COMMANDS, name) ? REFUSED_COMMANDS[name] : undefined
  return why === undefined ? null : sayRefused(name, why)
}

/** Words of a command, such as `["ledger", "init"]`. */
export function pathOf(action: Command): string[] {
  const names: string[] = []
  for (let at: Command | null = action; at?.parent; at = at.parent) names.unshift(at.name())
  return names
}

/** Commands that record nothing. */
const READING = ["validate", "dry-run", "status", "audit", "doctor", "notify"]

/**
 * Throws CommandError if the command would write to a ledger that no other container of the function reads.
 */
export function checkLedgerIsShared(action: Command, env: CliIo["env"]): void {
  const path = pathOf(action)
  const [name = ""] = path
  if (READING.includes(name) || path.join(" ") === "ledger show") return
  const { isServerless, ledgerUrl } = readSettings((setting) => env[setting], Object.keys(env))
  const { kind } = parseLedgerUrl(ledgerUrl)
  if (!isServerless || (kind !== "sqlite" && kind !== "memory")) return
  throw new CommandError(
    `${path.join(" ")} would have no effect on other runs: only this container of the function has the ${kind} ledger. Set SUPERNODE_LEDGER to a ledger that all functions share. Nothing was done`,
  )
}

/**
 * Checks a command before it does anything. Throws CommandError if a function does not accept it with these
 * options.
 */
export function checkLimits(action: Command): void {
  const path = pathOf(action)
  const [name = ""] = path
  const why = whyRefused(path.join(" "))
  if (why !== null) throw new CommandError(why)
  if (!FUNCTION_COMMANDS.includes(name))
    throw new CommandError(whyRefused(name) ?? sayRefused(name, OWN_MACHINE))
  const options: Record<string, unknown> = action.optsWithGlobals()
  for (const global of ["policy", "ledger"]) {
    if (options[global] !== undefined)
      throw new CommandError(
        `--${global} is not accepted here: this function's settings name its policy and ledger. Nothing was done`,
      )
  }
  for (const option of action.options) {
    const { long, flags } = option
    const value = options[option.attributeName()]
    if (long && ENDLESS.includes(long) && value !== undefined)
      throw new CommandError(`${long} runs until stopped, but a function responds once. Nothing was done`)
    if (long && flags.includes("<FILE>")) checkFile(long, value)
  }
  for (const [i, argument] of action.registeredArguments.entries())
    if (FILE_ARGUMENT.test(argument.name())) checkFile(argument.name(), action.args[i])
}

/** Refuses file names, since the files in the function's file system are not the caller's. */
function checkFile(what: string, value: unknown): void {
  if (value === undefined || value === "-") return
  throw new CommandError(
    `${what} names a file, but a function cannot read your files: write - instead, and put the text under "stdin" beside "command". Nothing was done`,
  )
}

function sayRefused(name: string, why: string): string {
  return `${name} is not for a function: ${why}. Nothing was done`
}
