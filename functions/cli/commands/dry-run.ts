import { randomUUID } from "node:crypto"
import type { Command } from "commander"
import type { App } from "../../../lib/app/app.ts"
import type { Signal } from "../../../lib/decision/inputs/signal.ts"
import { armingUntil } from "../../../lib/decision/pacing/arming.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { stateOf, supernodeStream } from "../../../lib/ledger/next-entry.ts"
import type { RunResult } from "../../../lib/run/result.ts"
import { readSignals } from "../../../lib/signals/read.ts"
import { actor, planPath, reason, whole, words } from "../arguments.ts"
import {
  type Cli,
  type CommonOptions,
  findSupernode,
  invocation,
  type Task,
  taskOf,
  VERBOSE,
  withApp,
} from "../context.ts"
import { readEvent } from "../event-file.ts"
import { lookAtLedger, noteUnusableLedger } from "../known-ledger.ts"
import { checkPlanPath, planFileOf, writePlanFile } from "../plan-file.ts"
import {
  nextStepLines,
  type ReadyRequest,
  type Requester,
  readyRequest,
  whyNotReady,
} from "../print/next-step.ts"
import { lookOf, resultLines } from "../print/result.ts"
import { scheduleRows, scheduleStates } from "../print/schedule.ts"
import { tableOf } from "../print/table.ts"
import { WHO } from "./actor.ts"

interface DryRunOptions extends CommonOptions {
  event?: string
  servers?: number
  bypassCooldown?: true
  by?: string
  why?: string
  out?: string
}

export function registerDryRun(program: Command, cli: Cli): void {
  program
    .command("dry-run")
    .summary("the decision of a run now, with its reasons and the exact request")
    .description(
      "Shows what a run would decide now for one supernode: every gate with its numbers, the exact request, and the line that buys exactly that. Reads everything, writes nothing.",
    )
    .argument("<NAME>", "the supernode's name in the policy", words)
    .option(
      "--event <FILE>",
      "as if this event arrived (JSON; - reads stdin); default: as if a tick arrived",
      words,
    )
    .option("--servers <N>", "as if a person requested this many servers in all", whole(1, 48))
    .option("--bypass-cooldown", "as if a person's request bypassed the cooldown; no other gate is bypassed")
    .option("--by <WHO>", `requester in the line that buys (${WHO}); default: this system's user`, actor)
    .option("--why <TEXT>", "reason in the line that buys; without it no such line is printed", reason)
    .option(
      "--out <FILE>",
      "write the plan to this file, for `apply` within 24 hours; needs --why, and a plan that may be bought",
      planPath,
    )
    .option(...VERBOSE)
    .option("--json", "print the result as JSON, and the `request` that buys it")
    .action(async (name: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<DryRunOptions>()
      if (options.event !== undefined && (options.servers !== undefined || options.bypassCooldown)) {
        command.error("error: --event cannot be combined with --servers or --bypass-cooldown")
      }
      await dryRun(taskOf(cli, options), name, options)
    })
}

async function dryRun(task: Task, name: string, options: DryRunOptions): Promise<void> {
  if (options.out !== undefined) await checkPlanPath(options.out)
  const event = options.event === undefined ? undefined : await readEvent(options.event, task.io)
  await withApp(task, async (app) => {
    const loaded = findSupernode(app.policies.supernodes, name)
    const { policy } = loaded
    const ledger = await lookAtLedger(app.ledger, app.settings)
    noteUnusableLedger(task, ledger)
    const signals = event === undefined ? [ownSignal(task, policy.name, options)] : signalsIn(task, event)
    const { results, warnings } = await app.runSignals(signals, invocation(), "dry-run", policy.name)
    task.screen.note(...warnings.map((warning) => `warning: ${warning}`))
    const request = signals.find((signal) => signal.kind === "request")
    const requester = {
      requestedBy: options.by ?? (event === undefined ? null : request?.requestedBy) ?? task.io.user,
      why: options.why ?? (event === undefined ? null : request?.why) ?? null,
    }
    const ready = results.map((result) => readyRequest(result, request, requester))
    const requests = ledger.known ? ready : ready.map(() => null)
    const plan =
      options.out === undefined
        ? null
        : await writePlan(task, { loaded, results, requester, ready, ledger, out: options.out })
    await show(task, app, { loaded, results, requests, plan })
  })
}

