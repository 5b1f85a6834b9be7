import { EVENT_KINDS, type EventKind, type ReportEvent } from "../report.ts"
import { badgeOf, detailsOf } from "./details.ts"
import { h } from "./dom.ts"
import { KINDS } from "./kinds.ts"
import type { Zone } from "./zone.ts"

/** Number of rows at first, and number of rows that each press of the button adds. */
const ROWS = 25
const MORE_ROWS = 100

interface Row {
  event: ReportEvent
  /** All texts of the event in lower case. */
  searched: string
}

export interface TableParts {
  zone: Zone
  choose(event: ReportEvent): void
}

/** All events, the newest first, with a filter. An opened row shows its gates. */
export class EventTable {
  readonly element: HTMLElement
  readonly #body = h("tbody", {})
  readonly #count = h("p", { class: "count", role: "status" })
  readonly #more = h("button", { type: "button", class: "more", click: () => this.#showMore() }, "Show more")
  readonly #search: HTMLInputElement
  readonly #kinds = new Map<EventKind, HTMLInputElement>()
  readonly #chips = h("div", { class: "chips", role: "group", "aria-label": "Kinds" })
  #rows: Row[] = []
  #texts: readonly string[] = []
  #shown = ROWS
  readonly #opened = new Set<string>()

  constructor(private readonly parts: TableParts) {
    this.#search = h("input", {
      type: "search",
      placeholder: "Filter by text, reason, gate …",
      "aria-label": "Filter the table",
      input: () => this.#filter(),
    })
    const head = ["Time", "What", "Why", "Price"].map((text) => h("th", { scope: "col" }, text))
    this.element = h(
      "section",
      { class: "events" },
      h("h3", {}, "Decisions"),
      h("div", { class: "filter" }, this.#search, this.#chips),
      this.#count,
      h("table", { class: "log" }, h("thead", {}, h("tr", {}, ...head)), this.#body),
      this.#more,
    )
  }

  show(events: readonly ReportEvent[], texts: readonly string[]): void {
    this.#texts = texts
    const small = texts.map((text) => text.toLowerCase())
    this.#rows = events.toReversed().map((event) => ({ event, searched: searchedIn(event, small) }))
    for (const kind of EVENT_KINDS) this.#chip(kind, events.filter((event) => event.kind === kind).length)
    this.#draw()
  }

  #chip(kind: EventKind, count: number): void {
    const known = this.#kinds.get(kind)
    if (known || count === 0) {
      const label = known?.parentElement?.querySelector("b")
      if (label) label.textContent = String(count)
      return
    }
    const box = h("input", { type: "checkbox", checked: true, change: () => this.#filter() })
    this.#kinds.set(kind, box)
    this.#chips.append(
      h(
        "label",
        { class: `chip ${kind}` },
        box,
        `${KINDS[kind].mark} ${KINDS[kind].label} `,
        h("b", {}, String(count)),
      ),
    )
  }

  #filter(): void {
    this.#shown = ROWS
    this.#draw()
  }

  #showMore(): void {
    this.#shown += MORE_ROWS
    this.#draw()
  }

  #draw(): void {
    const words = this.#search.value
      .toLowerCase()
      .split(/\s+/)
      .filter((word) => word !== "")
    const found = this.#rows.filter(
      ({ event, searched }) =>
        this.#kinds.get(event.kind)?.checked !== false && words.every((word) => searched.includes(word)),
    )
    const shown = found.slice(0, this.#shown)
    this.#count.textContent =
      this.#rows.length === 0
        ? "Nothing is recorded in this period."
        : `${found.length} of ${this.#rows.length}${shown.length < found.length ? `, the newest ${shown.length} shown` : ""}`
    this.#body.replaceChildren(...shown.flatMap(({ event }) => this.#rowsOf(event)))
    this.#more.hidden = shown.length === found.length
  }

  #rowsOf(event: ReportEvent): HTMLElement[] {
    const { zone, choose } = this.parts
    const isOpen = this.#opened.has(event.id)
    const opener = h(
      "button",
      {
        type: "button",
        class: "opener",
        "aria-expanded": String(isOpen),
        click: () => {
          if (this.#opened.has(event.id)) this.#opened.delete(event.id)
          else this.#opened.add(event.id)
          choose(event)
          this.#redraw(event)
        },
      },
      zone.instant(event.at),
    )
    const row = h(
      "tr",
      { class: `event ${event.kind}` },
      h("td", { class: "time" }, opener),
      h("td", { class: "what" }, badgeOf(event), event.reason === null ? null : h("code", {}, event.reason)),
      h("td", { class: "why" }, event.title),
      h("td", { class: "price" }, event.price ?? ""),
    )
    row.dataset["id"] = event.id
    if (!isOpen) return [row]
    const cell = h("td", { colspan: 4 }, detailsOf(event, { texts: this.#texts, zone }))
    return [row, h("tr", { class: "opened" }, cell)]
  }

  /** Draws one event again, and keeps the focus on it. */
  #redraw(event: ReportEvent): void {
    const row = [...this.#body.children].find((one) => (one as HTMLElement).dataset["id"] === event.id)
    if (!row) return
    if (row.nextElementSibling?.className === "opened") row.nextElementSibling.remove()
    const rows = this.#rowsOf(event)
    row.replaceWith(...rows)
    rows[0]?.querySelector("button")?.focus()
  }
}

function searchedIn(
  { title, reason, price, kind, rows, findings }: ReportEvent,
  texts: readonly string[],
): string {
  const own = [
    title,
    reason,
    price,
    KINDS[kind].label,
    ...rows.map(([, value]) => (typeof value === "string" ? value : "")),
  ]
  const gates = findings
    .filter(([, verdict]) => verdict !== 1)
    .flatMap(([gate, , says]) => [texts[gate], texts[says]])
  return [...own, ...gates].join("\n").toLowerCase()
}
