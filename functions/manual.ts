import { startApp } from "../lib/app/start.ts"
import { emfEmitter } from "./emf.ts"
import { makeManualHandler } from "./manual-door.ts"

export { explainStart } from "./start-problem.ts"

/** AWS Lambda: a person's request (a dry run unless it says otherwise) or a command, by direct invocation. */
export const handler = makeManualHandler(startApp, emfEmitter())
