import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"
import { onFunctionGraph } from "./functiongraph-context.ts"

/** Huawei FunctionGraph: alarms by SMN, webhooks by APIG. */
export const alarm = onFunctionGraph(makeHandler("alarm", startApp))

/** Huawei FunctionGraph: the TIMER trigger's tick. */
export const schedule = onFunctionGraph(makeHandler("schedule", startApp))

/** Huawei FunctionGraph: a person's request by direct invocation; a dry run unless it says otherwise. */
export const manual = onFunctionGraph(makeHandler("manual", startApp))
