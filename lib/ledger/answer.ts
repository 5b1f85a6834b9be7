import type { RawAnswer } from "../decision/state/outcome.ts"
import { digestText } from "../digest.ts"
import { zlib } from "../zlib.ts"

// How an entry keeps the answer to a purchase: as text while it is short, compressed where it is long, and only its
// beginning where even that does not fit.

/** Characters up to which an answer is kept as text, so that people can read it in an export. */
const MAX_TEXT_LENGTH = 8 * 1024
/** No answer unpacks to more than this; one that claims so is not from us. 1 MB of text, as UTF-8. */
const MAX_UNPACKED_BYTES = 4 * 1024 * 1024

/** The forms in which an answer may be kept, the most complete one first: whole, then shorter and shorter beginnings. */
export function* keptForms(raw: RawAnswer): Iterable<RawAnswer> {
  if (raw.body.length <= MAX_TEXT_LENGTH) yield raw
  const sha256 = hashOf(raw.body)
  yield { ...raw, body: zlib().gzipSync(raw.body).toString("base64"), encoding: "gzip+base64", sha256 }
  for (let length = Math.min(raw.body.length, 64 * 1024); length > 0; length = Math.floor(length / 2))
    yield { ...raw, body: beginningOf(raw.body, length), truncated: true, sha256 }
}

/** The text of a kept answer. Throws where it is not what `keptForms` made of one. */
export function answerText({ body, encoding }: RawAnswer): string {
  if (encoding === undefined) return body
  return zlib().gunzipSync(Buffer.from(body, "base64"), { maxOutputLength: MAX_UNPACKED_BYTES }).toString()
}

function hashOf(text: string): string {
  return digestText(text).slice("sha256:".length)
}

/** Never half of a character that takes two units. */
function beginningOf(text: string, length: number): string {
  return text.slice(0, length).replace(/[\uD800-\uDBFF]$/, "")
}
