import { setTimeout as pause } from "node:timers/promises"
import { messageOf } from "../store.ts"
import { connectDynamo, type DynamoConnection, type DynamoPlace, placeName } from "./client.ts"
import { dynamoFailure } from "./failure.ts"

const WAIT_SECONDS = 120

/** Creates the ledger's table, pay per request, and waits until it can be used. One that is there is left as it is. */
export async function createDynamoTable(place: DynamoPlace): Promise<void> {
  const connection = await connectDynamo(place)
  try {
    await create(connection, place.table)
    await connection.sdk.waitUntilTableExists(
      { client: connection.reader, maxWaitTime: WAIT_SECONDS, minDelay: 1, maxDelay: 5 },
      { TableName: place.table },
    )
  } catch (error) {
    throw dynamoFailure(error, place.table, placeName(place))
  } finally {
    connection.close()
  }
}

async function create({ sdk, writer, deadline }: DynamoConnection, table: string): Promise<void> {
  const command = new sdk.CreateTableCommand({
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: [
      { AttributeName: "stream", AttributeType: "S" },
      { AttributeName: "seq", AttributeType: "N" },
    ],
    KeySchema: [
      { AttributeName: "stream", KeyType: "HASH" },
      { AttributeName: "seq", KeyType: "RANGE" },
    ],
  })
  try {
    await writer.send(command, { abortSignal: deadline() })
  } catch (error) {
    if (!(error instanceof sdk.ResourceInUseException)) throw error
  }
}

/** A table that was just made has no backups yet for some seconds. */
const BACKUP_TRIES = 10
const BETWEEN_TRIES_MS = 2_000

/** Switches point-in-time recovery on at AWS; what became of that, for people. Without the right the table stays as it is. */
export async function recoverByTime(place: DynamoPlace): Promise<string> {
  const connection = await connectDynamo(place)
  try {
    await switchOn(connection, place.table)
    return `point-in-time recovery is on for the table ${place.table}`
  } catch (error) {
    return (
      `point-in-time recovery is not on for the table ${place.table}: ${messageOf(error)}. The ledger works without it, but ` +
      `a deleted or overwritten table could not be restored. To switch it on, run: aws dynamodb update-continuous-backups ` +
      `--region ${place.region} --table-name ${place.table} --point-in-time-recovery-specification PointInTimeRecoveryEnabled=true`
    )
  } finally {
    connection.close()
  }
}

async function switchOn({ sdk, writer, deadline }: DynamoConnection, table: string): Promise<void> {
  const command = new sdk.UpdateContinuousBackupsCommand({
    TableName: table,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  })
  for (let tries = 1; ; tries++) {
    try {
      return void (await writer.send(command, { abortSignal: deadline() }))
    } catch (error) {
      if (!(error instanceof sdk.ContinuousBackupsUnavailableException) || tries === BACKUP_TRIES) throw error
      await pause(BETWEEN_TRIES_MS)
    }
  }
}
