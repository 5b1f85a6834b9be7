import type { Envelope, Load, Spend, View } from "../report.ts"
import { Chart, type ChartParts, type Line, numberText } from "./chart.ts"
import { h } from "./dom.ts"
import { bandLayer, mergeLayers, purchaseLayer, thresholdLayer } from "./layers.ts"
import type { Timeline } from "./timeline.ts"
import type { Zone } from "./zone.ts"

interface ChartFrame {
  view: View
  zone: Zone
  timeline: Timeline
}

const MINUTE_MS = 60_000

/** A chart, or a text in its place. */
export type ChartOrWords = Chart | { element: HTMLElement }

/** Charts of one view: the load of each meter, servers, money. */
export function chartsOf(frame: ChartFrame): ChartOrWords[] {
  const { view } = frame
  return [
    ...view.loads.map((load) => loadChart(load, frame)),
    view.servers.at.length > 0
      ? new Chart(serversParts(frame))
      : words("Servers over time", "No entry in this period has read the servers."),
    view.spend
      ? new Chart(spendParts(view.spend, frame))
      : words("Spend", "Nothing was bought, and the policy has no budget."),
  ]
}

function words(title: string, text: string): { element: HTMLElement } {
  const caption = h("figcaption", {}, h("strong", {}, title))
  return { element: h("figure", { class: "chart" }, caption, h("p", { class: "empty" }, text)) }
}

function loadChart(load: Load, frame: ChartFrame): ChartOrWords {
  if (load.empty !== null) return words(load.title, load.empty)
  const { values, thresholds } = load
  return new Chart({
    ...common(frame),
    title: load.title,
    says: [load.says, sayBuckets(values)].filter((part) => part !== "").join("; "),
    height: 210,
    at: values.at,
    lines: linesOf(values),
    reach: thresholds.map(({ value }) => value),
    inFront: mergeLayers(thresholdLayer(thresholds), purchaseLayer(frame.view.events)),
    legend: [
      { label: values.bucketMs === null ? "value" : "lowest to highest value", class: "line-load" },
      ...(thresholds.some(({ kind }) => kind === "breach")
        ? [{ label: "threshold", class: "line-threshold" }]
        : []),
      ...(thresholds.some(({ kind }) => kind === "clear") ? [{ label: "clear", class: "line-clear" }] : []),
      ...bandKeys(frame),
    ],
  })
}

/** Note for the reader of a series whose values were combined; empty if they were not. */
function sayBuckets({ bucketMs, rows }: Envelope): string {
  if (bucketMs === null) return ""
  const minutes = bucketMs / MINUTE_MS
  return `${numberText(rows)} values, drawn as the lowest and highest of each ${numberText(minutes)} minutes`
}

function linesOf({ low, high, bucketMs }: Envelope): Line[] {
  if (bucketMs === null) return [{ label: "value", colour: "load", values: high, says: numberText }]
  return [
    {
      label: "lowest",
      colour: "load",
      values: low,
      isThin: true,
      says: (value) => `from ${numberText(value)}`,
    },
    {
      label: "highest",
      colour: "load",
      values: high,
      isThin: true,
      fill: 0,
      says: (value) => `to ${numberText(value)}`,
    },
  ]
}

function serversParts(frame: ChartFrame): ChartParts {
  const { servers, serversLimit } = frame.view
  const most = Math.max(...servers.present)
  const showsLimit = serversLimit !== null && serversLimit <= most * 2
  return {
    ...common(frame),
    title: "Servers",
    says: serversLimit === null ? "" : `the policy allows ${serversLimit}`,
    height: 150,
    at: servers.at,
    lines: [
      {
        label: "with orders in flight",
        colour: "ordered",
        values: servers.present,
        isStepped: true,
        isDashed: true,
        says: (value) => `${value} with orders`,
      },
      {
        label: "running",
        colour: "servers",
        values: servers.running,
        isStepped: true,
        fill: "axis",
        says: (value) => `${value} running`,
      },
    ],
    reach: showsLimit ? [serversLimit] : [],
    isWhole: true,
    inFront: purchaseLayer(frame.view.events),
    legend: [
      { label: "running", class: "line-servers" },
      { label: "with orders in flight", class: "line-ordered" },
      ...bandKeys(frame),
    ],
  }
}

function spendParts(
  { currency, window, at, amount, budget, unpriced }: Spend,
  frame: ChartFrame,
): ChartParts {
  const without = unpriced > 0 ? `; ${unpriced} purchases have no price` : ""
  const thresholds = budget.map(({ from, to, amount: value }) => ({
    rule: "budget",
    kind: "breach" as const,
    value,
    says: `budget ${numberText(value)} ${currency}`,
    from,
    to,
  }))
  return {
    ...common(frame),
    behind: () => undefined,
    title: "Spend",
    says: `${currency} ${window}${budget.length === 0 ? ", no budget" : ""}${without}`,
    height: 150,
    at,
    lines: [
      {
        label: "spend",
        colour: "spend",
        values: amount,
        isStepped: true,
        fill: "axis",
        says: (value) => `${numberText(value)} ${currency}`,
      },
    ],
    reach: thresholds.map(({ value }) => value),
    inFront: mergeLayers(thresholdLayer(thresholds), purchaseLayer(frame.view.events)),
    legend: [
      { label: `spend ${window}`, class: "line-spend" },
      ...(budget.length > 0 ? [{ label: "budget", class: "line-threshold" }] : []),
    ],
  }
}

function common({ view, zone, timeline }: ChartFrame) {
  return { behind: bandLayer(view.bands), zone, timeline }
}

const BAND_KEYS = [
  ["cooldown", "cooldown"],
  ["in-flight", "order in flight"],
  ["waiting", "waits for a person"],
  ["paused", "paused or held"],
] as const

function bandKeys({ view }: ChartFrame): { label: string; class: string }[] {
  return BAND_KEYS.filter(([kind]) => view.bands.some((band) => band.kind === kind)).map(([kind, label]) => ({
    label,
    class: `band band-${kind}`,
  }))
}
