import type uPlot from "uplot"
import type { Band, BandKind, ReportEvent, Threshold } from "../report.ts"
import type { Layer } from "./chart.ts"
import { colour } from "./dom.ts"

const BAND_COLOURS: Readonly<Record<BandKind, string>> = {
  cooldown: "cooldown",
  "in-flight": "in-flight",
  waiting: "waiting",
  paused: "paused",
}

/** Bands behind the lines, for times in which nothing is bought. */
export function bandLayer(bands: readonly Band[]): Layer {
  return (plot) =>
    within(plot, (context) => {
      for (const { kind, from, to } of bands) {
        const [left, right] = [plot.valToPos(from, "x", true), plot.valToPos(to, "x", true)]
        if (right < plot.bbox.left || left > plot.bbox.left + plot.bbox.width) continue
        context.fillStyle = colour(BAND_COLOURS[kind])
        context.fillRect(
          left,
          plot.bbox.top,
          Math.max(right - left, window.devicePixelRatio),
          plot.bbox.height,
        )
      }
    })
}

/** Thresholds in front of the lines, each with its text at its right end. */
export function thresholdLayer(thresholds: readonly Threshold[]): Layer {
  return (plot) =>
    within(plot, (context) => {
      const ratio = window.devicePixelRatio
      context.lineWidth = 1.25 * ratio
      context.font = `${11 * ratio}px system-ui, sans-serif`
      context.textAlign = "right"
      for (const { kind, value, from, to, says } of thresholds) {
        const y = Math.round(plot.valToPos(value, "y", true))
        const left = Math.max(plot.valToPos(from, "x", true), plot.bbox.left)
        const right = Math.min(plot.valToPos(to, "x", true), plot.bbox.left + plot.bbox.width)
        if (left >= right) continue
        context.strokeStyle = context.fillStyle = colour(kind === "breach" ? "threshold" : "muted")
        context.setLineDash(kind === "breach" ? [6 * ratio, 4 * ratio] : [2 * ratio, 4 * ratio])
        context.beginPath()
        context.moveTo(left, y)
        context.lineTo(right, y)
        context.stroke()
        const isAtTop = y - plot.bbox.top < 16 * ratio
        if (right - left > 90 * ratio)
          haloed(context, says, right - 4 * ratio, y + (isAtTop ? 13 : -5) * ratio)
      }
    })
}

/** Text with an outline, so that it can be read in front of any line. */
function haloed(context: CanvasRenderingContext2D, text: string, x: number, y: number): void {
  context.save()
  context.setLineDash([])
  context.lineWidth = 4 * window.devicePixelRatio
  context.lineJoin = "round"
  context.strokeStyle = colour("card")
  context.strokeText(text, x, y)
  context.fillText(text, x, y)
  context.restore()
}

/** A line at each purchase, so that its effect can be seen in every chart. */
export function purchaseLayer(events: readonly ReportEvent[]): Layer {
  const purchases = events.filter(({ kind }) => kind === "purchase" || kind === "unknown")
  return (plot) =>
    within(plot, (context) => {
      context.lineWidth = window.devicePixelRatio
      for (const { at, kind } of purchases) {
        const x = Math.round(plot.valToPos(at, "x", true)) + 0.5
        context.strokeStyle = colour(kind)
        context.beginPath()
        context.moveTo(x, plot.bbox.top)
        context.lineTo(x, plot.bbox.top + plot.bbox.height)
        context.stroke()
      }
    })
}

export function mergeLayers(...layers: Layer[]): Layer {
  return (plot) => {
    for (const layer of layers) layer(plot)
  }
}

/** Paints only inside the chart's area. */
function within(plot: uPlot, paint: (context: CanvasRenderingContext2D) => void): void {
  const { ctx: context, bbox } = plot
  context.save()
  context.beginPath()
  context.rect(bbox.left, bbox.top, bbox.width, bbox.height)
  context.clip()
  paint(context)
  context.restore()
}
