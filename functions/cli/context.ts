import { randomUUID } from "node:crypto"
import type { App, Invocation } from "../../lib/app/app.ts"
import { openLedgerOf } from "../../lib/app/ledger-of.ts"
import { openPolicyAndLedger } from "../../lib/app/policy-and-ledger.ts"
import { readSettings, type Settings, SettingsError } from "../../lib/app/settings.ts"
import { isSameId } from "../../lib/decision/inputs/id.ts"
import { didYouMean } from "../../lib/decision/policy/did-you-mean.ts"
import type { LoadedPolicy } from "../../lib/decision/policy/loaded-policy.ts"
import type { CommandPorts } from "../../lib/ledger/commands.ts"
import type { AuditedLedger } from "../../lib/ledger/open.ts"
import { CommandError } from "./errors.ts"
import type { ExitCode } from "./exit-code.ts"
import { type CliIo, type Screen, screenOf } from "./io.ts"

/** One run of the command line. */
export interface Cli {
  io: CliIo
  /** Makes the command end with this exit code, unless another one is more serious. Defaults to 1: failed. */
  fail(code?: ExitCode): void
}

/** Options of every command. */
export interface CommonOptions {
  policy?: string
  ledger?: string
  json?: boolean
  /** `-v`, if the command has this option. */
  verbose?: boolean
}

/** Option of commands that show gates. */
export const VERBOSE = ["-v, --verbose", "show passing gates, too"] as const

/** A command with parsed arguments. */
export interface Task extends Cli {
  options: CommonOptions
  screen: Screen
  now: number
}

export function taskOf(cli: Cli, options: CommonOptions): Task {
  return { ...cli, options, screen: screenOf(cli.io, options.json === true), now: cli.io.clock.now() }
}

/** Settings of the environment, which --policy and --ledger override. Throws SettingsError. */
export function settingsOf({ io, options }: Task): Settings {
  const given: Record<string, string | undefined> = {
    SUPERNODE_POLICY: options.policy,
    SUPERNODE_LEDGER: options.ledger,
  }
  try {
    return readSettings((name) => given[name] ?? io.env[name], Object.keys(io.env))
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    // Names a setting as the operator gave it: by the option instead of the variable.
    const flags = { SUPERNODE_POLICY: "--policy", SUPERNODE_LEDGER: "--ledger" }
    const named = Object.entries(flags).filter(([name]) => given[name] !== undefined)
    throw new SettingsError(
      error.problems.map((problem) =>
        named.reduce(
          (text, [name, flag]) => (text.startsWith(name) ? flag + text.slice(name.length) : text),
          problem,
        ),
      ),
    )
  }
}

/** Opens policy, ledger and cloud, and closes them after `work`. */
export async function withApp<T>(task: Task, work: (app: App) => Promise<T>): Promise<T> {
  // Loaded on demand, so that a command without the cloud starts without the clients of all clouds.
  const { startApp } = await import("../../lib/app/start.ts")
  const app = await startApp(settingsOf(task), { clock: task.io.clock })
  return closing(app, () => work(app))
}

/** Opens policy and ledger without the cloud, and closes them after `work`. */
export async function withPolicyAndLedger<T>(
  task: Task,
  work: (open: Pick<App, "settings" | "policies" | "ledger">) => Promise<T>,
): Promise<T> {
  const settings = settingsOf(task)
  const { policies, ledger } = await openPolicyAndLedger(settings, { now: task.io.clock.now })
  return closing(ledger, () => work({ settings, policies: policies.current(), ledger }))
}

/**
 * Opens only the ledger, and closes it after `work`. Commands that stop purchases must work with a broken
 * policy.
 */
export async function withLedger<T>(
  task: Task,
  work: (ledger: AuditedLedger, settings: Settings) => Promise<T>,
): Promise<T> {
  const settings = settingsOf(task)
  const ledger = await openLedgerOf(settings, { now: task.io.clock.now })
  return closing(ledger, () => work(ledger, settings))
}

async function closing<T>(open: { close(): Promise<void> }, work: () => Promise<T>): Promise<T> {
  const done = await work().catch(async (error: unknown) => {
    // Only the first error is reported.
    await open.close().catch(() => undefined)
    throw error
  })
  await open.close()
  return done
}

export function commandPorts({ io }: Task, ledger: AuditedLedger): CommandPorts {
  return { ledger, clock: io.clock, newId: randomUUID }
}

/** Invocation without a function's time limit, since a person waits. The keys come from the settings. */
export function invocation(): Invocation {
  return { requestId: randomUUID(), remainingMs: () => Number.POSITIVE_INFINITY, credentials: null }
}

/** Finds a supernode by name or id. Throws CommandError that names the known ones. */
export function findSupernode(supernodes: readonly LoadedPolicy[], name: string): LoadedPolicy {
  const found = supernodes.find(({ policy }) => policy.name === name || isSameId(policy.id, name))
  if (found) return found
  const known = supernodes.map(({ policy }) => policy.name)
  const near = didYouMean(name, known)
  throw new CommandError(
    `no supernode is named "${name}" in the policy${near === null ? "." : `; did you mean ${near}?`} Known: ${known.join(", ") || "none"}`,
  )
}
