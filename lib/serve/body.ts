import type { IncomingMessage } from "node:http"

/** A body as far as it is wanted: nothing is kept of one that is too large, and reading it ends early. */
export type Body = { kind: "whole"; bytes: Buffer } | { kind: "too-large" } | { kind: "gone" }

/** Reads at most `mostBytes`. What a Content-Length admits to be more is not read at all. Never rejects. */
export async function readBody(incoming: IncomingMessage, mostBytes: number): Promise<Body> {
  if (Number(incoming.headers["content-length"] ?? 0) > mostBytes) return { kind: "too-large" }
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    // The connection must outlive the loop: a body that is too large still gets its answer.
    for await (const chunk of incoming.iterator({ destroyOnReturn: false })) {
      if (!Buffer.isBuffer(chunk)) continue
      bytes += chunk.byteLength
      if (bytes > mostBytes) return { kind: "too-large" }
      chunks.push(chunk)
    }
  } catch {
    return { kind: "gone" }
  }
  return { kind: "whole", bytes: Buffer.concat(chunks) }
}
