import { Logger } from "@aws-lambda-powertools/logger"
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware"
import middy from "@middy/core"
import type { Context } from "aws-lambda"
import { config } from "zod"
import { type App, type DoorName, type Handled, type Invocation, RunsFailed } from "../lib/app/app.ts"
import { type FlatMetrics, flatMetricsOf } from "../lib/app/flat-metrics.ts"
import { readSettings, type Settings } from "../lib/app/settings.ts"
import { logError, logHandled, logResult } from "./log.ts"
import { takeStartProblem } from "./start-problem.ts"

/** A Lambda context. Another platform's context is converted to one and adds its `host`. */
export interface DoorContext extends Context {
  host?: Host
}

/** Settings and temporary keys of an invocation on a platform other than AWS Lambda. */
export interface Host {
  readSetting(name: string): string | undefined
  settingNames: readonly string[]
  credentials: Invocation["credentials"]
}

/** Response of an HTTP door, in the form that a Function URL and the API gateways of both clouds expect. */
export interface HttpResponse {
  statusCode: number
  headers: Record<string, string>
  body: string
  isBase64Encoded: false
}

export type DoorResponse = HttpResponse | ResultsResponse

/**
 * `omitted`: number of runs of a large fleet's tick that are not in `results`; the log has a line for each.
 */
type ResultsResponse = Pick<Ticked, "results"> & Partial<Ticked>

interface Ticked {
  results: Handled["results"]
  omitted: number
}

/**
 * Maximum number of results in a tick's response. With thousands of results the platforms would refuse the
 * response (6 MB), and the event would count as failed.
 */
const MAX_ANSWERED = 100

export type DoorHandler = (event: unknown, context: DoorContext) => Promise<DoorResponse>

/**
 * Parts of an event could not be read. Thrown after its other parts ran; the dead-letter queue then keeps the
 * event.
 */
class SignalError extends Error {
  override readonly name = "SignalError"
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(`parts of the event could not be read: ${problems.join("; ")}`)
    this.problems = problems
  }
}

/** Hands the metrics of an event's runs to the platform. */
export type EmitMetrics = (runs: readonly FlatMetrics[]) => void

/** Returns the handler of a door. The container's first event starts the app, and later events reuse it. */
export function makeHandler(
  door: DoorName,
  startApp: StartApp,
  emitMetrics: EmitMetrics = () => undefined,
): DoorHandler {
  // A function reads few values with each schema, so compiling schemas to code would slow its start more than
  // it saves.
  config({ jitless: true })
  const logger = new Logger({ serviceName: "supernode-autoscaler" })
  const log = (handled: Handled): void => {
    logHandled(logger, handled)
    const { facts } = handled
    try {
      emitMetrics(flatMetricsOf(facts))
    } catch (error) {
      // The runs are over: failed metrics must not turn them into a failure.
      logger.warn("the metrics of this event could not be written", { cause: String(error) })
    }
  }
  const startedBy = startOnce(startApp)

  const handler: DoorHandler = async (event, context) => {
    const { app, settings } = await startedBy(context)
    // Set in each invocation, since Powertools' middleware resets it.
    logger.setLogLevel(settings.logLevel)
    const ticked: Ticked = { results: [], omitted: 0 }
    const handled = await app.handle(event, door, {
      ...invocationOf(context),
      // Logged at once, so the log has every finished run even if the platform ends the tick. A fleet's
      // results need not all be kept.
      takeResult: (result) => {
        logResult(logger, result)
        if (ticked.results.length < MAX_ANSWERED) ticked.results.push(result)
        else ticked.omitted += 1
      },
    })
    log(handled)
    return responseOf(handled, ticked)
  }

  // Early timeout is off: at the time limit the platform then ends the whole container. Otherwise middy would
  // answer a moment earlier and leave the run frozen in mid-step, and the run would resume inside the next
  // invocation.
  const wrapped = middy<unknown, DoorResponse, Error, DoorContext>(handler, { timeoutEarlyInMillis: 0 })
    // Never logs the event, whatever the environment tells Powertools, since the event carries tokens.
    .use(injectLambdaContext(logger, { logEvent: false, resetKeys: true }))
    .before(({ context }) => logger.setCorrelationId(context.awsRequestId))
    .onError(({ error }) => {
      if (error instanceof RunsFailed)
        log({
          results: error.results,
          warnings: error.warnings,
          facts: error.facts,
          problems: [],
          http: null,
          asksToBuy: false,
        })
      logError(logger, error)
    })
  return (event, context) => wrapped(event, context).finally(() => logStartProblem(logger))
}

/** Logs once why this start was slow. Called after the first event, which loads most files on demand. */
export function logStartProblem(logger: Logger): void {
  const problem = takeStartProblem()
  if (problem !== null) logger.warn(problem)
}

/** `startApp` of the wiring, reduced to the part of the app that a door uses. */
export type StartApp = (settings: Settings) => Promise<Pick<App, "handle">>

interface Started {
  app: Pick<App, "handle">
  settings: Settings
}

/**
 * Starts the app once. After a failed start the next event tries again, since the missing part may be
 * available by then.
 */
function startOnce(startApp: StartApp): (context: DoorContext) => Promise<Started> {
  let started: Promise<Started> | undefined
  const start = async ({ host }: DoorContext): Promise<Started> => {
    const settings = host
      ? readSettings((name) => host.readSetting(name), host.settingNames)
      : readSettings((name) => process.env[name], Object.keys(process.env))
    return { app: await startApp(settings), settings }
  }
  return (context) => {
    started ??= start(context).catch((error: unknown) => {
      started = undefined
      throw error
    })
    return started
  }
}

function invocationOf(context: DoorContext): Invocation {
  return {
    requestId: context.awsRequestId,
    remainingMs: () => context.getRemainingTimeInMillis(),
    credentials: context.host?.credentials ?? null,
  }
}

function responseOf({ http, results, problems }: Handled, ticked: Ticked): DoorResponse {
  if (http) {
    return {
      statusCode: http.status,
      headers: { "content-type": "application/json" },
      body: JSON.stringify(http.body),
      isBase64Encoded: false,
    }
  }
  if (problems.length > 0) throw new SignalError(problems)
  const { omitted } = ticked
  return { results: [...ticked.results, ...results], ...(omitted > 0 ? { omitted } : {}) }
}
