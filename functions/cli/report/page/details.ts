import type { ReportEvent, ReportFinding } from "../report.ts"
import { h } from "./dom.ts"
import { KINDS } from "./kinds.ts"
import type { Zone } from "./zone.ts"

const VERDICTS = {
  "1": { mark: "✓", label: "passed", class: "did-pass" },
  "0": { mark: "✗", label: "did not pass", class: "did-not-pass" },
  "-1": { mark: "·", label: "not evaluated", class: "not-evaluated" },
} as const

/** Everything about one event: its facts, and every gate with its reason. */
export function detailsOf(
  event: ReportEvent,
  { texts, zone }: { texts: readonly string[]; zone: Zone },
): HTMLElement {
  const { kind, at, title, reason, price, rows, findings } = event
  const facts = [
    ...(reason === null ? [] : [["reason", reason] as const]),
    ...(price === null ? [] : [["price", price] as const]),
    ...rows.map(([label, value]) => [label, zone.value(value)] as const),
  ]
  return h(
    "div",
    { class: "details" },
    h(
      "p",
      { class: "headline" },
      badgeOf(event),
      h("time", { datetime: new Date(at).toISOString() }, zone.instant(at)),
      h("strong", {}, title === "" ? KINDS[kind].label : title),
    ),
    h("dl", {}, ...facts.flatMap(([label, value]) => [h("dt", {}, label), h("dd", {}, value)])),
    findings.length === 0 ? null : findingsTable(findings, texts),
  )
}

export function badgeOf({ kind }: ReportEvent): HTMLElement {
  const { label, mark } = KINDS[kind]
  return h("span", { class: `badge ${kind}` }, h("span", { "aria-hidden": "true" }, mark), ` ${label}`)
}

/** Table of all gates, in their order. The style sheet emphasizes gates that did not pass. */
function findingsTable(findings: readonly ReportFinding[], texts: readonly string[]): HTMLElement {
  const passed = findings.filter(([, verdict]) => verdict === 1).length
  const rows = findings.map(([gate, verdict, says]) => {
    const { mark, label, class: name } = VERDICTS[`${verdict}`]
    return h(
      "tr",
      { class: name },
      h(
        "td",
        { class: "mark", title: label },
        h("span", { "aria-hidden": "true" }, mark),
        h("span", { class: "sr" }, label),
      ),
      h("th", { scope: "row" }, texts[gate] ?? ""),
      h("td", {}, texts[says] ?? ""),
    )
  })
  return h(
    "table",
    { class: "findings" },
    h("caption", {}, `${findings.length} gates, ${passed} passed`),
    h("tbody", {}, ...rows),
  )
}
