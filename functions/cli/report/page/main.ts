import "uplot/dist/uPlot.min.css"
import "./page.css"
import type { Report } from "../report.ts"
import { h } from "./dom.ts"
import { LiveStatus } from "./live.ts"
import { comparisonOf, headerOf } from "./summary.ts"
import { Timeline } from "./timeline.ts"
import { timelineBar } from "./timeline-bar.ts"
import { ViewPanel } from "./view.ts"
import { Zone } from "./zone.ts"

/** Class of the page while it is printed: always light, whatever the theme on the screen. */
const PAPER = "paper"

/** The page of one report. A live page also shows each newer report. */
class Page {
  readonly #header = h("div", {})
  readonly #comparison = h("div", {})
  readonly #views = h("div", { class: "views" })
  readonly #panels = new Map<string, ViewPanel>()
  readonly #timeline: Timeline
  readonly #zone: Zone
  #isFirst = true

  constructor(
    root: HTMLElement,
    report: Report,
    private readonly live: LiveStatus | null,
  ) {
    this.#timeline = new Timeline(wholeOf(report))
    this.#zone = new Zone(report.views[0]?.timezone ?? "UTC")
    const bar = report.views.length > 0 ? timelineBar(this.#timeline, this.#zone) : null
    root.append(this.#header, this.#comparison, ...(bar ? [bar] : []), this.#views)
    window.addEventListener("beforeprint", () => this.#print(true))
    window.addEventListener("afterprint", () => this.#print(false))
  }

  show(report: Report): void {
    this.#timeline.extend(wholeOf(report))
    if (this.#isFirst) this.#header.replaceChildren(headerOf(report, this.#zone, this.live?.element ?? null))
    this.#isFirst = false
    const comparison = comparisonOf(report, this.#zone)
    this.#comparison.replaceChildren(...(comparison ? [comparison] : []))
    if (report.views.length === 0)
      this.#views.replaceChildren(h("p", { class: "card empty" }, "The ledger has no supernode yet."))
    for (const view of report.views) {
      const panel = this.#panels.get(view.id) ?? new ViewPanel(view, this.#timeline)
      if (!this.#panels.has(view.id)) this.#views.append(panel.element)
      this.#panels.set(view.id, panel)
      panel.show(view, report.texts)
    }
    this.#views.classList.toggle("several", report.views.length > 1)
  }

  #print(isForPaper: boolean): void {
    document.documentElement.classList.toggle(PAPER, isForPaper)
    for (const panel of this.#panels.values()) panel.print(isForPaper)
  }
}

function wholeOf({ views, generatedAt }: Report): { from: number; to: number } {
  if (views.length === 0) return { from: generatedAt - 3_600_000, to: generatedAt }
  return { from: Math.min(...views.map(({ from }) => from)), to: Math.max(...views.map(({ to }) => to)) }
}

const root = document.querySelector<HTMLElement>("#report")
const data = document.querySelector("#data")?.textContent
if (root && data) {
  const report = JSON.parse(data) as Report
  const refresh = root.dataset["refresh"]
  const live = refresh === undefined ? null : new LiveStatus(refresh)
  const page = new Page(root, report, live)
  page.show(report)
  live?.start((newest) => page.show(newest))
}
