import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"
import { emfEmitter } from "./emf.ts"

export { explainStart } from "./start-problem.ts"

/** AWS Lambda: the cron tick of EventBridge or EventBridge Scheduler. */
export const handler = makeHandler("schedule", startApp, emfEmitter())
