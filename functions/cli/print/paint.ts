import { styleText } from "node:util"

const COLOURS = ["bold", "dim", "red", "green", "yellow", "cyan"] as const

/** One function per colour; without colours each gives its text back. */
export type Paint = Record<(typeof COLOURS)[number], (text: string) => string>

export function paintOf(hasColours: boolean): Paint {
  const paint = (colour: (typeof COLOURS)[number]) => (text: string) =>
    // The caller looked at its own stream; newer releases of Node.js would look at process.stdout.
    hasColours ? styleText(colour, text, { validateStream: false }) : text
  return Object.fromEntries(COLOURS.map((colour) => [colour, paint(colour)])) as Paint
}
