import type { Command } from "commander"
import type { App } from "../../../lib/app/app.ts"
import type { Settings } from "../../../lib/app/settings.ts"
import { operatorCommand } from "../../../lib/decision/explain/operator-command.ts"
import { CLOCK_TOLERANCE_MS } from "../../../lib/decision/inputs/clock.ts"
import { visibleIn } from "../../../lib/decision/inputs/foreign-text.ts"
import type { TickSignal } from "../../../lib/decision/inputs/signal.ts"
import { presentServers, type Supernode } from "../../../lib/decision/inputs/supernode.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { CONTROL_STREAM, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import {
  loadPolicyFile,
  PolicyError,
  type PolicyFile,
  problemLine,
  warningLine,
} from "../../../lib/policy-file/load.ts"
import type { Read } from "../../../lib/ports.ts"
import { words } from "../arguments.ts"
import {
  type Cli,
  type CommonOptions,
  findSupernode,
  settingsOf,
  type Task,
  taskOf,
  withApp,
  withLedger,
} from "../context.ts"
import { CommandError, linesOf } from "../errors.ts"
import { lookAtLedger, requireLedger, sayNoLedger } from "../known-ledger.ts"
import { FALLBACK_ZONE, inZone, zoneOf } from "../print/time.ts"
import { type Check, failedCheck, passedCheck } from "./check.ts"
import { checkRules } from "./rules.ts"
import { checkOffers, checkOrders, checkSupernode, checkTraces } from "./supernode.ts"

export function registerDoctor(program: Command, cli: Cli): void {
  program
    .command("doctor")
    .summary("check everything that a run needs, and the data of each rule")
    .description(
      "Checks everything that a run needs: settings, policy, ledger, keys, each supernode, its offers, and the newest value of each rule. For each problem it says what to do; for a Cloud Eye rule without data it lists the metrics that exist. Writes nothing.",
    )
    .argument("[NAME]", "the supernode's name; default: all of them", words)
    .option("--json", "print the checks as JSON")
    .action(async (name: string | undefined, _options: unknown, command: Command) => {
      await doctor(taskOf(cli, command.optsWithGlobals<CommonOptions>()), name)
    })
}

async function doctor(task: Task, name: string | undefined): Promise<void> {
  const { checks, zone } = await checkAll(task, name)
  const failures = checks.filter(({ ok }) => !ok)
  if (failures.length > 0) task.fail()
  if (task.options.json) {
    task.screen.json({ ok: failures.length === 0, checks })
    return
  }
  const { screen } = task
  for (const { what, supernode, ok, says, todo } of visibleIn(checks)) {
    const mark = ok ? screen.paint.green("ok") : screen.paint.red("PROBLEM")
    screen.say(`${mark}  ${supernode === null ? "" : `${supernode}: `}${what}: ${inZone(says, zone)}`)
    for (const line of todo) screen.say(`      ${inZone(line, zone)}`)
  }
  screen.say(
    "",
    failures.length === 0
      ? "all is well"
      : `${counted(failures.length, "problem")} of ${counted(checks.length, "check")}`,
  )
}

/** Runs the steps in order, since each needs the results of earlier ones. A step that cannot run is not listed. */
async function checkAll(task: Task, name: string | undefined): Promise<{ checks: Check[]; zone: string }> {
  const settings = checkStep("settings", () => settingsOf(task))
  if (!settings.ok) return { checks: settings.checks, zone: FALLBACK_ZONE }
  const checks: Check[] = [passedCheck({ what: "settings", supernode: null }, saySettings(settings.value))]
  const policy = await checkStepAsync("policy", () => loadPolicyFile(settings.value.policyPath, task.now))
  if (policy.ok) checks.push(passedCheck({ what: "policy", supernode: null }, sayPolicy(policy.value)))
  else checks.push(...policy.checks)
  const shown = policy.ok ? shownOf(policy.value, name) : []
  const ledger = await checkStepAsync("ledger", () => checkLedger(task, shown))
  checks.push(...(ledger.ok ? [ledger.value] : ledger.checks))
  if (!policy.ok) return { checks, zone: FALLBACK_ZONE }
  const zone = zoneOf(policy.value.supernodes)
  task.screen.note(...policy.value.warnings.map((warning) => `warning: ${warningLine(warning)}`))
  const cloud = await checkStepAsync("cloud", () => withApp(task, (app) => checkCloud(task, app, shown)))
  // If the ledger cannot even be opened, its problem is already listed.
  return { checks: [...checks, ...(cloud.ok ? cloud.value : ledger.ok ? cloud.checks : [])], zone }
}

type StepResult<T> = { ok: true; value: T } | { ok: false; checks: Check[] }

function checkStep<T>(what: string, look: () => T): StepResult<T> {
  try {
    return { ok: true, value: look() }
  } catch (error) {
    return { ok: false, checks: failedChecksOf(what, error) }
  }
}

async function checkStepAsync<T>(what: string, look: () => Promise<T>): Promise<StepResult<T>> {
  try {
    return { ok: true, value: await look() }
  } catch (error) {
    return { ok: false, checks: failedChecksOf(what, error) }
  }
}

