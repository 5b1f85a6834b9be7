import type { Command } from "commander"
import type { App } from "../../../lib/app/app.ts"
import type { Signal } from "../../../lib/decision/inputs/signal.ts"
import { counted } from "../../../lib/decision/policy/amounts.ts"
import { readSignals } from "../../../lib/signals/read.ts"
import { words } from "../arguments.ts"
import { type Cli, type CommonOptions, invocation, type Task, taskOf, VERBOSE, withApp } from "../context.ts"
import { CommandError, errorJson } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import { handleEvent } from "../handle-event.ts"
import { lookAtLedger } from "../known-ledger.ts"
import { type PlanFile, readPlanFile, whyNotApplied } from "../plan-file.ts"
import { lookOf, resultLines } from "../print/result.ts"
import { zoneOf } from "../print/time.ts"

interface ApplyOptions extends CommonOptions {
  yes?: true
}

export function registerApply(program: Command, cli: Cli): void {
  program
    .command("apply")
    .summary("buy exactly what a plan file shows, or nothing; may buy")
    .description(
      "Buys exactly what `dry-run --out` wrote, or nothing if anything changed since. A plan file buys once, within 24 hours, on the same ledger and under the same policy. Buys only if SUPERNODE_MODE is live.",
    )
    .argument("<FILE>", "the plan file; - reads stdin, and then needs --yes", words)
    .option("--yes", "do not ask for confirmation; required without a terminal")
    .option(...VERBOSE)
    .option("--json", "print the results as JSON, as the functions return them")
    .action(async (file: string, _options: unknown, command: Command) => {
      const options = command.optsWithGlobals<ApplyOptions>()
      await apply(taskOf(cli, options), file, options)
    })
}

async function apply(task: Task, file: string, { yes }: ApplyOptions): Promise<void> {
  const plan = await readPlanFile(file, task.io)
  const mayAsk = task.io.ask !== undefined
  if (!yes && !mayAsk)
    throw new CommandError(
      "there is no terminal to ask for confirmation. To buy without confirmation, add --yes; nothing was done",
    )
  await withApp(task, async (app) => {
    const why = await whyNot(app, plan, task.now)
    if (why !== null) return refuse(task, why)
    if (!yes && !(await isConfirmed(task, app, plan))) return
    // Checks again, since time has passed while a person read.
    const late = await whyNot(app, plan, task.io.clock.now())
    if (late !== null) return refuse(task, late)
    await handleEvent(task, app, plan.request)
  })
}

async function whyNot(app: App, plan: PlanFile, now: number): Promise<string | null> {
  const { known } = await lookAtLedger(app.ledger, app.settings)
  const loaded = app.policies.supernodes.find(({ policy }) => policy.name === plan.supernode)
  return whyNotApplied(plan, {
    ledgerId: known?.id ?? null,
    policyHash: loaded?.hash ?? null,
    now,
    zone: zoneOf(app.policies.supernodes),
  })
}

function refuse(task: Task, why: string): void {
  task.screen.note(`error: nothing was bought: ${why}`)
  endHeld(task, why)
}

function endHeld({ screen, options, fail }: Task, why: string): void {
  if (options.json) screen.json({ results: [], ...errorJson(new CommandError(`nothing was bought: ${why}`)) })
  fail(EXIT.held)
}

/** Shows what the plan would buy now, and asks a person to confirm it. */
async function isConfirmed(task: Task, app: App, { request, supernode }: PlanFile): Promise<boolean> {
  const { screen, io } = task
  const { results } = await app.runSignals(previewOf(request, task.now), invocation(), "dry-run", supernode)
  const look = lookOf(task, zoneOf(app.policies.supernodes))
  for (const result of results) screen.say(...resultLines(result, look), "")
  const isAgreed = await io.ask?.(
    `Buy ${counted(request.servers, "server")} in all for ${supernode}, or nothing if anything changed? Type yes: `,
  )
  if (isAgreed?.trim() === "yes") return true
  screen.note("nothing was bought: the answer was not yes")
  endHeld(task, "the answer was not yes")
  return false
}

function previewOf(request: PlanFile["request"], now: number): Signal[] {
  return readSignals({ ...request, mode: "dry-run" }, "any", { now }).signals
}
