import uPlot from "uplot"
import { colour, h, isPhone } from "./dom.ts"
import type { Timeline } from "./timeline.ts"
import type { Zone } from "./zone.ts"

/** Width of the value axis. It is equal in all charts, so that equal times are below each other. */
export const AXIS_PX = 62
export const RIGHT_PX = 28

export interface Line {
  label: string
  /** Name of a colour in the style sheet. */
  colour: string
  values: (number | null)[]
  isStepped?: true
  isDashed?: true
  isThin?: true
  /** Fills the area down to the line with this index, or down to the axis. */
  fill?: "axis" | number
  says(value: number): string
}

/** Paints behind the lines, or in front of them. */
export type Layer = (plot: uPlot) => void

export interface ChartParts {
  title: string
  says: string
  height: number
  at: number[]
  lines: Line[]
  /** Values that the axis must include. */
  reach: number[]
  isWhole?: true
  behind: Layer
  inFront: Layer
  zone: Zone
  timeline: Timeline
  legend: { label: string; class: string }[]
}

const SYNC = "report"

/** One chart with its title, its legend and the values under the cursor. */
export class Chart {
  readonly element: HTMLElement
  readonly #box = h("div", { class: "plot" })
  readonly #readout = h("output", { class: "readout" })
  #plot: uPlot | null = null
  /** Width on paper, pixels; `null` on a screen, where the chart is as wide as its box. */
  #fixedWidth: number | null = null
  #parts: ChartParts

  constructor(parts: ChartParts) {
    this.#parts = parts
    const legend = parts.legend.map(({ label, class: name }) =>
      h("span", { class: `key ${name}` }, h("i", {}), label),
    )
    this.element = h(
      "figure",
      { class: "chart" },
      h(
        "figcaption",
        {},
        h("strong", {}, parts.title),
        h("span", { class: "says" }, parts.says),
        this.#readout,
      ),
      h("div", { class: "legend" }, ...legend),
      this.#box,
    )
    this.#box.setAttribute("role", "img")
    this.#box.setAttribute("aria-label", `${parts.title}: ${parts.says}`)
    parts.timeline.onChange(() => this.#follow())
    new ResizeObserver(() => this.resize()).observe(this.#box)
  }

  /** Draws the chart again, for another theme or other data. */
  draw(parts: ChartParts = this.#parts): void {
    this.#parts = parts
    this.#plot?.destroy()
    this.#box.replaceChildren()
    const width = this.#width
    if (width === 0) return
    const data: uPlot.AlignedData = [parts.at, ...parts.lines.map(({ values }) => values)]
    this.#plot = new uPlot(
      optionsOf(parts, width, (plot) => this.#read(plot)),
      data,
      this.#box,
    )
    this.#follow()
  }

  /**
   * Sets the width for paper, since no observer reports it; `null` means that the chart is on a screen again.
   */
  fix(width: number | null): void {
    this.#fixedWidth = width
    this.draw()
  }

  get #width(): number {
    return this.#fixedWidth ?? this.#box.clientWidth
  }

  resize(): void {
    const width = this.#width
    if (width === 0) return
    if (!this.#plot) this.draw()
    else if (this.#plot.width !== width) this.#plot.setSize({ width, height: this.#parts.height })
  }

  #follow(): void {
    const { from, to } = this.#parts.timeline.range
    const x = this.#plot?.scales["x"]
    if (x && (x.min !== from || x.max !== to)) this.#plot?.setScale("x", { min: from, max: to })
  }

  #read(plot: uPlot): void {
    const { idx, left = -1 } = plot.cursor
    const { lines, zone, at } = this.#parts
    if (idx === null || idx === undefined || left < 0) {
      this.#readout.textContent = ""
      return
    }
    // A step lasts until the next one, so the nearest element may be after the cursor.
    const under = plot.posToVal(left, "x")
    const isStepped = lines.some((line) => line.isStepped)
    const index = isStepped && (at[idx] ?? 0) > under ? idx - 1 : idx
    const values = lines.flatMap(({ says, values: all }) => {
      const value = all[index]
      return value === null || value === undefined ? [] : [says(value)]
    })
    const time = isStepped ? under : (at[index] ?? under)
    this.#readout.textContent = `${zone.minute(time)}  ${values.join(" · ") || "no data"}`
  }
}

function optionsOf(parts: ChartParts, width: number, read: (plot: uPlot) => void): uPlot.Options {
  const { lines, height, timeline, zone, behind, inFront, reach, isWhole } = parts
  const grid = { stroke: colour("grid"), width: 1 }
  const axis = {
    stroke: colour("muted"),
    grid,
    ticks: { ...grid, size: 4 },
    font: "11px system-ui, sans-serif",
  }
  const largest = Math.max(...reach, ...lines.flatMap(({ values }) => values.map((value) => value ?? 0)), 0)
  return {
    width,
    height,
    ms: 1,
    tzDate: (at) => uPlot.tzDate(new Date(at), zone.name),
    padding: [8, RIGHT_PX, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: SYNC },
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { size: 7 },
    },
    scales: {
      x: { time: true, min: timeline.range.from, max: timeline.range.to },
      y: { range: (_plot, low, high) => rangeOf(low, high, reach, isWhole) },
    },
    axes: [
      {
        ...axis,
        size: 40,
        space: isPhone() ? 64 : 84,
        values: (_plot, splits, _axis, _space, step) =>
          splits.map((at, i) => zone.tick(at, step, i === 0 ? null : (splits[i - 1] ?? null))),
      },
      {
        ...axis,
        size: AXIS_PX,
        space: 30,
        values: (_plot, splits) =>
          splits.map((value) => (isWhole && value % 1 !== 0 ? "" : axisText(value, largest))),
      },
    ],
    series: [{}, ...lines.map(seriesOf)],
    bands: lines.flatMap(({ fill, colour: name }, i) =>
      typeof fill === "number"
        ? [{ series: [i + 1, fill + 1] as [number, number], fill: colour(`${name}-soft`) }]
        : [],
    ),
    hooks: {
      drawAxes: [behind],
      draw: [inFront],
      setCursor: [read],
      setSelect: [
        (plot) => {
          const { left, width: wide } = plot.select
          plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
          if (wide < 4) return
          timeline.show({ from: plot.posToVal(left, "x"), to: plot.posToVal(left + wide, "x") })
        },
      ],
    },
  }
}

