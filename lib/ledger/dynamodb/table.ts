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
