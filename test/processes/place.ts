import { type AuditedLedger, openLedger } from "../../lib/ledger/open.ts"
import type { Clock } from "../../lib/ports.ts"
import { Corridor } from "../corridor/corridor.ts"
import { ANY_KEYS } from "../ledger/dynamodb/keys.ts"
import { initialised } from "../ledger/initialised.ts"
import type { SandboxApart } from "../sandbox/apart.ts"
import { bundle } from "./bundle.ts"
import { OwnProcess } from "./process.ts"

export const STORES = ["sqlite", "dynamodb"] as const
export type StoreName = (typeof STORES)[number]

export interface PlaceOptions {
  cloud: SandboxApart
  store: StoreName
  policy: string
  clock: Clock
  settings?: Record<string, string>
}

/** Where several processes meet: a cloud, a real store, and the settings that lead to both. */
export interface Place {
  corridor: Corridor<SandboxApart>
  ledger: AuditedLedger
  close(): Promise<void>
}

export async function placeOver(options: PlaceOptions): Promise<Place> {
  return options.store === "sqlite" ? onSqlite(options) : onDynamoDb(options)
}

async function onSqlite({ cloud, policy, clock, settings = {} }: PlaceOptions): Promise<Place> {
  const corridor = await Corridor.over(cloud, { policy, clock, settings })
  return { corridor, ledger: corridor.ledger, close: () => corridor.close() }
}

/** The server is a process of its own: a test that is busy delays no answer of the store. */
async function onDynamoDb({ cloud, policy, clock, settings = {} }: PlaceOptions): Promise<Place> {
  const server = new OwnProcess((await bundle("dynamodb")).file, [], {})
  const url = (await server.next()) as string
  const keys = {
    SUPERNODE_LEDGER: url,
    SUPERNODE_DYNAMODB_AK: ANY_KEYS.accessKeyId,
    SUPERNODE_DYNAMODB_SK: ANY_KEYS.secretAccessKey,
  }
  const corridor = await Corridor.over(cloud, { policy, clock, settings: { ...settings, ...keys } })
  const ledger = await openLedger(url, { dynamodbCredentials: ANY_KEYS })
  await initialised(ledger, Date.now())
  return {
    corridor,
    ledger,
    close: async () => {
      await ledger.close()
      await corridor.close()
      server.signal("SIGKILL")
      await server.ended
    },
  }
}
