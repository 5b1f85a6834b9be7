import { styleText } from "node:util"

const COLOURS = ["bold", "dim", "red", "green", "yellow", "cyan"] as const

/** One function per colour. Without colours each returns its text unchanged. */
export type Paint = Record<(typeof COLOURS)[number], (text: string) => string>

export function paintOf(hasColours: boolean): Paint {
  const paint = (colour: (typeof COLOURS)[number]) => (text: string) =>
    // The caller has checked whether its own stream shows colours. Newer releases of Node.js would check process.stdout instead.
    hasColours ? styleText(colour, text, { validateStream: false }) : text
  return Object.fromEntries(COLOURS.map((colour) => [colour, paint(colour)])) as Paint
}
