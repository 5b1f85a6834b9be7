import { stripVTControlCharacters } from "node:util"
import { onFirstUse } from "../../../lib/on-first-use.ts"

const IS_ASCII = /^[\x20-\x7e]*$/
/** Drawn over two columns: Chinese, Japanese and Korean text, full-width forms, emoji. */
const IS_WIDE =
  /^[\p{Script=Han}\p{Script=Hangul}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Bopomofo}\p{Emoji_Presentation}\u3000-\u303e\uff01-\uff60\uffe0-\uffe6]|\ufe0f/u
/** Half-width Katakana and Hangul are of these scripts and narrow. */
const IS_HALF_WIDTH = /^[\uff61-\uffdc]/u
const IS_EMPTY = /^[\p{Mark}\p{Control}\p{Format}]*$/u
/** Made for the first line that is not ASCII: no formatter of `Intl` is cheap. */
const segmenter = onFirstUse(() => new Intl.Segmenter())

/** Columns of a terminal that a line takes. Node.js has no public function for it; colours take none. */
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

/** The line, filled with spaces up to so many columns. */
export function padTo(line: string, columns: number): string {
  return line + " ".repeat(Math.max(0, columns - widthOf(line)))
}
