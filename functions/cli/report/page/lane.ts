import type { ReportEvent } from "../report.ts"
import { AXIS_PX, RIGHT_PX } from "./chart.ts"
import { h } from "./dom.ts"
import { KINDS, RANK } from "./kinds.ts"
import type { Timeline } from "./timeline.ts"
import type { Zone } from "./zone.ts"

/** Width of a marker, pixels. Events that are closer to each other share one. */
const MARKER_PX = 18

/** Events that share one marker. */
interface Cluster {
  events: ReportEvent[]
  x: number
}

export interface LaneParts {
  timeline: Timeline
  zone: Zone
  /** Called when a reader chooses an event by its marker; `among` has all events of that marker. */
  choose(event: ReportEvent, among: readonly ReportEvent[]): void
}

/** Markers of all events, below the charts. Tab stops at one marker; the arrow keys move to the others. */
export class Lane {
  readonly element: HTMLElement
  readonly #rows = [h("div", { class: "row" }), h("div", { class: "row holds" })] as const
  #events: readonly ReportEvent[] = []
  #chosen: string | null = null

  constructor(private readonly parts: LaneParts) {
    this.element = h(
      "div",
      {
        class: "lane",
        role: "toolbar",
        "aria-label": "Decisions over time. Arrow keys go from one to the next",
        keydown: (event) => this.#key(event as KeyboardEvent),
      },
      ...this.#rows,
    )
    parts.timeline.onChange(() => this.draw())
    new ResizeObserver(() => this.draw()).observe(this.element)
  }

  show(events: readonly ReportEvent[]): void {
    this.#events = events
    this.draw()
  }

  mark(id: string | null): void {
    this.#chosen = id
    for (const marker of this.#markers)
      marker.setAttribute(
        "aria-pressed",
        String(marker.dataset["ids"]?.split(" ").includes(id ?? "") === true),
      )
  }

  draw(): void {
    const width = this.element.clientWidth - AXIS_PX - RIGHT_PX
    if (width <= 0) return
    const focused = this.#markers.find((marker) => marker === document.activeElement)?.dataset["id"]
    const [others, holds] = this.#rows
    others.replaceChildren(...this.#markersOf((event) => event.kind !== "hold", width))
    holds.replaceChildren(...this.#markersOf((event) => event.kind === "hold", width))
    const markers = this.#markers
    const stop = markers.find((marker) => marker.dataset["id"] === focused) ?? markers.at(-1)
    if (stop) stop.tabIndex = 0
    if (focused !== undefined) stop?.focus()
    this.mark(this.#chosen)
  }

  get #markers(): HTMLButtonElement[] {
    return [...this.element.querySelectorAll("button")].sort(
      (a, b) => Number(a.dataset["x"]) - Number(b.dataset["x"]),
    )
  }

  #markersOf(isWanted: (event: ReportEvent) => boolean, width: number): HTMLButtonElement[] {
    const { from, to } = this.parts.timeline.range
    const clusters: Cluster[] = []
    for (const event of this.#events) {
      if (!isWanted(event) || event.at < from || event.at > to) continue
      const x = ((event.at - from) / (to - from)) * width
      const last = clusters.at(-1)
      if (last && x - last.x < MARKER_PX) last.events.push(event)
      else clusters.push({ events: [event], x })
    }
    return clusters.map((cluster) => this.#marker(cluster))
  }

  #marker({ events, x }: Cluster): HTMLButtonElement {
    const { zone, choose } = this.parts
    const [first] = [...events].sort((a, b) => RANK.indexOf(b.kind) - RANK.indexOf(a.kind))
    const event = first as ReportEvent
    const { mark, label } = KINDS[event.kind]
    const more = events.length > 1 ? `, and ${events.length - 1} more` : ""
    const says = `${label}, ${zone.instant(event.at)}: ${event.title}${more}`
    const marker = h(
      "button",
      {
        type: "button",
        class: `marker ${event.kind}${events.length > 1 ? " many" : ""}`,
        tabindex: -1,
        title: says,
        "aria-label": says,
        click: () => choose(event, events),
        focus: () => choose(event, events),
      },
      mark,
    )
    marker.dataset["id"] = event.id
    marker.dataset["ids"] = events.map(({ id }) => id).join(" ")
    marker.dataset["x"] = String(x)
    marker.style.left = `${AXIS_PX + x}px`
    return marker
  }

  #key(event: KeyboardEvent): void {
    const markers = this.#markers
    const at = markers.indexOf(document.activeElement as HTMLButtonElement)
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: markers.length - 1 }[event.key]
    const marker = next === undefined ? undefined : markers[next]
    if (!marker) return
    event.preventDefault()
    for (const one of markers) one.tabIndex = one === marker ? 0 : -1
    marker.focus()
  }
}
