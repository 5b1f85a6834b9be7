import { type AuditedLedger, type OpenLedgerOptions, openLedger } from "../../lib/ledger/open.ts"
import type { Clock } from "../../lib/ports.ts"
import { Corridor } from "../corridor/corridor.ts"
import { ANY_KEYS } from "../ledger/dynamodb/keys.ts"
import { initialised } from "../ledger/initialised.ts"
import { PostgresServer, SERVER_PROGRAMS } from "../ledger/postgres/server.ts"
import type { SandboxApart } from "../sandbox/apart.ts"
import { bundle } from "./bundle.ts"
import { OwnProcess } from "./process.ts"

export const STORES = ["sqlite", "dynamodb", "postgres"] as const
export type StoreName = (typeof STORES)[number]

export interface StoreFixtureOptions {
  cloud: SandboxApart
  store: StoreName
  policy: string
  clock: Clock
  settings?: Record<string, string>
}

/** What several processes share: a cloud, a real store, and the settings for both. */
export interface StoreFixture {
  corridor: Corridor<SandboxApart>
  ledger: AuditedLedger
  close(): Promise<void>
}

export async function storeFixtureOver(options: StoreFixtureOptions): Promise<StoreFixture> {
  const { store } = options
  switch (store) {
    case "sqlite":
      return onSqlite(options)
    case "dynamodb":
      return onServer(options, await dynamoDbServer())
    case "postgres":
      return onServer(options, await postgresServer())
  }
}

async function onSqlite({ cloud, policy, clock, settings = {} }: StoreFixtureOptions): Promise<StoreFixture> {
  const corridor = await Corridor.over(cloud, { policy, clock, settings })
  return { corridor, ledger: corridor.ledger, close: () => corridor.close() }
}

/** A store in its own process, so that a busy test does not delay its responses. */
interface StoreServer {
  url: string
  keys: Record<string, string>
  options: OpenLedgerOptions
  stop(): Promise<unknown>
}

async function onServer(
  { cloud, policy, clock, settings = {} }: StoreFixtureOptions,
  { url, keys, options, stop }: StoreServer,
): Promise<StoreFixture> {
  const ours = { ...settings, SUPERNODE_LEDGER: url, ...keys }
  const corridor = await Corridor.over(cloud, { policy, clock, settings: ours })
  const ledger = await openLedger(url, options)
  await initialised(ledger, Date.now())
  return {
    corridor,
    ledger,
    close: async () => {
      await ledger.close()
      await corridor.close()
      await stop()
    },
  }
}

async function dynamoDbServer(): Promise<StoreServer> {
  const server = new OwnProcess((await bundle("dynamodb")).file, [], {})
  return {
    url: (await server.next()) as string,
    keys: {
      SUPERNODE_DYNAMODB_AK: ANY_KEYS.accessKeyId,
      SUPERNODE_DYNAMODB_SK: ANY_KEYS.secretAccessKey,
    },
    options: { dynamodbCredentials: ANY_KEYS },
    async stop() {
      server.signal("SIGKILL")
      await server.ended
    },
  }
}

async function postgresServer(): Promise<StoreServer> {
  if (SERVER_PROGRAMS === null) throw new RangeError("--store postgres needs Debian's package postgresql")
  const server = new PostgresServer()
  server.init()
  await server.start()
  return { url: server.urlOf("postgres"), keys: {}, options: {}, stop: () => server.stop() }
}
