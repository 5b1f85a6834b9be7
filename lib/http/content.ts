import { zlib } from "../zlib.ts"

/** Sent with every request: nothing compressed is asked for. Some gateways compress all the same, so `bodyOf` reads it. */
export const ACCEPT_ENCODING = { "accept-encoding": "identity" } as const

/** A body without its compression, or why it cannot be read. */
export type Body = { ok: true; body: Buffer } | { ok: false; why: string }

/** More layers than any honest server takes. */
const MAX_LAYERS = 2

/**
 * A body as it was before `Content-Encoding`, of at most `maxBytes`: what would grow larger is refused, however small it
 * came. gzip is also known by its first bytes, for a gateway that forgot the header; no JSON begins with them.
 */
export function bodyOf(wire: Buffer, header: string | string[] | undefined, maxBytes: number): Body {
  // Nearly every answer: as it was asked for.
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

/** A body as text; bytes that are not UTF-8 become U+FFFD, and a byte order mark is left out. */
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
      why: tooLarge ? `more than ${maxOutputLength} bytes once inflated` : `${name} that cannot be inflated`,
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
