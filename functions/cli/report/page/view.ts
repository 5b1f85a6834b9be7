import type { ReportEvent, View } from "../report.ts"
import { Chart } from "./chart.ts"
import { detailsOf } from "./details.ts"
import { h } from "./dom.ts"
import { Lane } from "./lane.ts"
import { factsOf, holdsOf, policiesOf } from "./summary.ts"
import { EventTable } from "./table.ts"
import { onTheme } from "./theme.ts"
import type { Timeline } from "./timeline.ts"
import { type ChartOrWords, chartsOf } from "./view-charts.ts"
import { Zone } from "./zone.ts"

/** Width of a chart on paper, pixels. */
const PAPER_PX = 680

/** Panel of one supernode, or of one policy of a simulation. */
export class ViewPanel {
  readonly element = h("section", { class: "card view" })
  readonly #zone: Zone
  readonly #lane: Lane
  readonly #table: EventTable
  readonly #top = h("div", {})
  readonly #charts = h("div", { class: "charts" })
  readonly #details = h("div", { class: "chosen", "aria-live": "polite" })
  readonly #holds = h("div", {})
  #drawn: ChartOrWords[] = []
  #texts: readonly string[] = []
  #chosen: { id: string; byReader: boolean } | null = null

  constructor(
    private view: View,
    private readonly timeline: Timeline,
  ) {
    this.#zone = new Zone(view.timezone)
    const zone = this.#zone
    this.#lane = new Lane({ timeline, zone, choose: (event, among) => this.#choose(event, among) })
    this.#table = new EventTable({ zone, choose: (event) => this.#choose(event, [event]) })
    this.element.id = view.id
    this.element.append(
      this.#top,
      this.#charts,
      this.#lane.element,
      this.#details,
      this.#holds,
      this.#table.element,
    )
    onTheme(() => this.redraw())
  }

  show(view: View, texts: readonly string[]): void {
    this.view = view
    this.#texts = texts
    const heading = h(
      "h2",
      {},
      view.policyFile === null ? view.supernode : `${view.supernode} under ${view.policyFile}`,
    )
    this.#top.replaceChildren(
      heading,
      policiesOf({ ...view, policyFile: null }, this.#zone),
      factsOf(view, this.#zone),
      ...view.notes.map((note) => h("p", { class: "note" }, note)),
    )
    this.#drawn = chartsOf({ view, zone: this.#zone, timeline: this.timeline })
    this.#charts.replaceChildren(...this.#drawn.map(({ element }) => element))
    this.#holds.replaceChildren(...[holdsOf(view)].filter((one) => one !== null))
    this.#lane.show(view.events)
    this.#table.show(view.events, texts)
    this.#chooseFirst()
  }

  redraw(): void {
    for (const one of this.#drawn) if (one instanceof Chart) one.draw()
  }

  print(isForPaper: boolean): void {
    for (const one of this.#drawn) if (one instanceof Chart) one.fix(isForPaper ? PAPER_PX : null)
  }

  /**
   * Shows the event that the reader chose. Without a choice, shows the newest order or, if there is none, the
   * newest event.
   */
  #chooseFirst(): void {
    const { events } = this.view
    const chosen = this.#chosen?.byReader ? events.find(({ id }) => id === this.#chosen?.id) : undefined
    const order = events.findLast(
      ({ kind }) => kind === "purchase" || kind === "unknown" || kind === "would-buy",
    )
    const event = chosen ?? order ?? events.at(-1)
    if (!event) {
      this.#details.replaceChildren(h("p", { class: "empty" }, "Nothing is recorded in this period."))
      return
    }
    this.#showDetails(event, [event])
    this.#chosen = { id: event.id, byReader: chosen !== undefined }
  }

  #choose(event: ReportEvent, among: readonly ReportEvent[]): void {
    if (this.#chosen?.id === event.id && this.#chosen.byReader && among.length === 1) return
    this.#chosen = { id: event.id, byReader: true }
    this.#showDetails(event, among)
  }

  #showDetails(event: ReportEvent, among: readonly ReportEvent[]): void {
    this.#lane.mark(event.id)
    const details = detailsOf(event, { texts: this.#texts, zone: this.#zone })
    this.#details.replaceChildren(...(among.length > 1 ? [this.#stepper(event, among)] : []), details)
  }

  /** Buttons to step through the events of one marker. */
  #stepper(event: ReportEvent, among: readonly ReportEvent[]): HTMLElement {
    const at = among.indexOf(event)
    const step = (by: number, text: string) => {
      const next = among[at + by]
      return h(
        "button",
        { type: "button", disabled: !next, click: () => next && this.#choose(next, among) },
        text,
      )
    }
    return h(
      "p",
      { class: "stepper" },
      step(-1, "◀ before"),
      h("span", {}, `${at + 1} of ${among.length} at this marker`),
      step(1, "after ▶"),
    )
  }
}
