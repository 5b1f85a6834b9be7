import { startApp } from "../lib/wiring.ts"
import { makeHandler } from "./door.ts"

/** AWS Lambda: the cron tick of EventBridge or EventBridge Scheduler. */
export const handler = makeHandler("schedule", startApp)
