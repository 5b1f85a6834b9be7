import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"
import { emfEmitter } from "./emf.ts"

export { explainStart } from "./start-problem.ts"

/** AWS Lambda: alarms by SNS, EventBridge and direct action, webhooks by Function URL. */
export const handler = makeHandler("alarm", startApp, emfEmitter())
