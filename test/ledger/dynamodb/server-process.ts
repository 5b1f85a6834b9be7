import { DynamoServer } from "./server.ts"

// A DynamoDB-protocol server in its own process. Sends the ledger URL of a new table to its parent, and ends
// with it.

const server = new DynamoServer()
await server.start()
const url = server.urlOf(await server.newTable())
process.once("disconnect", () => process.exit())
process.send?.(url)
