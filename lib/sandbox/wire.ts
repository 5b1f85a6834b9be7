import type { IncomingMessage, ServerResponse } from "node:http"
import type { SandboxResponse } from "./response.ts"

/** All bytes of a request's body, unless there are more than `maxBytes` or the sender disconnects. */
export async function readBody(
  incoming: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | "too-large" | "aborted"> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The socket must outlive the loop, since a body that is too large still gets an answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > maxBytes) {
        incoming.resume()
        return "too-large"
      }
      chunks.push(chunk)
    }
  } catch {
    return "aborted"
  }
  return Buffer.concat(chunks)
}

/** A response that is being sent. */
export interface Outgoing {
  response: SandboxResponse
  requestId: string
  /** For the `Date` header; epoch milliseconds. */
  date: number
  /** Sends half of the body and drops the connection. */
  cut?: boolean
}

/** Writes a response as the cloud does: JSON, `Date`, `X-Request-Id`, `Content-Length`. */
export function send(
  serverResponse: ServerResponse,
  { response, requestId, date, cut = false }: Outgoing,
): void {
  const isText = typeof response.body === "string"
  const text =
    response.body === undefined ? "" : isText ? String(response.body) : JSON.stringify(response.body)
  const bytes = Buffer.from(text)
  serverResponse.writeHead(response.status, {
    "Content-Type": isText ? "text/html; charset=utf-8" : "application/json",
    "Content-Length": bytes.byteLength,
    "X-Request-Id": requestId,
    Date: new Date(date).toUTCString(),
    ...response.headers,
  })
  if (!cut) {
    serverResponse.end(bytes)
    return
  }
  serverResponse.write(bytes.subarray(0, Math.floor(bytes.byteLength / 2)), () => serverResponse.destroy())
}
