import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"
import { onFunctionGraph } from "./functiongraph-context.ts"
import { emitLtsMetrics } from "./lts-metrics.ts"
import { makeManualHandler } from "./manual-door.ts"

export { explainStart } from "./start-problem.ts"

/** Huawei FunctionGraph: alarms by SMN, webhooks by APIG. */
export const alarm = onFunctionGraph(makeHandler("alarm", startApp, emitLtsMetrics))

/** Huawei FunctionGraph: the TIMER trigger's tick. */
export const schedule = onFunctionGraph(makeHandler("schedule", startApp, emitLtsMetrics))

/** Huawei FunctionGraph: a person's request (a dry run unless it says otherwise) or a command, by direct invocation. */
export const manual = onFunctionGraph(makeManualHandler(startApp, emitLtsMetrics))
