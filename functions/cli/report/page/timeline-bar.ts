import { h } from "./dom.ts"
import type { Timeline } from "./timeline.ts"
import type { Zone } from "./zone.ts"

/** Shows the time range of all charts, and buttons that change it. Dragging over a chart also changes it. */
export function timelineBar(timeline: Timeline, zone: Zone): HTMLElement {
  const shown = h("output", { class: "range" })
  const say = (): void => {
    const { from, to } = timeline.range
    shown.textContent = `${zone.minute(from)} to ${zone.minute(to)}`
  }
  timeline.onChange(say)
  say()
  const button = (text: string, label: string, click: () => void) =>
    h("button", { type: "button", "aria-label": label, title: label, click }, text)
  return h(
    "nav",
    { class: "timeline", "aria-label": "Time shown" },
    shown,
    h(
      "span",
      { class: "buttons" },
      button("◀", "Earlier", () => timeline.move(-0.5)),
      button("▶", "Later", () => timeline.move(0.5)),
      button("+", "Show less, larger", () => timeline.zoom(0.5)),
      button("−", "Show more, smaller", () => timeline.zoom(2)),
      button("All", "Show everything", () => timeline.showAll()),
    ),
    h("span", { class: "hint" }, "Drag over a chart to enlarge a part."),
  )
}
