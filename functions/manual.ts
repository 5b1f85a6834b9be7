import { startApp } from "../lib/wiring.ts"
import { makeHandler } from "./door.ts"

/** AWS Lambda: a person's request by direct invocation; a dry run unless it says otherwise. */
export const handler = makeHandler("manual", startApp)
