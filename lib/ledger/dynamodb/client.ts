import { setTimeout as pause } from "node:timers/promises"
import { request as send } from "undici"
import { ACCEPT_ENCODING, decodedBody } from "../../http/content.ts"
import { deadlineIn } from "../../http/deadline.ts"
import { type Dispatchers, dispatchersOf } from "../../http/dispatchers.ts"
import { type ProxySettings, proxySecrets, sayProxy } from "../../http/proxy.ts"
import { messageOf } from "../store.ts"
import { endpointOf, namedEndpoint } from "./endpoint.ts"
import { DynamoRefusal, isThrottled, NoDynamoAnswer } from "./failure.ts"
import { type KeySource, keySource } from "./keys.ts"
import { type DynamoCredentials, signedHeaders } from "./signature.ts"

export type { DynamoCredentials } from "./signature.ts"

export interface DynamoPlace {
  table: string
  region: string
  /** Endpoint of GeminiDB or a local server; `null` if the ledger's url has none, as for AWS. */
  endpoint: string | null
  /** A function is called for each request. Defaults to AWS's default chain. */
  credentials?: DynamoCredentials | KeySource
  timeouts?: DynamoTimeouts
  /** From HTTPS_PROXY and NO_PROXY. Connects directly if `null` or absent. */
  proxy?: ProxySettings | null
}

/** In milliseconds. A store that hangs must not use up the function's time. */
export interface DynamoTimeouts {
  connectMs: number
  requestMs: number
}

const TIMEOUTS: DynamoTimeouts = { connectMs: 2_000, requestMs: 5_000 }

const READ_TRIES = 3
/** Maximum of the first random wait; doubles for each further wait. */
const BACKOFF_MS = 100
/** A page has at most 1 MB, a BatchGetItem response at most 16 MB. */
const MAX_ANSWER_BYTES = 20 * 1024 * 1024
const MAX_CONNECTIONS = 50
/**
 * If the clocks differ by more, requests are signed with the server's time, because it would refuse ours.
 * What a wrong clock means for a run is decided elsewhere.
 */
const MAX_SKEW_MS = 4 * 60_000

/**
 * The DynamoDB protocol: JSON over POST. Rejects with DynamoRefusal if the server responded, with
 * NoDynamoAnswer if it did not, and with the key source's error if there are no keys.
 */
export interface DynamoConnection {
  /** Sends a request up to three times, if a retry may help. */
  read<T>(operation: string, input: object): Promise<T>
  /** Sends a request once. The condition of a retried write could fail because of its own first try. */
  write<T>(operation: string, input: object): Promise<T>
  close(): Promise<void>
}

interface Context {
  url: URL
  region: string
  keys: KeySource
  dispatchers: Dispatchers
  proxy: ProxySettings | null
  requestMs: number
  /** The server's clock minus ours; 0 unless they differ by more than `MAX_SKEW_MS`. */
  skewMs: number
}

/** Sends nothing until its first use. Throws LedgerError if the endpoint cannot be used. */
export function connectDynamo(place: DynamoPlace): DynamoConnection {
  const { connectMs, requestMs } = place.timeouts ?? TIMEOUTS
  const { region, proxy = null } = place
  const dispatchers = dispatchersOf({
    proxy,
    connectMs,
    maxResponseSize: MAX_ANSWER_BYTES,
    connections: MAX_CONNECTIONS,
  })
  const context: Context = {
    url: endpointOf(region, place.endpoint),
    region,
    keys: keySource(place.credentials, { region, proxy, connectMs, requestMs }),
    dispatchers,
    proxy,
    requestMs,
    skewMs: 0,
  }
  return {
    read: (operation, input) => callWithRetries(context, operation, input),
    // Limit for the whole call, including the waits for keys, a connection and the response.
    write: (operation, input) => callOnce(context, { operation, input, deadline: deadlineIn(2 * requestMs) }),
    close: () => dispatchers.close(),
  }
}

async function callWithRetries<T>(context: Context, operation: string, input: object): Promise<T> {
  const deadline = deadlineIn(2 * context.requestMs)
  for (let tries = 1; ; tries++) {
    try {
      return await callOnce<T>(context, { operation, input, deadline })
    } catch (error) {
      if (tries === READ_TRIES || deadline.aborted || !isRetriable(error)) throw error
      await pause(Math.random() * BACKOFF_MS * 2 ** (tries - 1))
    }
  }
}

function isRetriable(error: unknown): boolean {
  if (error instanceof NoDynamoAnswer) return true
  if (!(error instanceof DynamoRefusal)) return false
  return error.status === 200 || error.status >= 500 || error.isSkewed || isThrottled(error)
}

interface DynamoCall {
  operation: string
  input: object
  deadline: AbortSignal
}

async function callOnce<T>(context: Context, { operation, input, deadline }: DynamoCall): Promise<T> {
  const { url, region, dispatchers, requestMs } = context
  const credentials = await within(deadline, context.keys())
  const body = JSON.stringify(input)
  const now = Date.now() + context.skewMs
  const target = `DynamoDB_20120810.${operation}`
  const headers = { ...signedHeaders({ url, target, body, region, credentials, now }), ...ACCEPT_ENCODING }
  const signal = AbortSignal.any([deadline, deadlineIn(requestMs)])
  const answer = await send(url, { method: "POST", headers, body, signal, dispatcher: dispatchers.for(url) })
    .then(async ({ statusCode, headers: named, body: wire }) => {
      const content = decodedBody(
        Buffer.from(await wire.arrayBuffer()),
        named["content-encoding"],
        MAX_ANSWER_BYTES,
      )
      return {
        statusCode,
        date: String(named["date"] ?? ""),
        json: content.ok ? jsonIn(content.body) : undefined,
      }
    })
    .catch((cause: unknown) => {
      throw noAnswer(context, cause, signal.aborted)
    })
  if (answer.statusCode === 200 && answer.json !== undefined) return answer.json as T
  const refusal = new DynamoRefusal(answer.statusCode, answer.json)
  const skewMs = Date.parse(answer.date) - Date.now()
  // If our clock was corrected meanwhile, the correction here ends.
  if (refusal.isSkewed && !Number.isNaN(skewMs)) context.skewMs = Math.abs(skewMs) > MAX_SKEW_MS ? skewMs : 0
  throw refusal
}

/** Rejects when the signal aborts, and ignores a later result of `work`. */
function within<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new NoDynamoAnswer("the credentials did not arrive in time"))
    if (signal.aborted) late()
    signal.addEventListener("abort", late, { once: true })
    work.then(resolve, reject)
  })
}

/** JSON object in a response, as the protocol requires; undefined for anything else. */
function jsonIn(body: Buffer): object | undefined {
  try {
    const json: unknown = JSON.parse(body.toString())
    return typeof json === "object" && json !== null && !Array.isArray(json) ? json : undefined
  } catch {
    return undefined
  }
}

function noAnswer({ url, proxy, requestMs }: Context, cause: unknown, isLate: boolean): NoDynamoAnswer {
  const via = sayProxy(url, proxy)
  if (isLate) return new NoDynamoAnswer(`no response within ${requestMs} ms${via}`, { cause })
  const secrets = proxy ? proxySecrets(new URL(proxy.address)) : []
  const says = secrets.reduce((rest, secret) => rest.replaceAll(secret, "[redacted]"), messageOf(cause))
  return new NoDynamoAnswer(`${says}${via}`, { cause })
}

/** Region and endpoint of a table, for messages. */
export function placeName({ region, endpoint }: DynamoPlace): string {
  const address = endpoint ?? namedEndpoint()?.href
  return address === undefined ? region : `${region}, ${address}`
}
