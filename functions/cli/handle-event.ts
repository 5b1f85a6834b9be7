import { type App, type Handled, RunsFailed } from "../../lib/app/app.ts"
import { saysUnusable } from "../../lib/decision/gates/ledger.ts"
import { ledgerPlace } from "../../lib/ledger/open.ts"
import { invocation, type Task } from "./context.ts"
import { type ErrorJson, errorJson, linesOf } from "./errors.ts"
import { exitCodeOf } from "./exit-code.ts"
import { lookAtLedger, sayLedger } from "./known-ledger.ts"
import { lookOf, resultLines } from "./print/result.ts"
import { inZone, zoneOf } from "./print/time.ts"

/**
 * Handles one event as the functions do, and shows its results; may buy. The exit code gives the outcome of
 * an order.
 */
export async function handleEvent(task: Task, app: App, event: unknown): Promise<void> {
  // On an interrupt, the process finishes first. If it stopped after sending a purchase but before recording the
  // outcome, that outcome would be unknown and would hold all later purchases.
  void task.io.untilStopped().then(() => {
    task.screen.note("finishing first: a purchase may be in progress. Interrupt again to stop at once")
  })
  try {
    show(task, app, await app.handle(event, "any", invocation()))
    await showLedger(task, app)
  } catch (error) {
    if (!(error instanceof RunsFailed)) throw error
    // One run failed. The results of the other supernodes are still shown.
    const { results, warnings } = error
    showResults(task, {
      results,
      warnings,
      isAsked: false,
      zone: zoneOf(app.policies.supernodes),
      ...errorJson(error),
    })
    task.screen.note(...linesOf(error))
    task.fail()
  }
}

/**
 * Shows the ledger beside the results, since their JSON must equal that of the functions. Shows nothing if
 * the ledger has no id; that was reported before.
 */
async function showLedger({ screen, options }: Task, { ledger, settings }: App): Promise<void> {
  const { known } = await lookAtLedger(ledger, settings)
  if (!known) return
  if (options.json) screen.note(sayLedger(known))
  else screen.say(sayLedger(known))
}

function show(
  task: Task,
  { settings: { ledgerUrl }, policies }: App,
  { results, warnings, problems, http, asksToBuy }: Handled,
): void {
  const { screen } = task
  const refusal =
    http !== null && http.status >= 400
      ? `an HTTP endpoint would respond with ${http.status}: ${JSON.stringify(http.body)}`
      : null
  const isRefused = refusal !== null || problems.length > 0
  const message = refusal ?? "parts of the event could not be read; the rest was handled"
  const refused = isRefused ? { error: { kind: "event", message, problems } } : {}
  const zone = zoneOf(policies.supernodes)
  showResults(task, { results, warnings, isAsked: asksToBuy, zone, ...refused })
  screen.note(...problems.map((problem) => `error: ${problem}`))
  if (refusal !== null) screen.note(`error: ${refusal}`)
  else if (http !== null && results.length === 0)
    screen.say(`an HTTP endpoint would respond with ${http.status}: ${JSON.stringify(http.body)}`)
  const cannotUse = results.filter(({ decision }) => decision.findings.some(saysUnusable))
  if (cannotUse.length > 0)
    screen.note(`error: no run can use ${ledgerPlace(ledgerUrl)}; nothing was written`)
  if (isRefused || cannotUse.length > 0) task.fail()
}

interface EventOutput extends Partial<ErrorJson> {
  results: Handled["results"]
  warnings: string[]
  isAsked: boolean
  /** IANA zone of the times that are shown. */
  zone: string
}

function showResults(
  { screen, options, io, fail }: Task,
  { results, warnings, isAsked, zone, error }: EventOutput,
): void {
  for (const result of results) fail(exitCodeOf(result, isAsked))
  screen.note(...warnings.map((warning) => `warning: ${inZone(warning, zone)}`))
  if (options.json) {
    screen.json({ results, ...(error ? { error } : {}) })
    return
  }
  if (results.length === 0 && !error)
    screen.note("the event concerns no supernode of the policy; nothing was done")
  const look = lookOf({ screen, io, options }, zone)
  for (const result of results) screen.say(...resultLines(result, look), "")
}