function seriesOf({ label, colour: name, isStepped, isDashed, isThin, fill }: Line): uPlot.Series {
  const paths = isStepped ? uPlot.paths.stepped?.({ align: 1 }) : undefined
  return {
    label,
    stroke: colour(isThin ? `${name}-thin` : name),
    width: isThin ? 1 : 1.5,
    ...(isDashed ? { dash: [5, 4] } : {}),
    ...(fill === "axis" ? { fill: colour(`${name}-soft`) } : {}),
    ...(paths ? { paths } : {}),
    points: isStepped || isThin ? { show: false } : { size: 4 },
  }
}

function rangeOf(low: number | null, high: number | null, reach: number[], isWhole?: true): [number, number] {
  const values = [...(low === null ? [] : [low]), ...(high === null ? [] : [high]), ...reach]
  const [lowest, highest] = [
    Math.min(...values, 0),
    Math.max(...values, isWhole ? 1 : Number.NEGATIVE_INFINITY),
  ]
  if (!Number.isFinite(highest) || highest === lowest) return [lowest, lowest + 1]
  return [lowest < 0 ? lowest * 1.08 : 0, highest + (highest - lowest) * 0.12]
}

const COMPACT = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 4 })
const PLAIN = new Intl.NumberFormat("en-US", { maximumSignificantDigits: 6 })

function axisText(value: number, largest: number): string {
  return largest >= 100_000 ? COMPACT.format(value) : PLAIN.format(value)
}

/** `1,234.5`. */
export function numberText(value: number): string {
  return PLAIN.format(value)
}