/**
 * Returns one check per problem, with the text that other commands show. Rethrows CommandError, since a wrong
 * argument is not a finding.
 */
function failedChecksOf(what: string, error: unknown): Check[] {
  if (error instanceof CommandError) throw error
  const lines =
    error instanceof PolicyError
      ? error.problems.map(problemLine)
      : linesOf(error).map((line) => line.replace(/^error: /, ""))
  return lines.map((line) => failedCheck({ what, supernode: null }, line))
}

function shownOf({ supernodes }: PolicyFile, name: string | undefined): LoadedPolicy[] {
  return name === undefined ? supernodes : [findSupernode(supernodes, name)]
}

function saySettings({ mode }: Settings): string {
  return mode === "live"
    ? "mode live: purchases are made"
    : "mode observe: everything is decided and recorded, nothing is bought (SUPERNODE_MODE is not live)"
}

function sayPolicy({ path, supernodes, warnings }: PolicyFile): string {
  const warned = warnings.length > 0 ? `, ${counted(warnings.length, "warning")} (see validate)` : ""
  return `${path}: valid, ${counted(supernodes.length, "supernode")}${warned}`
}

/**
 * Reads everything that a run would read, and checks that an append would succeed. Writes no entry, and
 * creates nothing that is missing.
 */
async function checkLedger(task: Task, shown: readonly LoadedPolicy[]): Promise<Check> {
  return withLedger(task, async (ledger, settings) => {
    const { place, known } = await lookAtLedger(ledger, settings)
    if (!known) return failedCheck({ what: "ledger", supernode: null }, sayNoLedger(place))
    await requireLedger(ledger, settings)
    await ledger.checkWritable()
    const streams = [CONTROL_STREAM, ...shown.map(({ policy }) => supernodeStream(policy.id))]
    const heads = await Promise.all(streams.map((stream) => ledger.head(stream)))
    const withEntries = heads.filter((head) => head !== undefined).length
    const subject = { what: "ledger", supernode: null }
    const durability = await ledger.durability()
    if (durability?.ok === false)
      return failedCheck(subject, `${place} (${known.id}): ${durability.says}`, "see docs/ledger-stores.md")
    const ahead = shown.filter((_, i) => (heads[i + 1]?.at ?? 0) > task.now + CLOCK_TOLERANCE_MS)
    if (ahead.length > 0)
      return failedCheck(
        subject,
        `entries of ${ahead.map(({ policy }) => policy.name).join(", ")} are dated ahead of this machine's clock, and runs hold (clock-behind-ledger)`,
        `set this machine's clock. If another clock was ahead before, run: ${ahead.map(({ policy }) => operatorCommand.reset(policy.name)).join("; ")}`,
      )
    const durable = durability === null ? "" : `; ${durability.says}`
    return passedCheck(
      subject,
      `${place} (${known.id}): readable and writable; ${withEntries} of ${counted(streams.length, "stream")} ${withEntries === 1 ? "has" : "have"} entries${durable}`,
    )
  })
}

async function checkCloud(task: Task, app: App, shown: readonly LoadedPolicy[]): Promise<Check[]> {
  const keys = await checkStepAsync("keys", () => app.checkKeys())
  if (!keys.ok) return keys.checks
  const ofSupernodes = await Promise.all(shown.map((loaded) => checkOne(task, app, loaded)))
  return [keysCheck(keys.value), ...ofSupernodes.flat()]
}

/** An order id that no order has. */
const NO_ORDER = "CS0000000000000000"

async function checkOne({ now }: Task, app: App, { policy }: LoadedPolicy): Promise<Check[]> {
  const [read, offers, order, traces] = await Promise.all([
    app.cloud.readSupernode(policy),
    app.cloud.readOffers(policy),
    app.cloud.readOrder?.(policy, NO_ORDER),
    app.cloud.readTraces?.(policy, { from: now - 3_600_000, to: now }),
  ])
  const servers = read.ok && read.value.servers !== null ? presentServers(read.value).length : null
  const checks = [
    checkSupernode(policy, read),
    checkOffers(policy, offers, servers),
    ...(order ? [checkOrders(policy, order)] : []),
    ...(traces ? [checkTraces(policy, traces)] : []),
  ]
  return read.ok ? [...checks, ...(await checkMeters(app, { policy, read, now }))] : checks
}

interface Metered {
  policy: LoadedPolicy["policy"]
  read: Extract<Read<Supernode>, { ok: true }>
  now: number
}

async function checkMeters(app: App, { policy, read, now }: Metered): Promise<Check[]> {
  const supernode = read.value
  const signal: TickSignal = { kind: "tick", id: "doctor", name: "doctor", at: now }
  const readings = await app.cloud.readMetrics({ policy, supernode, signal, now })
  return checkRules({ policy, supernode, readings, cloudEye: app.cloudEye, now })
}

function keysCheck(spoilt: string[]): Check {
  const subject = { what: "keys", supernode: null }
  return spoilt.length > 0
    ? failedCheck(subject, "the keys do not have the form of Huawei Cloud keys", ...spoilt)
    : passedCheck(subject, "keys are present")
}
