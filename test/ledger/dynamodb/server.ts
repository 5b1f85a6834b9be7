import dynalite from "dynalite"
import { createDynamoTable } from "../../../lib/ledger/dynamodb/table.ts"
import { listenOnLoopback } from "../../world/loopback.ts"
import { ANY_KEYS, REGION } from "./keys.ts"

/** A server of the DynamoDB protocol on a port of its own, in memory. */
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

  /** A new empty table's name. */
  async newTable(): Promise<string> {
    this.#tables += 1
    const table = `ledger-${this.#tables}`
    await createDynamoTable({ table, region: REGION, endpoint: this.endpoint, credentials: ANY_KEYS })
    return table
  }

  /** The ledger url of that table, here or through a proxy. */
  urlOf(table: string, endpoint = this.endpoint): string {
    return `dynamodb://${table}?region=${REGION}&endpoint=${endpoint}`
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }
}
