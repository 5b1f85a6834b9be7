import { openColours, terminalLine } from "./line.ts"
import { padTo, widthOf } from "./width.ts"

export interface TableOptions {
  head?: Cell[]
  /** Maximum length of a line, at which the last column is wrapped. Defaults to no wrapping. */
  columns?: number | undefined
}

/** Content of a cell: one line, or a list of lines. */
export type Cell = string | readonly string[]

const BETWEEN = "  "
const MIN_LAST_WIDTH = 30

/** Rows as aligned lines without frames, so that they can be read, copied and cut. A word is never broken or shortened. */
export function tableOf(rows: Cell[][], { head, columns }: TableOptions = {}): string[] {
  const all = (head ? [head, ...rows] : rows).map((row) => row.map((cell) => [cell].flat().map(terminalLine)))
  const last = Math.max(0, ...all.map((row) => row.length - 1))
  const widths = Array.from({ length: last }, (_, i) => columnWidth(all, i))
  const used = widths.reduce((sum, width) => sum + width + BETWEEN.length, 0)
  const lastWidth = columns === undefined ? Infinity : Math.max(MIN_LAST_WIDTH, columns - used)
  return all.flatMap((row) => {
    const cells = row.map((lines, i) => (i === last ? lines.flatMap((line) => wrap(line, lastWidth)) : lines))
    return rowLines(cells, widths)
  })
}

function columnWidth(rows: string[][][], column: number): number {
  return rows.reduce((width, row) => Math.max(width, ...(row[column] ?? []).map(widthOf)), 0)
}

function rowLines(cells: string[][], widths: number[]): string[] {
  const height = Math.max(1, ...cells.map((lines) => lines.length))
  return Array.from({ length: height }, (_, line) =>
    cells
      .map((lines, i) => padTo(lines[line] ?? "", widths[i] ?? 0))
      .join(BETWEEN)
      .trimEnd(),
  )
}

/** Breaks a line between words. A colour that is open at a break is closed there and opened again on the next line. */
function wrap(line: string, width: number): string[] {
  if (widthOf(line) <= width) return [line]
  const lines: string[] = []
  let current = ""
  for (const word of line.match(/[^ ]+ *| +/g) ?? []) {
    const isFull = widthOf(current) > 0 && widthOf(current) + widthOf(word.trimEnd()) > width
    if (!isFull) {
      current += word
      continue
    }
    const { opens, closes } = openColours(current)
    lines.push(`${current.trimEnd()}${closes}`)
    current = opens + word
  }
  return [...lines, current.trimEnd()]
}
