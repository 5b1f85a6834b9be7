import type { IncomingMessage, ServerResponse } from "node:http"
import type { SandboxResponse } from "./response.ts"

/** All bytes of a request's body, unless there are more than `mostBytes` or the sender disconnects. */
export async function readBody(
  incoming: IncomingMessage,
  mostBytes: number,
): Promise<Buffer | "too-large" | "aborted"> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The socket must outlive the loop, since a body that is too large still gets an answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      bytes += chunk.byteLength
      if (bytes > mostBytes) {
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

/** An answer that is being sent. */
export interface Outgoing {
  answer: SandboxResponse
  requestId: string
  /** For the `Date` header; epoch milliseconds. */
  date: number
  /** Sends half of the body and drops the connection. */
  cut?: boolean
}

/** Writes an answer as the cloud does: JSON, `Date`, `X-Request-Id`, `Content-Length`. */
export function send(response: ServerResponse, { answer, requestId, date, cut = false }: Outgoing): void {
  const isText = typeof answer.body === "string"
  const text = answer.body === undefined ? "" : isText ? String(answer.body) : JSON.stringify(answer.body)
  const bytes = Buffer.from(text)
  response.writeHead(answer.status, {
    "Content-Type": isText ? "text/html; charset=utf-8" : "application/json",
    "Content-Length": bytes.byteLength,
    "X-Request-Id": requestId,
    Date: new Date(date).toUTCString(),
    ...answer.headers,
  })
  if (!cut) {
    response.end(bytes)
    return
  }
  response.write(bytes.subarray(0, Math.floor(bytes.byteLength / 2)), () => response.destroy())
}
