import type { RawAnswer } from "../decision/state/outcome.ts"
import { digestText } from "../digest.ts"
import { zlib } from "../zlib.ts"

// Storage of the raw answer to a purchase request: as text if it is short, else compressed. If that does not
// fit either, only its beginning is stored.

/** Maximum characters of an answer that is stored as text, which stays readable in an export. */
const MAX_TEXT_LENGTH = 8 * 1024
/** Maximum size of a decompressed answer. This program stores at most 1 MB, so a larger one is foreign. */
const MAX_UNPACKED_BYTES = 4 * 1024 * 1024

/** Forms in which an answer may be stored, most complete first: whole, then ever shorter beginnings. */
export function* keptForms(raw: RawAnswer): Iterable<RawAnswer> {
  if (raw.body.length <= MAX_TEXT_LENGTH) yield raw
  const sha256 = hashOf(raw.body)
  yield { ...raw, body: zlib().gzipSync(raw.body).toString("base64"), encoding: "gzip+base64", sha256 }
  for (let length = Math.min(raw.body.length, 64 * 1024); length > 0; length = Math.floor(length / 2))
    yield { ...raw, body: beginningOf(raw.body, length), truncated: true, sha256 }
}

/** Text of a stored answer. Throws if a compressed body cannot be decompressed or is too large. */
export function answerText({ body, encoding }: RawAnswer): string {
  if (encoding === undefined) return body
  return zlib().gunzipSync(Buffer.from(body, "base64"), { maxOutputLength: MAX_UNPACKED_BYTES }).toString()
}

function hashOf(text: string): string {
  return digestText(text).slice("sha256:".length)
}

/** First `length` UTF-16 units of a text, without half of a surrogate pair at the end. */
function beginningOf(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "")
}
