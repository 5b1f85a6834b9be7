import { setTimeout as pause } from "node:timers/promises"
import { messageOf } from "../store.ts"
import { connectDynamo, type DynamoConnection, type DynamoPlace, placeName } from "./client.ts"
import { dynamoFailure, isMissing, isRefusal } from "./failure.ts"

const WAIT_MS = 120_000
const BETWEEN_LOOKS_MS = 1_000

/** Creates the ledger's table (pay per request) and waits until it is active. Keeps an existing table. */
export async function createDynamoTable(place: DynamoPlace): Promise<void> {
  const connection = connectDynamo(place)
  try {
    await create(connection, place.table)
    await untilActive(connection, place.table)
  } catch (error) {
    throw dynamoFailure(error, place.table, placeName(place))
  } finally {
    await connection.close()
  }
}

async function untilActive(connection: DynamoConnection, TableName: string): Promise<void> {
  for (let waited = 0; ; waited += BETWEEN_LOOKS_MS) {
    try {
      const { Table } = await connection.read<{ Table?: { TableStatus?: string } }>("DescribeTable", {
        TableName,
      })
      if (Table?.TableStatus === "ACTIVE") return
    } catch (error) {
      // A table that was just created may not be visible yet.
      if (!isMissing(error)) throw error
    }
    if (waited >= WAIT_MS) throw new Error(`it was not active within ${WAIT_MS / 1_000} s`)
    await pause(BETWEEN_LOOKS_MS)
  }
}

async function create(connection: DynamoConnection, table: string): Promise<void> {
  const input = {
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
  }
  try {
    await connection.write("CreateTable", input)
  } catch (error) {
    if (!isRefusal(error, "ResourceInUseException")) throw error
  }
}

/** A new table does not support backups for its first seconds. */
const BACKUP_TRIES = 10
const BETWEEN_TRIES_MS = 2_000

/**
 * Switches on point-in-time recovery at AWS, and resolves to a message about the result. Without permission,
 * the table stays as it is. Never rejects.
 */
export async function recoverByTime(place: DynamoPlace): Promise<string> {
  const connection = connectDynamo(place)
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
    await connection.close()
  }
}

async function switchOn(connection: DynamoConnection, table: string): Promise<void> {
  const input = {
    TableName: table,
    PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
  }
  for (let tries = 1; ; tries++) {
    try {
      return void (await connection.write("UpdateContinuousBackups", input))
    } catch (error) {
      const isEarly = isRefusal(error, "ContinuousBackupsUnavailableException")
      if (!isEarly || tries === BACKUP_TRIES) throw error
      await pause(BETWEEN_TRIES_MS)
    }
  }
}
