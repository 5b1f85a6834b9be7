import type { DoorContext, Host } from "./door.ts"

type OptionalText = string | null | undefined

/** FunctionGraph's second argument beside the event (its Node.js runtime's `context.js`); older ones lack some of it. */
export interface FunctionGraphContext {
  requestID?: string
  getRequestID?(): OptionalText
  getRemainingTimeInMilliSeconds(): number
  getUserData?(name: string): OptionalText
  // Temporary keys of the function's agency. `getAccessKey` and `getSecretKey` are discontinued and give nothing.
  getSecurityAccessKey?(): OptionalText
  getSecuritySecretKey?(): OptionalText
  getSecurityToken?(): OptionalText
  getFunctionName?(): OptionalText
  getVersion?(): OptionalText
  getMemorySize?(): number | OptionalText
}

/** A door's handler behind FunctionGraph's context. */
export function onFunctionGraph<A>(
  handler: (event: unknown, context: DoorContext) => Promise<A>,
): (event: unknown, context: FunctionGraphContext) => Promise<A> {
  return (event, context) => handler(event, asLambdaContext(context))
}

/** The context as a Lambda context, made anew for each invocation, as the keys in it are. */
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

/** Lambda's oldest ways to answer; a promise is ours. */
const END_BY_PROMISE: Pick<DoorContext, "done" | "fail" | "succeed"> = {
  done: () => {},
  fail: () => {},
  succeed: () => {},
}

/** User settings come by `getUserData` or as one JSON text in RUNTIME_USERDATA; the environment is the fallback. */
function hostOf(context: FunctionGraphContext): Host {
  const userData = userDataOf(process.env["RUNTIME_USERDATA"])
  return {
    readSetting: (name) => context.getUserData?.(name) || userData[name] || process.env[name],
    settingNames: [...new Set([...Object.keys(userData), ...Object.keys(process.env)])],
    credentials: credentialsOf(context),
  }
}

/** Only all three together sign anything; without an agency there are none. */
function credentialsOf(context: FunctionGraphContext): Host["credentials"] {
  const ak = context.getSecurityAccessKey?.()
  const sk = context.getSecuritySecretKey?.()
  const securityToken = context.getSecurityToken?.()
  return ak && sk && securityToken ? { ak, sk, securityToken } : null
}

/** Used to list the names, which `getUserData` cannot; a text that is no such list is as good as none. */
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
