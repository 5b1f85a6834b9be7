import type { DoorContext, Host } from "./door.ts"

type OptionalText = string | null | undefined

/**
 * Context that FunctionGraph passes beside the event (`context.js` of its Node.js runtime). Older runtimes
 * lack some of it.
 */
export interface FunctionGraphContext {
  requestID?: string
  getRequestID?(): OptionalText
  getRemainingTimeInMilliSeconds(): number
  getUserData?(name: string): OptionalText
  // Temporary keys of the function's agency. `getAccessKey` and `getSecretKey` are discontinued and return
  // nothing.
  getSecurityAccessKey?(): OptionalText
  getSecuritySecretKey?(): OptionalText
  getSecurityToken?(): OptionalText
  getFunctionName?(): OptionalText
  getVersion?(): OptionalText
  getMemorySize?(): number | OptionalText
}

/** Adapts a door's handler to FunctionGraph's context. */
export function onFunctionGraph<A>(
  handler: (event: unknown, context: DoorContext) => Promise<A>,
): (event: unknown, context: FunctionGraphContext) => Promise<A> {
  return (event, context) => handler(event, asLambdaContext(context))
}

/** Builds a Lambda context. Each invocation needs a new one, since its temporary keys are new. */
function asLambdaContext(context: FunctionGraphContext): DoorContext {
  const name = context.getFunctionName?.() || "supernode-autoscaler"
  return {
    awsRequestId: context.getRequestID?.() || context.requestID || "",
    getRemainingTimeInMillis: () => context.getRemainingTimeInMilliSeconds(),
    functionName: name,
    functionVersion: context.getVersion?.() || "",
    memoryLimitInMB: String(context.getMemorySize?.() ?? ""),
    invokedFunctionArn: "",
    logGroupName: "",
    logStreamName: name,
    callbackWaitsForEmptyEventLoop: false,
    host: hostOf(context),
    ...END_BY_PROMISE,
  }
}

/** Lambda's legacy ways to end an invocation. They do nothing, since our handlers return a promise. */
const END_BY_PROMISE: Pick<DoorContext, "done" | "fail" | "succeed"> = {
  done: () => {},
  fail: () => {},
  succeed: () => {},
}

/**
 * Reads user settings from `getUserData`, then from the JSON text in RUNTIME_USERDATA, then from the
 * environment.
 */
function hostOf(context: FunctionGraphContext): Host {
  const userData = userDataOf(process.env["RUNTIME_USERDATA"])
  return {
    readSetting: (name) => context.getUserData?.(name) || userData[name] || process.env[name],
    settingNames: [...new Set([...Object.keys(userData), ...Object.keys(process.env)])],
    credentials: credentialsOf(context),
  }
}

/**
 * Temporary keys of the function's agency. `null` unless all three parts are there, since a request needs all
 * three to be signed.
 */
function credentialsOf(context: FunctionGraphContext): Host["credentials"] {
  const ak = context.getSecurityAccessKey?.()
  const sk = context.getSecuritySecretKey?.()
  const securityToken = context.getSecurityToken?.()
  return ak && sk && securityToken ? { ak, sk, securityToken } : null
}

/**
 * User settings in RUNTIME_USERDATA. Their names come from here, since `getUserData` cannot list them.
 * Returns `{}` if the text is not a JSON object.
 */
function userDataOf(json: string | undefined): Record<string, string> {
  try {
    const parsed: unknown = JSON.parse(json ?? "{}")
    if (typeof parsed !== "object" || parsed === null) return {}
    return Object.fromEntries(
      Object.entries(parsed).filter((pair): pair is [string, string] => typeof pair[1] === "string"),
    )
  } catch {
    return {}
  }
}
