import type { Report, View } from "../report.ts"
import { numberText } from "./chart.ts"
import { h } from "./dom.ts"
import { themeSwitch } from "./theme.ts"
import type { Zone } from "./zone.ts"

/** Header of the page: title, source of the data, and notes that a reader must know. */
export function headerOf(report: Report, zone: Zone, live: HTMLElement | null): HTMLElement {
  const { title, kind, ledgerId, generatedAt, version, notes, views } = report
  const range = views[0] ?? { from: generatedAt, to: generatedAt }
  const facts = [
    ...(kind === "ledger" ? [["ledger", ledgerId ?? "without an id"]] : []),
    ["made", zone.instant(generatedAt)],
    ["times in", zone.saying(range)],
    ["version", version],
  ] as const
  return h(
    "header",
    { class: "page" },
    h("div", { class: "top" }, h("h1", {}, title), live, themeSwitch()),
    h(
      "dl",
      { class: "meta" },
      ...facts.map(([label, value = ""]) => h("div", {}, h("dt", {}, label), h("dd", {}, value))),
    ),
    ...notes.map((note) => h("p", { class: "note" }, note)),
  )
}

/** Key figures of all views in one table; `null` for a single view, which shows them above its charts. */
export function comparisonOf({ views, kind }: Report, zone: Zone): HTMLElement | null {
  if (views.length < 2) return null
  const labels = [...new Set(views.flatMap(({ facts }) => facts.map(({ label }) => label)))]
  const head = [kind === "simulation" ? "policy" : "supernode", ...labels]
  const rows = views.map((view) =>
    h(
      "tr",
      {},
      h("th", { scope: "row" }, h("a", { href: `#${view.id}` }, view.policyFile ?? view.supernode)),
      ...labels.map((label) => {
        const fact = view.facts.find((one) => one.label === label)
        const cell = h("td", {}, fact ? zone.value(fact.value) : "–")
        cell.dataset["label"] = label
        return cell
      }),
    ),
  )
  return h(
    "section",
    { class: "card comparison" },
    h("h2", {}, "Side by side"),
    h(
      "table",
      {},
      h("thead", {}, h("tr", {}, ...head.map((text) => h("th", { scope: "col" }, text)))),
      h("tbody", {}, ...rows),
    ),
  )
}

export function factsOf({ facts }: View, zone: Zone): HTMLElement {
  return h(
    "dl",
    { class: "facts" },
    ...facts.map(({ label, value }) => h("div", {}, h("dt", {}, label), h("dd", {}, zone.value(value)))),
  )
}

/** The policies that were active, the newest first. */
export function policiesOf({ policies, policyFile }: View, zone: Zone): HTMLElement {
  const [newest, ...older] = policies.toReversed()
  return h(
    "p",
    { class: "policy" },
    policyFile === null ? null : h("span", {}, policyFile),
    newest ? h("code", { title: newest.hash }, newest.hash) : "no policy is on record",
    older.length === 0 || !newest
      ? null
      : h(
          "span",
          {},
          `since ${zone.instant(newest.since)}; before it ${older.map(({ hash }) => hash.slice(0, 15)).join(", ")}`,
        ),
  )
}

/** Reasons why nothing was bought, as bars; `null` if there are none. */
export function holdsOf({ holds: { unit, reasons } }: View): HTMLElement | null {
  const most = Math.max(...reasons.map(({ count }) => count))
  if (reasons.length === 0) return null
  return h(
    "section",
    { class: "holds-by-reason" },
    h("h3", {}, `Held by (${unit}s)`),
    h(
      "ul",
      {},
      ...reasons.map(({ reason, count }) => {
        const bar = h("i", { "aria-hidden": "true" })
        bar.style.width = `${Math.max(1, (count / most) * 100)}%`
        return h(
          "li",
          {},
          h("code", {}, reason),
          h("span", { class: "bar" }, bar),
          h("b", {}, numberText(count)),
        )
      }),
    ),
  )
}
