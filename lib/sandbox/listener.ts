import { randomUUID } from "node:crypto"
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { answerAdmin } from "./admin/admin.ts"
import type { Controls } from "./admin/controls.ts"
import { routeOf } from "./api/route.ts"
import { deliverCloud } from "./cloud.ts"
import type { Delivery, FailureQueue } from "./failures.ts"
import type { ReceivedRequest } from "./received.ts"
import { errorCodeOf, gatewayError, type SandboxResponse, serviceError } from "./response.ts"
import { readBody, send } from "./wire.ts"
import type { World } from "./world/world.ts"

/** Dependencies of the sandbox's server. */
export interface SandboxDependencies {
  world: World
  failures: FailureQueue
  requests: ReceivedRequest[]
  controls: Controls
  /** Waits for `ms` milliseconds. If the signal aborts, the wait ends with an error. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>
  closing: AbortSignal
}

/** The gateway limits AK/SK requests to 12 MB. */
const MAX_BYTES = 12 * 1024 * 1024

interface Exchange {
  incoming: IncomingMessage
  response: ServerResponse
  requestId: string
  path: string
  query: string
  connection: number
}

/** The server for the cloud side and the admin side, not listening yet. */
export function serverOf(deps: SandboxDependencies): Server {
  const connections = new WeakMap<Socket, number>()
  let connected = 0
  const server = createServer((incoming, response) => {
    const [path = "", ...query] = (incoming.url ?? "").split("?")
    const exchange: Exchange = {
      incoming,
      response,
      requestId: randomUUID().replaceAll("-", ""),
      path,
      query: query.join("?"),
      connection: connections.get(incoming.socket) ?? 0,
    }
    const handled = path.startsWith("/sandbox/") ? handleAdmin(deps, exchange) : handleCloud(deps, exchange)
    handled.catch((error: unknown) => respond(deps, exchange, { response: brokenDown(error) }))
  })
  server.on("connection", (socket: Socket) => {
    connected += 1
    connections.set(socket, connected)
  })
  return server
}

async function handleAdmin(deps: SandboxDependencies, exchange: Exchange): Promise<void> {
  const { incoming, path } = exchange
  const body = await readBody(incoming, MAX_BYTES)
  if (body === "aborted") return
  const request = { method: incoming.method ?? "", path, headers: incoming.headers }
  const result = body === "too-large" ? tooLarge(exchange) : answerAdmin(deps, { ...request, body })
  respond(deps, exchange, { response: result })
}

async function handleCloud(deps: SandboxDependencies, exchange: Exchange): Promise<void> {
  const { incoming, path, query, requestId } = exchange
  const received = record(deps, exchange)
  const body = await readBody(incoming, MAX_BYTES)
  if (body === "aborted") return
  if (body === "too-large") {
    respond(deps, exchange, { response: tooLarge(exchange), received })
    return
  }
  received.body = body.toString("utf8")
  received.isComplete = true
  const { method, headers } = received
  const request = { method, path, query, headers, rawHeaders: incoming.rawHeaders, body, requestId }
  await deliver(deps, exchange, {
    received,
    delivery: deliverCloud(deps.world, { request, failures: deps.failures }),
  })
}

/** Records a request before it has any effect: it counts even if no client waits for the response. */
function record(
  { world, requests }: SandboxDependencies,
  { incoming, path, requestId, connection }: Exchange,
): ReceivedRequest {
  const method = incoming.method ?? ""
  const received: ReceivedRequest = {
    requestId,
    at: world.clock.now(),
    method,
    path,
    url: incoming.url ?? "",
    headers: incoming.headers,
    body: "",
    isComplete: false,
    operation: routeOf(method, path)?.operation ?? null,
    connection,
    answer: null,
  }
  requests.push(received)
  return received
}

async function deliver(
  deps: SandboxDependencies,
  exchange: Exchange,
  what: { received: ReceivedRequest; delivery: Delivery },
): Promise<void> {
  const { received, delivery } = what
  switch (delivery.kind) {
    case "hang":
      return
    case "reset":
      exchange.incoming.socket.resetAndDestroy()
      return
    case "response":
      if (delivery.delayMs > 0 && (await wasClosedWhile(deps, delivery.delayMs))) return
      respond(deps, exchange, { ...delivery, received })
      return
    default:
      delivery satisfies never
  }
}

/** Waits for a delay; true if the sandbox was closed meanwhile. */
async function wasClosedWhile({ sleep, closing }: SandboxDependencies, ms: number): Promise<boolean> {
  try {
    await sleep(ms, closing)
  } catch (error) {
    if (!closing.aborted) throw error
  }
  return closing.aborted
}

interface Responding {
  response: SandboxResponse
  received?: ReceivedRequest
  skewMs?: number
  cut?: boolean
}

function respond(
  { world }: SandboxDependencies,
  { response, requestId }: Exchange,
  { received, skewMs = 0, cut = false, ...rest }: Responding,
): void {
  if (response.headersSent || response.destroyed) return
  if (received) received.answer = { status: rest.response.status, code: errorCodeOf(rest.response) }
  send(response, { response: rest.response, requestId, date: world.clock.now() + skewMs, cut })
}

function tooLarge({ requestId }: Exchange): SandboxResponse {
  const message = "Request entity too large"
  return {
    ...gatewayError({ status: 413, code: "APIG.0201", message, requestId }),
    headers: { Connection: "close" },
  }
}

/**
 * Response to a fault of the sandbox itself, so that a test fails immediately and does not wait.
 */
function brokenDown(error: unknown): SandboxResponse {
  return serviceError(
    500,
    "ModelArts.0010",
    `the sandbox failed: ${error instanceof Error ? error.message : String(error)}`,
  )
}