interface ToWrite {
  loaded: LoadedPolicy
  results: readonly RunResult[]
  requester: Requester
  ready: (ReadyRequest | null)[]
  ledger: Awaited<ReturnType<typeof lookAtLedger>>
  out: string
}

/**
 * Writes the plan file. Returns `null` and exits 1 unless there is exactly one plan, and it may be bought.
 */
async function writePlan(
  task: Task,
  { loaded, results, requester, ready, ledger, out }: ToWrite,
): Promise<string | null> {
  const [[request], [result]] = [ready, results]
  if (!request || ready.length > 1) {
    task.screen.note(
      `error: ${out} was not written: ${whyNoPlan(result, { requester, runs: results.length })}`,
    )
    task.fail()
    return null
  }
  const ledgerId = ledger.known?.id ?? null
  const shown = { request, ledgerId, policyHash: loaded.hash, now: task.now, id: randomUUID() }
  await writePlanFile(out, planFileOf(shown))
  task.screen.note(`the plan is in ${out}, for 24 hours`)
  return out
}

interface NoPlan {
  requester: Requester
  runs: number
}

function whyNoPlan(result: RunResult | undefined, { requester, runs }: NoPlan): string {
  if (!result) return "the event leads to no run"
  if (runs > 1) return "the event leads to several runs, and a plan file holds one plan"
  return whyNotReady(result, requester)
}

function ownSignal({ now, io }: Task, supernode: string, options: DryRunOptions): Signal {
  const { servers = null, bypassCooldown = false, by, why = "a dry run" } = options
  const id = `dry-run:${randomUUID()}`
  if (servers === null && !bypassCooldown) return { kind: "tick", id, name: "dry-run", at: now }
  const requestedBy = by ?? io.user ?? "dry-run"
  const fields = { supernode, mode: "dry-run", servers, requestedBy, why, planHash: null } as const
  return { kind: "request", id, at: now, ...fields, bypassCooldown }
}

function signalsIn({ now, screen }: Task, event: unknown): Signal[] {
  const { signals, problems } = readSignals(event, "any", { now })
  screen.note(...problems.map((problem) => `warning: ${problem}`))
  return signals
}

interface DryRunOutput {
  loaded: LoadedPolicy
  results: RunResult[]
  /** For each result, the request that buys its plan; `null` if something prevents that. */
  requests: (ReadyRequest | null)[]
  /** Path of the plan file; `null` if none was written. */
  plan: string | null
}

async function show(task: Task, app: App, { loaded, results, requests, plan }: DryRunOutput): Promise<void> {
  const { screen, options, now } = task
  const { policy, hash: policyHash } = loaded
  const state = stateOf(await app.ledger.head(supernodeStream(policy.id)))
  const arming = armingUntil({ policy, policyHash, state, now })
  if (results.length === 0) screen.note(`the event does not concern ${policy.name}: nothing would happen`)
  if (options.json) {
    const [request = null] = requests
    const armed = arming === null ? {} : { armingUntil: arming }
    screen.json({ results, ...(request ? { request } : {}), ...armed })
    return
  }
  const zone = policy.timezone
  const look = lookOf(task, zone)
  const schedules = scheduleRows(scheduleStates(policy, state, now))
  for (const [i, result] of results.entries()) {
    const circumstances = { mode: app.settings.mode, arming, options, plan, zone }
    screen.say(
      ...resultLines(result, look),
      ...(schedules.length > 0 ? ["", ...tableOf(schedules, { columns: look.columns })] : []),
      ...nextStepLines(result, requests[i] ?? null, circumstances),
      "",
    )
  }
}
