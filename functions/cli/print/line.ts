import { visible } from "../../../lib/decision/inputs/foreign-text.ts"

/** Colours that we write ourselves (paint.ts): bold, dim, red, green, yellow, cyan, and the codes that end them. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: a colour begins with one
const OUR_COLOURS = /\u001b\[(?:1|2|22|31|32|33|36|39)m/g

/**
 * One line for a terminal. Line ends and other control characters become visible text; only our own colours
 * remain.
 */
export function terminalLine(text: string): string {
  const colours = text.match(OUR_COLOURS) ?? []
  return text
    .split(OUR_COLOURS)
    .map((part, i) => `${visible(part)}${colours[i] ?? ""}`)
    .join("")
}

/** Colours that are still open at the end of a text, and the codes that close them. */
export function openColours(text: string): { opens: string; closes: string } {
  const open = new Map<string, string>()
  for (const code of text.match(OUR_COLOURS) ?? []) {
    const end = /\[(?:1|2|22)m/.test(code) ? "\u001b[22m" : "\u001b[39m"
    if (code === end) open.delete(end)
    else open.set(end, code)
  }
  return { opens: [...open.values()].join(""), closes: [...open.keys()].reverse().join("") }
}
