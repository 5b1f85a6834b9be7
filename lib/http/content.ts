import { zlib } from "../zlib.ts"

/** Requests an uncompressed response. Some gateways compress it anyway; `decodedBody` handles that. */
export const ACCEPT_ENCODING = { "accept-encoding": "identity" } as const

/** A body without compression, or the reason why it cannot be read. */
export type Body = { ok: true; body: Buffer } | { ok: false; why: string }

/** Maximum number of compression layers; no honest server applies more. */
const MAX_LAYERS = 2

/**
 * Decompresses a body by its `Content-Encoding` (`header`). Refuses a result of more than `maxBytes`, however
 * small the compressed body is. Some gateways omit the header, so gzip is also recognized by its first bytes.
 * No JSON begins with them.
 */
export function decodedBody(wire: Buffer, header: string | string[] | undefined, maxBytes: number): Body {
  // The usual response: not compressed, as requested.
  if (header === undefined && !isGzip(wire)) return { ok: true, body: wire }
  const names = [header ?? []]
    .flat()
    .join(",")
    .toLowerCase()
    .split(",")
    .map((name) => name.trim())
    .filter((name) => name !== "" && name !== "identity")
  if (names.length === 0 && isGzip(wire)) names.push("gzip")
  if (names.length > MAX_LAYERS) return { ok: false, why: `${names.length} layers of compression` }
  let body = wire
  for (const name of names.toReversed()) {
    if (body.length === 0) break
    const inflated = inflate(name, body, maxBytes)
    if (!inflated.ok) return inflated
    body = inflated.body
  }
  return { ok: true, body }
}

const utf8 = new TextDecoder()

/** A body as text. Bytes that are not UTF-8 become U+FFFD, and a byte order mark is removed. */
export function utf8Text(body: Buffer): string {
  return utf8.decode(body)
}

function inflate(name: string, body: Buffer, maxOutputLength: number): Body {
  const options = { maxOutputLength }
  try {
    switch (name) {
      case "gzip":
      case "x-gzip":
        return { ok: true, body: zlib().gunzipSync(body, options) }
      case "deflate":
        return {
          ok: true,
          body: isZlib(body) ? zlib().inflateSync(body, options) : zlib().inflateRawSync(body, options),
        }
      case "br":
        return { ok: true, body: zlib().brotliDecompressSync(body, options) }
      default:
        return { ok: false, why: "a content-encoding that is not supported" }
    }
  } catch (cause) {
    const tooLarge = cause instanceof Error && "code" in cause && cause.code === "ERR_BUFFER_TOO_LARGE"
    return {
      ok: false,
      why: tooLarge ? `more than ${maxOutputLength} bytes when decompressed` : `invalid ${name} data`,
    }
  }
}

function isGzip(body: Buffer): boolean {
  return body[0] === 0x1f && body[1] === 0x8b
}

/** "deflate" means the zlib format; some servers send it without zlib's header. */
function isZlib(body: Buffer): boolean {
  return body.length >= 2 && ((body[0] ?? 0) & 0x0f) === 8 && (body.readUInt16BE(0) & 0xffff) % 31 === 0
}
