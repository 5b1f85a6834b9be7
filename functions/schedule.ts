import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"
import { emfEmitter } from "./emf.ts"

/** AWS Lambda: the cron tick of EventBridge or EventBridge Scheduler. */
export const handler = makeHandler("schedule", startApp, emfEmitter())
