import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { beforeAll, describe, expect, it, onTestFinished } from "vitest"
import { parse, stringify } from "yaml"
import { METRICS } from "../../lib/app/run-metrics.ts"
import { PRICED_POLICY } from "../corridor/corridor.ts"
import { ROOT } from "../packaging/built.ts"
import { sharedFixture } from "./fixture.ts"
import { faultsByPromtool } from "./promtool.ts"

// Checks the alert rules and the dashboard against the metrics that a process prints, and with promtool.

const read = (file: string): string => readFileSync(join(ROOT, file), "utf8")

const dashboard = JSON.parse(read("deploy/observability/dashboard.json")) as {
  panels: {
    id: number
    gridPos: { x: number; y: number; w: number; h: number }
    targets: { expr: string }[]
  }[]
  annotations: { list: { expr: string }[] }
}
const rules = parse(read("deploy/observability/rules.yaml")) as { groups: { rules: { expr: string }[] }[] }
const watched = rules.groups.flatMap((group) => group.rules.map(({ expr }) => expr))
const drawn = [...dashboard.panels.flatMap(({ targets }) => targets), ...dashboard.annotations.list].map(
  ({ expr }) => expr,
)

describe("deploy/observability", () => {
  const policy = `${PRICED_POLICY}notify: { webhook: "http://127.0.0.1:1/x" }\n`
  const shared = sharedFixture({ policy })
  /** Names of the labels by the name of the sample. */
  const printed = new Map<string, readonly string[]>()
  let text = ""

  beforeAll(async () => {
    shared.fixture.pass(30_000)
    await shared.served.told("ticked")
    text = (await shared.served.sendForText("GET", "/metrics")).text
    for (const [, name = "", labels = ""] of text.matchAll(/^(\w+)(?:\{(.*)\})? /gm))
      printed.set(
        name,
        [...labels.matchAll(/(\w+)="/g)].map(([, label = ""]) => label),
      )
  })

  it.each([
    ["rules.yaml", "deploy/observability/rules.yaml"],
    ["rules.test.yaml", "deploy/observability/rules.test.yaml"],
    ["dashboard.json", "deploy/observability/dashboard.json"],
  ])("%s names only metrics that /metrics prints", (_, file) => {
    const named = new Set(read(file).match(/supernode_autoscaler_\w+/g))
    expect([...named].filter((name) => !printed.has(name))).toEqual([])
    expect(named.size).toBeGreaterThan(8)
  })

  it("the Grafana dashboard shows every metric of /metrics", () => {
    const shown = drawn.join("\n")
    expect(Object.keys(METRICS).filter((name) => !shown.includes(name))).toEqual([])
  })

  it("alerting rules and dashboard use only existing labels, and hold reasons that docs/holds.md explains", () => {
    const holds = read("docs/holds.md")
    const unknown: string[] = []
    for (const expr of [...watched, ...drawn]) {
      for (const [, name = "", matchers = ""] of expr.matchAll(/(supernode_autoscaler_\w+)\{([^}]*)\}/g))
        for (const [, label = ""] of matchers.matchAll(/(\w+)(?:=~|!~|!=|=)"/g))
          if (!printed.get(name)?.includes(label)) unknown.push(`${label} of ${name}`)
      for (const [, reasons = ""] of expr.matchAll(/held_by=~?"([^"]*)"/g))
        unknown.push(...reasons.split("|").filter((reason) => !holds.includes(`\`${reason}\``)))
    }
    expect(unknown).toEqual([])
  })

  it("the panels of the Grafana dashboard do not overlap, and each has its own id", () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, i) => `${x + (i % w)},${y + Math.floor(i / w)}`),
    )
    expect(new Set(cells).size).toBe(cells.length)
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length)
  })

  it.for([
    ["finds no fault in the rules", ["check", "rules", "rules.yaml"]] as const,
    ["sees each alert fire when it should, and only then", ["test", "rules", "rules.test.yaml"]] as const,
  ])("promtool %s", ([, args], context) => {
    expect(faultsByPromtool(context, { args })).toBe("")
  })

  it("promtool finds no fault in what /metrics prints", (context) => {
    expect(faultsByPromtool(context, { args: ["check", "metrics"], input: text })).toBe("")
  })

  it("promtool can parse each expression of the Grafana dashboard", (context) => {
    const folder = mkdtempSync(join(tmpdir(), "dashboard-"))
    onTestFinished(() => rmSync(folder, { recursive: true }))
    const file = join(folder, "dashboard.yaml")
    const recorded = drawn.map((expr, i) => ({
      record: `panel_${i}`,
      expr: expr.replaceAll("$supernode", ".*").replaceAll("$__rate_interval", "5m"),
    }))
    writeFileSync(file, stringify({ groups: [{ name: "dashboard", rules: recorded }] }))
    expect(faultsByPromtool(context, { args: ["check", "rules", file] })).toBe("")
  })
})
