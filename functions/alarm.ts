import { startApp } from "../lib/wiring.ts"
import { makeHandler } from "./door.ts"

/** AWS Lambda: alarms by SNS, EventBridge and direct action, webhooks by Function URL. */
export const handler = makeHandler("alarm", startApp)
