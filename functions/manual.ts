import { startApp } from "../lib/app/start.ts"
import { makeHandler } from "./door.ts"

/** AWS Lambda: a person's request by direct invocation; a dry run unless it says otherwise. */
export const handler = makeHandler("manual", startApp)
