import { DynamoServer } from "./server.ts"

// A server of the DynamoDB protocol in a process of its own: prints the ledger url of a new table, and ends with its parent.

const server = new DynamoServer()
await server.start()
const url = server.urlOf(await server.newTable())
process.once("disconnect", () => process.exit())
process.send?.(url)
