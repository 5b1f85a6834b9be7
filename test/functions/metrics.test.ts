import { expect, it, onTestFinished } from "vitest"
import { makeHandler } from "../../functions/door.ts"
import { emfEmitter } from "../../functions/emf.ts"
import { emitLtsMetrics } from "../../functions/lts-metrics.ts"
import { flatMetricsOf } from "../../lib/app/flat-metrics.ts"
import type { RunFacts } from "../../lib/app/run-facts.ts"
import { EMPTY_STATE } from "../../lib/decision/state/state.ts"
import { Corridor, type CorridorOptions, PRICED_POLICY } from "../corridor/corridor.ts"
import { policyOf } from "../decision/builders.ts"
import { contextOf, FakeApp, listen } from "./fakes.ts"

const NOW = Date.parse("2024-01-12T16:55:00Z")
const TICK = { kind: "tick", name: "test", time: "2024-01-12T16:55:00Z" }

async function corridorWith(
  emitMetrics: NonNullable<CorridorOptions["emitMetrics"]>,
  settings = {},
): Promise<Corridor> {
  const corridor = await Corridor.open({
    at: NOW,
    policy: `${PRICED_POLICY}fleet: { budget: { amount: 150000, currency: CNY, per: month } }\n`,
    emitMetrics,
    settings,
  })
  onTestFinished(() => corridor.close())
  return corridor
}

/** Metrics of a purchase by a tick. Of two budgets they show the one that is nearer to its limit. */
const PURCHASE = {
  supernode: "train-a",
  supernode_autoscaler_decisions_total: 1,
  supernode_autoscaler_purchases_total: 1,
  supernode_autoscaler_spend: 120_000,
  supernode_autoscaler_budget: 150_000,
  supernode_autoscaler_attempt_open_seconds: 0,
  supernode_autoscaler_last_tick_timestamp_seconds: NOW / 1000,
  supernode_autoscaler_last_read_timestamp_seconds: NOW / 1000,
  supernode_autoscaler_policy_reload_success: 1,
  supernode_autoscaler_policy_info: 1,
  kind: "scale-up",
  held_by: "",
  outcomes: ["accepted"],
  cap: "fleet",
  hash: expect.stringMatching(/^sha256:/),
}

it("an AWS function writes one EMF line per run, with supernode as the only dimension and counts as deltas", async () => {
  const heard = listen()
  const corridor = await corridorWith(emfEmitter())
  await corridor.lambda("schedule", TICK)
  await corridor.lambda("schedule", { ...TICK, time: "2024-01-12T16:56:00Z" })
  const emf = heard.lines().filter((line) => "_aws" in line)
  expect(emf).toMatchObject([
    PURCHASE,
    { supernode_autoscaler_decisions_total: 1, kind: "hold", held_by: "in-flight" },
  ])
  expect(emf[1]).not.toHaveProperty("supernode_autoscaler_purchases_total")
  const directive = expect.objectContaining({
    Namespace: "supernode-autoscaler",
    Dimensions: [["supernode"]],
    Metrics: expect.arrayContaining([
      { Name: "supernode_autoscaler_decisions_total", Unit: "Count" },
      { Name: "supernode_autoscaler_ledger_seconds", Unit: "Seconds" },
    ]),
  })
  expect(emf[0]?.["_aws"]).toEqual({ Timestamp: NOW, CloudWatchMetrics: [directive] })
  // Metric filters of serverless.yml count log lines of runs by these fields, so EMF lines must not have
  // them.
  for (const line of emf)
    for (const key of ["outcome", "heldBy", "level"]) expect(line).not.toHaveProperty(key)
})

it("a FunctionGraph function writes one JSON line of metrics per run, and warns if a supernode cannot be read", async () => {
  const heard = listen()
  const corridor = await corridorWith(emitLtsMetrics, { SUPERNODE_LOG_LEVEL: "WARN" })
  corridor.sandbox.failNext("supernode", { status: 403 }, 99)
  await corridor.lambda("schedule", TICK)
  corridor.sandbox.advance(300_000)
  // The handler of another door starts without memory. It knows only what the ledger holds.
  await corridor.functionGraph("any", { ...TICK, time: "2024-01-12T17:00:00Z" })
  const says = /^train-a has been blind since 2024-01-12T16:55:00.000Z \(supernode refused our keys: .*403/
  const metrics = {
    supernode: "train-a",
    supernode_autoscaler_decisions_total: 1,
    supernode_autoscaler_ledger_seconds: expect.any(Number),
    held_by: "credentials",
    without_data: ["supernode"],
  }
  const warning = { level: "WARN", message: expect.stringMatching(says) }
  expect(heard.lines()).toMatchObject([
    warning,
    { ...metrics, timestamp: "2024-01-12T16:55:00.000Z" },
    warning,
    { ...metrics, timestamp: "2024-01-12T17:00:00.000Z" },
  ])
})

it("a function whose metrics cannot be written still returns its results", async () => {
  const heard = listen()
  const answer = makeHandler("schedule", new FakeApp().start, () => {
    throw new Error("no metrics today")
  })
  expect(await answer(TICK, contextOf())).toEqual({ results: [] })
  expect(heard.lines()).toMatchObject([{ level: "WARN", cause: "Error: no metrics today" }])
})

it("the spending of 2,000 supernodes is summed once per tick, and not once for each run", () => {
  const policy = policyOf(
    {},
    { fleet: { actions: null, budget: { minor: 100, currency: "CNY", per: "month" } } },
  )
  const fleetStreams = Array.from({ length: 2_000 }, (_, nth) => `supernode:${nth}`)
  let asked = 0
  const event = fleetStreams.map(
    (stream): RunFacts => ({
      loaded: { policy, hash: "", userdata: null },
      stream,
      fleetStreams,
      signal: { kind: "tick", at: NOW },
      mode: "live",
      at: NOW,
      decision: { kind: "hold", heldBy: "not-breaching" },
      purchases: [],
      sources: {},
      ledgerMs: [],
      notifications: [],
      before: null,
      get state() {
        asked += 1
        return EMPTY_STATE
      },
    }),
  )
  expect(flatMetricsOf(event)).toHaveLength(2_000)
  expect(asked).toBeLessThan(20 * event.length)
})
