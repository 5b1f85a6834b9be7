import { stripVTControlCharacters } from "node:util"
import { onFirstUse } from "../../../lib/on-first-use.ts"

const IS_ASCII = /^[\x20-\x7e]*$/
/** Characters that take two columns: Chinese, Japanese and Korean text, full-width forms, emoji. */
const IS_WIDE =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u
/** Half-width Katakana and Hangul belong to these scripts, but take one column. */
const IS_HALF_WIDTH = /^[\uff61-\uffdc]/u
const IS_EMPTY = /^[\p{Mark}\p{Control}\p{Format}]*$/u
/** Created for the first line that is not ASCII, since every formatter of `Intl` is expensive. */
const segmenter = onFirstUse(() => new Intl.Segmenter())

/**
 * Number of terminal columns that a line takes. Colour codes take none. Node.js has no public function for
 * this.
 */
export function widthOf(line: string): number {
  const text = stripVTControlCharacters(line)
  if (IS_ASCII.test(text)) return text.length
  let width = 0
  for (const { segment } of segmenter().segment(text)) width += columnsOf(segment)
  return width
}

function columnsOf(grapheme: string): number {
  if (IS_EMPTY.test(grapheme)) return 0
  return IS_WIDE.test(grapheme) && !IS_HALF_WIDTH.test(grapheme) ? 2 : 1
}

/** Fills a line with spaces up to this number of columns. */
export function padTo(line: string, columns: number): string {
  return line + " ".repeat(Math.max(0, columns - widthOf(line)))
}
