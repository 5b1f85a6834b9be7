import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from "node:zlib"
import { expect, it } from "vitest"
import { decodedBody } from "../../lib/http/content.ts"

const TEXT = Buffer.from('{"fine":true}')
const MAX = 1_000

it.each<[string, Buffer, string | string[] | undefined]>([
  ["no Content-Encoding header", TEXT, undefined],
  ["the encoding identity", TEXT, "identity"],
  ["gzip", gzipSync(TEXT), "gzip"],
  ["gzip in capitals, by its older name", gzipSync(TEXT), "X-GZIP"],
  ["gzip without a header", gzipSync(TEXT), undefined],
  ["deflate", deflateSync(TEXT), "deflate"],
  ["deflate without zlib's header", deflateRawSync(TEXT), "deflate"],
  ["br", brotliCompressSync(TEXT), "br"],
  ["two layers of encoding", gzipSync(deflateSync(TEXT)), "deflate, gzip"],
  ["two Content-Encoding headers", gzipSync(deflateSync(TEXT)), ["deflate", "gzip"]],
])("an HTTP body with %s is read", (_title, wire, header) => {
  expect(decodedBody(wire, header, MAX)).toEqual({ ok: true, body: TEXT })
})

it("an empty HTTP body is read, whatever Content-Encoding says", () => {
  expect(decodedBody(Buffer.alloc(0), "gzip", MAX)).toMatchObject({ ok: true })
})

it.each<[string, Buffer, string, string]>([
  ["gzip that inflates beyond the limit", gzipSync(Buffer.alloc(MAX + 1)), "gzip", "more than 1000 bytes"],
  ["br that inflates beyond the limit", brotliCompressSync(Buffer.alloc(1e6)), "br", "more than 1000 bytes"],
  ["truncated gzip", gzipSync(TEXT).subarray(0, 15), "gzip", "invalid gzip data"],
  ["plain text that is sent as gzip", TEXT, "gzip", "invalid gzip data"],
  ["an encoding that is not supported", TEXT, "zstd", "not supported"],
  ["more than two layers", TEXT, "gzip, gzip, gzip", "3 layers"],
])("an HTTP body with %s is refused", (_title, wire, header, why) => {
  expect(decodedBody(wire, header, MAX)).toEqual({ ok: false, why: expect.stringContaining(why) })
})
