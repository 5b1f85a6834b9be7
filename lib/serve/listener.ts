import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { Timer } from "./timer.ts"

/** Limits for each connection. */
export interface ListenerLimits {
  /** From the connection to the last header. */
  headersMs: number
  /** From the connection to the last byte of the body. */
  requestMs: number
  /** Interval between checks of those two. */
  checkMs: number
  /** Lifetime of an idle connection. */
  keepAliveMs: number
  /** Time for which a sender whose body is refused may go on sending before the connection is cut. */
  lingerMs: number
  /** And how much of it is taken and thrown away. */
  lingerBytes: number
  connections: number
}

/** A connection without any traffic for this long is closed: no run may take so long. */
const IDLE_MS = 15 * 60_000
const MAX_HEADER_BYTES = 16 * 1024

/** An answer: as JSON, or a text with its type. */
export interface Reply {
  status: number
  body: unknown
  /** The Content-Type of a `body` that is a text; absent: JSON. */
  textType?: string
  headers?: Record<string, string | string[]>
  /** The rest of the request is not wanted, and the connection ends with this answer. */
  isLast?: boolean
}

/** null: the sender closed the connection and waits for no answer. */
export type Answer = (incoming: IncomingMessage) => Promise<Reply | null>

export interface ListenerParts {
  answer: Answer
  limits: ListenerLimits
  timer: Timer
}

/** The HTTP server, not listening yet. What is no HTTP is answered 400 by Node.js, what is too slow 408, too long headers 431. */
export function listenerOf({ answer, limits, timer }: ListenerParts): Server {
  const options = {
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    connectionsCheckingInterval: limits.checkMs,
    keepAliveTimeout: limits.keepAliveMs,
    maxHeaderSize: MAX_HEADER_BYTES,
  }
  const server = createServer(options, (incoming, response) => {
    // A sender that goes away in mid-answer is no news.
    response.on("error", () => undefined)
    void answer(incoming)
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
  // Closed at once, with bytes still coming in, the connection would be reset, and the sender might never see why.
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

/** Rejects with what node:net says: a port in use, an address that is not ours. */
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
