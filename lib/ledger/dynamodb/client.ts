import type { DynamoDBClient } from "@aws-sdk/client-dynamodb"
import { deadlineIn } from "../../http/deadline.ts"
import type { ProxySettings } from "../../http/proxy.ts"
import { sdkHandler } from "../../http/sdk-handler.ts"

/** Keys for the DynamoDB protocol: AWS's, or the user and password of a GeminiDB instance. */
export interface DynamoCredentials {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string
}

export interface DynamoPlace {
  table: string
  region: string
  /** GeminiDB's instance, or a local server; null for AWS's own. */
  endpoint: string | null
  /** A function is asked anew when keys run out; without any, AWS's default chain. */
  credentials?: DynamoCredentials | (() => Promise<DynamoCredentials>)
  timeouts?: DynamoTimeouts
  /** HTTPS_PROXY and NO_PROXY; null or left out: every request goes directly. */
  proxy?: ProxySettings | null
}

/** Milliseconds. A hung store must not eat the function's time. */
export interface DynamoTimeouts {
  connectMs: number
  requestMs: number
}

const TIMEOUTS: DynamoTimeouts = { connectMs: 2_000, requestMs: 5_000 }

const READ_TRIES = 3

/** One pool of sockets, two ways to use it. */
export interface DynamoConnection {
  sdk: typeof import("@aws-sdk/client-dynamodb")
  /** Tries a failed read again by itself. */
  reader: DynamoDBClient
  /** Sends once: a client that repeats a write reports its own first one as a failed condition. */
  writer: DynamoDBClient
  /** For one question with all its tries: no call takes longer. */
  deadline(): AbortSignal
  close(): void
}

/** Speaks to no one yet. The SDK is imported here, so that only those who use DynamoDB pay for it at cold start. */
export async function connectDynamo(place: DynamoPlace): Promise<DynamoConnection> {
  const sdk = await import("@aws-sdk/client-dynamodb")
  const { connectMs, requestMs } = place.timeouts ?? TIMEOUTS
  const settings = {
    region: place.region,
    ...(place.endpoint === null ? {} : { endpoint: place.endpoint }),
    ...(place.credentials === undefined ? {} : { credentials: place.credentials }),
  }
  const reader = new sdk.DynamoDBClient({
    ...settings,
    maxAttempts: READ_TRIES,
    requestHandler: sdkHandler({ proxy: place.proxy ?? null, connectMs, requestMs }),
  })
  const writer = new sdk.DynamoDBClient({
    ...settings,
    maxAttempts: 1,
    requestHandler: reader.config.requestHandler,
  })
  return {
    sdk,
    reader,
    writer,
    deadline: () => deadlineIn(2 * requestMs),
    close() {
      writer.destroy()
      reader.destroy()
    },
  }
}

/** Where a table was looked for, for people. */
export function placeName(place: DynamoPlace): string {
  return place.endpoint === null ? place.region : `${place.region}, ${place.endpoint}`
}
