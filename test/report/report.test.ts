import { expect, it } from "vitest"
import { envelopeOf, MAX_ELEMENTS } from "../../functions/cli/report/envelope.ts"
import { reportOfLedger } from "../../functions/cli/report/from-ledger.ts"
import { reportOfSimulation } from "../../functions/cli/report/from-simulation.ts"
import { reportPage } from "../../functions/cli/report/html.ts"
import type { Report, View } from "../../functions/cli/report/report.ts"
import { Thinned } from "../../functions/cli/report/thinned.ts"
import { busyAfter, FROM, ledgerOf, MINUTE, played } from "./world.ts"

// Reports of a history whose purchases were computed by hand (test/simulate): at 10:50 and 12:00, with ten
// minutes to provision.

const NOW = FROM + 400 * MINUTE
const minute = (at: number) => (at - FROM) / MINUTE

function only({ views }: Report): View {
  const [view] = views
  if (view === undefined || views.length > 1) throw new Error("it must be one view")
  return view
}

const shown = ({ events }: View) => events.map(({ at, kind, reason }) => [minute(at), kind, reason])

it("a simulation's report shows load, servers, waits, spend, and each decision with all its gates", async () => {
  const { recording, simulation } = await played(busyAfter(30, 180))
  const parts = { results: [{ recording, simulation }], now: NOW, version: "1.2.3", notes: [] }
  const report = reportOfSimulation(parts)
  const view = only(report)
  expect(shown(view)).toEqual([
    [0, "hold", "missing-data"],
    [20, "hold", "not-breaching"],
    [50, "purchase", "completed"],
    [55, "hold", "in-flight"],
    [60, "hold", "cooldown"],
    [120, "purchase", "completed"],
    [125, "hold", "in-flight"],
    [130, "hold", "cooldown"],
  ])
  const [, , purchase] = view.events
  const says = purchase?.findings.map(([gate, verdict, text]) => [
    report.texts[gate],
    verdict,
    report.texts[text],
  ])
  expect(says).toHaveLength(20)
  expect(says).toContainEqual(["evidence", 1, "npu-busy: 3 of 5 points above 85 (3 needed)"])
  expect(purchase).toMatchObject({
    title: "1 to 2 servers, kat3ne-16-400t.96xlarge.8.matrix",
    price: "60,000 CNY",
  })
  const { at, running, present } = view.servers
  expect(at.map((time, i) => [minute(time), running[i], present[i]])).toEqual([
    [0, 1, 1],
    [50, 1, 2],
    [60, 2, 2],
    [120, 2, 4],
    [130, 4, 4],
    [179, 4, 4],
  ])
  expect(view.bands.map(({ kind, from, to }) => [kind, minute(from), minute(to)])).toEqual([
    ["cooldown", 50, 120],
    ["in-flight", 50, 60],
    ["cooldown", 120, 179],
    ["in-flight", 120, 130],
  ])
  expect(view.spend).toMatchObject({ currency: "CNY", window: "per 30d", unpriced: 0 })
  expect(view.spend?.at.map((time, i) => [minute(time), view.spend?.amount[i]])).toEqual([
    [0, 0],
    [50, 60_000],
    [120, 180_000],
    [179, 180_000],
  ])
  expect(view.spend?.budget).toMatchObject([{ from: FROM, to: view.to, amount: 500_000 }])
  expect(view.loads).toMatchObject([
    {
      rules: ["npu-busy"],
      empty: null,
      values: { rows: 180, bucketMs: null },
      thresholds: [{ says: "above 85", value: 85 }],
    },
  ])
  expect([view.timezone, report.title]).toEqual(["Asia/Shanghai", "Simulation of train-a"])
})

it("a ledger's report shows the load of each decision, an order of unknown outcome, and operators' commands", async () => {
  const failures = [{ ending: "lost" as const, from: FROM, to: NOW }]
  const { entries } = await played(busyAfter(30, 70), { failures })
  const said = {
    verb: "pause" as const,
    supernode: null,
    why: "</script> \u202eevil",
    by: "ann",
    until: null,
  }
  const history = await ledgerOf(entries, said, FROM + 65 * MINUTE)
  const report = reportOfLedger({
    history,
    ledgerId: "ledger-1",
    title: "Ledger report",
    now: NOW,
    version: "1.2.3",
    since: null,
    until: null,
    notes: [],
  })
  const view = only(report)
  expect(shown(view)).toContainEqual([65, "command", "pause"])
  const unknown = view.events.find(({ kind }) => kind === "unknown")
  expect(unknown?.rows).toContainEqual([
    "to see all of it",
    expect.stringMatching(/^supernode-autoscaler audit show train-a \d+$/),
  ])
  expect(view.bands.map(({ kind, from }) => [kind, minute(from)])).toEqual(
    expect.arrayContaining([
      ["waiting", expect.any(Number)],
      ["paused", 65],
    ]),
  )
  const [load] = view.loads
  expect(load?.values.high.filter((value) => value !== null)).toEqual(expect.arrayContaining([50, 97]))
  const { html } = await reportPage(report, { refresh: null })
  expect(html).not.toMatch(/<\/script>[^\n<]*evil/)
  expect(html).not.toContain("\u202e")
  expect(html.match(/<script/g)).toHaveLength(2)
})

it("a report's chart of a year by the minute shows the range of each bucket, and loses no peak and no gap", () => {
  const count = 525_600
  function* year() {
    for (let i = 0; i < count; i++)
      if (i < 200_000 || i > 203_000)
        yield {
          at: FROM + i * MINUTE,
          value: i === 123_456 ? 99.5 : i === 400_000 ? -3 : 50,
          durationMs: MINUTE,
        }
  }
  const { at, low, high, bucketMs, rows } = envelopeOf(year(), {
    from: FROM,
    to: FROM + (count - 1) * MINUTE,
    count,
  })
  expect([at.length <= MAX_ELEMENTS, bucketMs, rows]).toEqual([true, 132 * MINUTE, count - 3_001])
  const value = (i: number) => [low[Math.floor(i / 132)], high[Math.floor(i / 132)]]
  expect([value(123_456), value(400_000), value(201_500)]).toEqual([
    [50, 99.5],
    [-3, 50],
    [null, null],
  ])
})

it("a report's very long list keeps the newest items, and an even selection of the older items", () => {
  const thinned = new Thinned<number>({ older: 10, newest: 5 })
  for (let i = 0; i < 1_000; i++) thinned.add(i)
  const { items, count, stride } = thinned
  expect([items.slice(-5), count]).toEqual([[995, 996, 997, 998, 999], 1_000])
  expect(items.slice(0, -5)).toEqual(Array.from({ length: items.length - 5 }, (_, i) => i * stride))
  expect(items.length).toBeGreaterThan(9)
})
