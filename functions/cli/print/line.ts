import { visible } from "../../../lib/decision/inputs/foreign-text.ts"

/** The colours that we write ourselves (picocolors): bold, dim, red, green, yellow, and their ends. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
const OUR_COLOURS = /\u001b\[(?:1|2|22|31|32|33|39)m/g

/** One line for a terminal: line ends and everything else that steers it become visible text; only our colours stay. */
export function terminalLine(text: string): string {
  const colours = text.match(OUR_COLOURS) ?? []
  return text
    .split(OUR_COLOURS)
    .map((part, i) => `${visible(part)}${colours[i] ?? ""}`)
    .join("")
}
