import type { Command } from "commander"
import type { Cli } from "./context.ts"

/** Defines one command, or several that share their code, with its arguments, options and action. */
export type Register = (program: Command, cli: Cli) => void

/** A command as the help of the program lists it. */
export interface CommandRow {
  name: string
  /** The arguments after the name, such as `[NAME]`; "" if there are none. */
  arguments: string
  /** False for a group of commands, which has no options of its own. */
  hasOptions: boolean
  summary: string
}

/** Commands that one module defines. The module is loaded only if the command line needs one of them. */
export interface CommandModule {
  rows: readonly CommandRow[]
  load(): Promise<Register>
}

/** All commands in the order of the help. */
export const COMMAND_MODULES: readonly CommandModule[] = [
  one(
    "init",
    "",
    "write a first policy, and a scenario that tests it",
    async () => (await import("./commands/init.ts")).registerInit,
  ),
  one(
    "validate",
    "[POLICY]",
    "check a policy file",
    async () => (await import("./commands/validate.ts")).registerValidate,
  ),
  group("policy", "compare policies", async () => (await import("./policy/policy.ts")).registerPolicy),
  one(
    "dry-run",
    "<NAME>",
    "the decision of a run now, with its reasons and the exact request",
    async () => (await import("./commands/dry-run.ts")).registerDryRun,
  ),
  one(
    "apply",
    "<FILE>",
    "buy exactly what a plan file shows, or nothing; may buy",
    async () => (await import("./commands/apply.ts")).registerApply,
  ),
  one(
    "run",
    "",
    "handle one event as the functions do; may buy",
    async () => (await import("./commands/run.ts")).registerRun,
  ),
  one(
    "status",
    "[NAME]",
    "one screen: servers, load, mode, what would hold now, budget, last order",
    async () => (await import("./commands/status.ts")).registerStatus,
  ),
  one(
    "settle",
    "<NAME>",
    "record the outcome of an attempt",
    async () => (await import("./commands/settle.ts")).registerSettle,
  ),
  one(
    "reset",
    "<NAME>",
    "allow purchases again after a refused order or an efficacy stop",
    async () => (await import("./commands/reset.ts")).registerReset,
  ),
  {
    rows: [
      row("pause", "[NAME]", "stop buying, everywhere or for one supernode"),
      row("resume", "[NAME]", "lift a pause"),
    ],
    load: async () => (await import("./commands/pause.ts")).registerPause,
  },
  one(
    "hold",
    "<NAME>",
    "no automatic purchases for a while",
    async () => (await import("./commands/hold.ts")).registerHold,
  ),
  one(
    "approve",
    "<PLANHASH>",
    "approve one plan",
    async () => (await import("./commands/approve.ts")).registerApprove,
  ),
  group(
    "ledger",
    "make a ledger, show it, record a restore",
    async () => (await import("./commands/ledger.ts")).registerLedger,
  ),
  group("audit", "read the ledger", async () => (await import("./audit/audit.ts")).registerAudit),
  one(
    "simulate",
    "<NAME>",
    "replay a load history through the real run",
    async () => (await import("./commands/simulate.ts")).registerSimulate,
  ),
  one(
    "test",
    "<FILE...>",
    "play scenario files against a policy",
    async () => (await import("./commands/test.ts")).registerTest,
  ),
  one(
    "sandbox",
    "",
    "a local ModelArts and Cloud Eye for trials",
    async () => (await import("./commands/sandbox.ts")).registerSandbox,
  ),
  one(
    "serve",
    "",
    "webhooks and ticks on this one host, until stopped",
    async () => (await import("./commands/serve.ts")).registerServe,
  ),
  one(
    "doctor",
    "[NAME]",
    "check everything that a run needs, and the data of each rule",
    async () => (await import("./doctor/doctor.ts")).registerDoctor,
  ),
  group(
    "notify",
    "check the recipients of notifications",
    async () => (await import("./commands/notify.ts")).registerNotify,
  ),
  one(
    "completion",
    "<SHELL>",
    "a script that completes commands and options in your shell",
    async () => (await import("./commands/completion.ts")).registerCompletion,
  ),
]

function row(name: string, args: string, summary: string): CommandRow {
  return { name, arguments: args, hasOptions: true, summary }
}

function one(name: string, args: string, summary: string, load: CommandModule["load"]): CommandModule {
  return { rows: [row(name, args, summary)], load }
}

function group(name: string, summary: string, load: CommandModule["load"]): CommandModule {
  return { rows: [{ name, arguments: "", hasOptions: false, summary }], load }
}

/** Commands that a command line needs: one by name, none (for the program's help), or all. */
export type Needed = { kind: "one"; name: string } | { kind: "none" } | { kind: "all" }

const VALUED_OPTIONS = ["--policy", "--ledger"]
const OF_PROGRAM = ["-h", "--help", "-V", "--version"]

/** Reads a command line only as far as its command's name. An unknown name needs all commands. */
export function neededBy(argv: readonly string[]): Needed {
  const words = [...argv]
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    if (VALUED_OPTIONS.includes(word)) words.shift()
    else if (OF_PROGRAM.includes(word)) return { kind: "none" }
    else if (VALUED_OPTIONS.some((option) => word?.startsWith(`${option}=`))) continue
    else return neededFor(word)
  }
  return { kind: "none" }
}

function neededFor(name: string): Needed {
  // A completion script lists every command with its options.
  const isKnown = COMMAND_MODULES.some(({ rows }) => rows.some((row) => row.name === name))
  return isKnown && name !== "completion" ? { kind: "one", name } : { kind: "all" }
}

/** Defines the needed commands in full, and the others only as far as the program's help shows them. */
export async function defineCommands(program: Command, cli: Cli, needed: Needed): Promise<void> {
  const isNeeded = ({ rows }: CommandModule): boolean =>
    needed.kind === "all" || (needed.kind === "one" && rows.some(({ name }) => name === needed.name))
  const loaded = await Promise.all(
    COMMAND_MODULES.map(async (module) => (isNeeded(module) ? module.load() : module.rows)),
  )
  for (const part of loaded) {
    if (typeof part === "function") part(program, cli)
    else for (const each of part) defineForHelp(program, each)
  }
}

function defineForHelp(program: Command, { name, arguments: args, hasOptions, summary }: CommandRow): void {
  const command = program.command(`${name} ${args}`.trim()).summary(summary)
  if (hasOptions) command.option("--json")
  command.action(() => {
    throw new Error(`the command ${name} was not loaded`)
  })
}
