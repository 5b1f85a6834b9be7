import { stripVTControlCharacters } from "node:util"
import Table from "cli-table3"
import { terminalLine } from "./line.ts"

const NO_LINES = Object.fromEntries(
  ["top", "bottom", "mid"]
    .flatMap((row) => [row, `${row}-mid`, `${row}-left`, `${row}-right`])
    .concat("left", "left-mid", "right", "right-mid")
    .map((place) => [place, ""]),
)

export interface TableOptions {
  head?: string[]
  /** The last column is wrapped so that lines are no longer than this; without, it is not wrapped. */
  columns?: number | undefined
}

/** Each text is one line; a list makes a cell of several. */
export type Cell = string | readonly string[]

/** Rows as aligned lines without frames, so that they can be read, copied and cut. */
export function tableOf(rows: Cell[][], { head, columns }: TableOptions = {}): string[] {
  // Cleaned here, since the table is one text with line ends of its own.
  const all = (head ? [head, ...rows] : rows).map((row) =>
    row.map((cell) => [cell].flat().map(terminalLine).join("\n")),
  )
  const count = Math.max(0, ...all.map((row) => row.length))
  const table = new Table({
    chars: { ...NO_LINES, middle: "  " },
    style: { "padding-left": 0, "padding-right": 0, head: [], border: [] },
    wordWrap: true,
    colWidths: columns === undefined ? [] : lastWidth(all, count, columns),
  })
  table.push(...all)
  return table
    .toString()
    .split("\n")
    .map((line) => line.trimEnd())
}

const LEAST_WIDTH = 30

function lastWidth(rows: string[][], count: number, columns: number): (number | null)[] {
  const widths = Array.from({ length: count - 1 }, (_, i) =>
    Math.max(...rows.map((row) => stripVTControlCharacters(row[i] ?? "").length)),
  )
  const used = widths.reduce((sum, width) => sum + width + 2, 0)
  return [...widths.map(() => null), Math.max(LEAST_WIDTH, columns - used)]
}
