import dynalite from "dynalite"
import { createDynamoTable } from "../../../lib/ledger/dynamodb/table.ts"
import { listenOnLoopback } from "../../world/loopback.ts"
import { ANY_KEYS, REGION } from "./keys.ts"

/** An in-memory DynamoDB-protocol server on its own port. */
export class DynamoServer {
  readonly #server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 })
  port = 0
  #tables = 0

  async start(): Promise<void> {
    this.port = await listenOnLoopback(this.#server)
  }

  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`
  }

  /** Creates an empty table and returns its name. */
  async newTable(): Promise<string> {
    this.#tables += 1
    const table = `ledger-${this.#tables}`
    await createDynamoTable({ table, region: REGION, endpoint: this.endpoint, credentials: ANY_KEYS })
    return table
  }

  /** Ledger URL of a table, at this server or at the endpoint of a proxy before it. */
  urlOf(table: string, endpoint = this.endpoint): string {
    return `dynamodb://${table}?region=${REGION}&endpoint=${endpoint}`
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
