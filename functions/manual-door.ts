import { Logger } from "@aws-lambda-powertools/logger"
import { settingNames } from "../lib/app/settings.ts"
import type { CommandResponse } from "./cli/in-function.ts"
import {
  type DoorContext,
  type DoorResponse,
  type EmitMetrics,
  logStartProblem,
  makeHandler,
  type StartApp,
} from "./door.ts"

export type ManualHandler = (event: unknown, context: DoorContext) => Promise<DoorResponse | CommandResponse>

/**
 * Handler of the manual function: a person's request, or a command line as `{ "command": [...] }`. No app is
 * started before a command runs, since a pause must work even with a broken policy.
 */
export function makeManualHandler(startApp: StartApp, emitMetrics?: EmitMetrics): ManualHandler {
  const handleRequest = makeHandler("manual", startApp, emitMetrics)
  const logger = new Logger({ serviceName: "supernode-autoscaler" })
  return async (event, context) => {
    if (!isCommand(event)) return handleRequest(event, context)
    // Loaded on demand, since a purchase does not need it at cold start.
    const { runInFunction } = await import("./cli/in-function.ts")
    const { response, exitCode, name } = await runInFunction(event, settingsOf(context))
    const fields = {
      correlation_id: context.awsRequestId,
      exitCode,
      ...(response["error"] ? { error: response["error"] } : {}),
    }
    logStartProblem(logger)
    logger[exitCode === 0 ? "info" : "error"](`command ${name}: exit ${exitCode}`, fields)
    return response
  }
}

function isCommand(event: unknown): boolean {
  return typeof event === "object" && event !== null && Object.hasOwn(event, "command")
}

/**
 * Settings of the function: its environment and, on FunctionGraph, its user data. The invocation's temporary
 * keys replace all other keys.
 */
function settingsOf({ host }: DoorContext): Record<string, string | undefined> {
  if (!host) return process.env
  const names = [...settingNames(), ...host.settingNames]
  const { ak, sk, securityToken } = host.credentials ?? {}
  const keys = {
    HUAWEICLOUD_SDK_AK: ak,
    HUAWEICLOUD_SDK_SK: sk,
    HUAWEICLOUD_SDK_SECURITY_TOKEN: securityToken ?? undefined,
  }
  return {
    ...process.env,
    ...Object.fromEntries(names.map((name) => [name, host.readSetting(name)])),
    ...(host.credentials ? keys : {}),
  }
}
