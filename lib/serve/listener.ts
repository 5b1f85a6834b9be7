import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Timer } from "./timer.ts"

/** Limits for each connection. */
export interface ListenerLimits {
  /** Limit from the connection to the last header. */
  headersMs: number
  /** Limit from the connection to the last byte of the body. */
  requestMs: number
  /** Interval between checks of these two limits. */
  checkMs: number
  /** Lifetime of an idle connection. */
  keepAliveMs: number
  /** Time in which a sender may continue to send a refused body before the connection is closed. */
  lingerMs: number
  /** Maximum number of bytes of a refused body that are read and discarded. */
  lingerBytes: number
  connections: number
}

/** A connection without any traffic for this long is closed: no run may take that long. */
const IDLE_MS = 15 * 60_000
const MAX_HEADER_BYTES = 16 * 1024

/** A response, either as JSON or as a text with its type. */
export interface Reply {
  status: number
  body: unknown
  /** The Content-Type of a `body` that is a text. By default, the body is sent as JSON. */
  textType?: string
  headers?: Record<string, string | string[]>
  /** The rest of the request is discarded, and the connection closes after this response. */
  isLast?: boolean
}

/** Answers a request; `null` if the sender closed the connection, so that no response is sent. */
export type RequestHandler = (incoming: IncomingMessage) => Promise<Reply | null>

export interface ListenerParts {
  handle: RequestHandler
  limits: ListenerLimits
  timer: Timer
}

/**
 * The HTTP server, not listening yet. Node.js itself answers invalid HTTP with 400, slow requests with 408,
 * and headers that are too long with 431.
 */
export function listenerOf({ handle, limits, timer }: ListenerParts): Server {
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(options, (incoming, response) => {
    // If the sender disconnects during the response, that is not reported.
    response.on("error", () => undefined)
    void handle(incoming)
      .catch((): Reply => ({ status: 500, body: { error: "internal error" }, isLast: true }))
      .then((reply) => reply && send(response, { reply, incoming, limits, timer }))
  })
  server.maxConnections = limits.connections
  server.timeout = IDLE_MS
  return server
}

interface Sending {
  reply: Reply
  incoming: IncomingMessage
  limits: ListenerLimits
  timer: Timer
}

function send(response: ServerResponse, { reply, incoming, limits, timer }: Sending): void {
  if (response.destroyed) return
  const { textType } = reply
  const text = Buffer.from(textType === undefined ? `${JSON.stringify(reply.body)}\n` : String(reply.body))
  response.writeHead(reply.status, {
    "content-type": textType ?? "application/json",
    "content-length": text.byteLength,
    "cache-control": "no-store",
    ...(reply.isLast ? { connection: "close" } : {}),
    ...reply.headers,
  })
  if (!reply.isLast || incoming.complete) {
    response.end(text)
    return
  }
  // The connection stays open while bytes still arrive: closing it would reset it, and lose the response.
  response.write(text)
  let bytes = 0
  const cancel = timer.after(limits.lingerMs, () => response.end())
  incoming.on("error", () => undefined)
  incoming.once("close", cancel)
  incoming.once("end", () => response.end())
  incoming.on("data", (chunk: Buffer) => {
    bytes += chunk.byteLength
    if (bytes > limits.lingerBytes) response.end()
  })
}

/** Rejects with the error of node:net, such as a port in use or an address of another machine. */
export function listen(server: Server, at: { host: string; port: number }): Promise<{ port: number }> {
  return new Promise((resolve, reject) => {
    server.once("error", reject)
    server.listen(at.port, at.host, () => {
      server.off("error", reject)
      const address = server.address()
      resolve({ port: typeof address === "object" && address !== null ? address.port : at.port })
    })
  })
}
