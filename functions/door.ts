import { Logger } from "@aws-lambda-powertools/logger"
import { injectLambdaContext } from "@aws-lambda-powertools/logger/middleware"
import middy from "@middy/core"
import type { Context } from "aws-lambda"
import { config } from "zod"
import { type App, type DoorName, type Handled, type Invocation, RunsFailed } from "../lib/app/app.ts"
import { type FlatMetrics, flatMetricsOf } from "../lib/app/flat-metrics.ts"
import { readSettings, type Settings } from "../lib/app/settings.ts"
import { logError, logHandled, logResult } from "./log.ts"

/** A Lambda context; another platform's is dressed as one and brings its `host` along. */
export interface DoorContext extends Context {
  host?: Host
}

/** Where a platform that is not AWS Lambda keeps settings and the invocation's temporary keys. */
export interface Host {
  readSetting(name: string): string | undefined
  settingNames: readonly string[]
  credentials: Invocation["credentials"]
}

/** The answer of an HTTP door, as a Function URL and a gateway on either cloud read it. */
export interface HttpAnswer {
  statusCode: number
  headers: Record<string, string>
  body: string
  isBase64Encoded: false
}

export type Answer = HttpAnswer | ResultsAnswer

/** `omitted`: number of further runs of a large fleet's tick; the log has a line for each. */
type ResultsAnswer = Pick<Ticked, "results"> & Partial<Ticked>

interface Ticked {
  results: Handled["results"]
  omitted: number
}

/** Results of a tick that its answer holds: with thousands the platforms would refuse it, 6 MB, and the event would count as failed. */
const MAX_ANSWERED = 100

export type DoorHandler = (event: unknown, context: DoorContext) => Promise<Answer>

/** Parts of an event could not be read. Thrown after the others ran, so that the dead-letter queue keeps the event. */
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

/** The one handler of a door, wrapped. The app is started by the container's first event and kept for the next ones. */
export function makeHandler(
  door: DoorName,
  startApp: StartApp,
  emitMetrics: EmitMetrics = () => undefined,
): DoorHandler {
  // A function reads few values by each schema: to compile a schema to code costs its start more than that saves.
  config({ jitless: true })
  const logger = new Logger({ serviceName: "supernode-autoscaler" })
  const log = (handled: Handled): void => {
    logHandled(logger, handled)
    const { facts } = handled
    try {
      emitMetrics(flatMetricsOf(facts))
    } catch (error) {
      // The runs are over: what they did must not end as a failure of their metrics.
      logger.warn("the metrics of this event could not be written", { cause: String(error) })
    }
  }
  const startedBy = startOnce(startApp)

  const answer: DoorHandler = async (event, context) => {
    const { app, settings } = await startedBy(context)
    // In each invocation: Powertools' middleware sets it back.
    logger.setLogLevel(settings.logLevel)
    const ticked: Ticked = { results: [], omitted: 0 }
    const handled = await app.handle(event, door, {
      ...invocationOf(context),
      // Logged as they come: where the platform ends a tick, what it did is known. And a fleet's need not all be kept.
      takeResult: (result) => {
        logResult(logger, result)
        if (ticked.results.length < MAX_ANSWERED) ticked.results.push(result)
        else ticked.omitted += 1
      },
    })
    log(handled)
    return answerOf(handled, ticked)
  }

  // Early timeout is off: the platform then ends the whole sandbox. Middy would answer a moment before and leave the run
  // frozen in mid-step, to wake up inside the next invocation.
  const wrapped = middy<unknown, Answer, Error, DoorContext>(answer, { timeoutEarlyInMillis: 0 })
    // Never the event, whatever the environment asks of Powertools: it carries tokens.
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
  return (event, context) => wrapped(event, context)
}

/** `startApp` of the wiring; of the app a door uses this much. */
export type StartApp = (settings: Settings) => Promise<Pick<App, "handle">>

interface Started {
  app: Pick<App, "handle">
  settings: Settings
}

/** A start that failed is tried again by the next event: what was missing may have come back. */
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

function answerOf({ http, results, problems }: Handled, ticked: Ticked): Answer {
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
