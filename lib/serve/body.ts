import type { IncomingMessage } from "node:http"

/**
 * The body of a request. If it is too large, nothing is kept. `gone`: the connection ended before the body.
 */
export type Body = { kind: "whole"; bytes: Buffer } | { kind: "too-large" } | { kind: "gone" }

/** Reads at most `maxBytes`. A body with a larger Content-Length is not read at all. Never rejects. */
export async function readBody(incoming: IncomingMessage, maxBytes: number): Promise<Body> {
  if (Number(incoming.headers["content-length"] ?? 0) > maxBytes) return { kind: "too-large" }
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The connection must outlive the loop, since a body that is too large still gets an answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.byteLength
      if (bytes > maxBytes) return { kind: "too-large" }
      chunks.push(chunk)
    }
  } catch {
    return { kind: "gone" }
  }
  return { kind: "whole", bytes: Buffer.concat(chunks) }
}
