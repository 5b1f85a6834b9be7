import { counted, sayDuration } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import type { LedgerEntry } from "../../../lib/ledger/entry.ts"
import type { ShownMeter } from "../../../lib/simulate/history-meter.ts"
import { type Simulation, TICK_MS } from "../../../lib/simulate/replay.ts"
import { envelopeOf } from "./envelope.ts"
import { moneyText } from "./event-log.ts"
import type { Fact, Load, Report, View } from "./report.ts"
import { loadOf, ruleIn, SupernodeHistory } from "./supernode-history.ts"
import { Texts } from "./texts.ts"

/** Records one policy while its simulation runs: everything that a report needs beyond the result. */
export class SimulationRecording {
  readonly #history: SupernodeHistory
  readonly #loads: Load[] = []

  constructor(
    readonly path: string,
    readonly loaded: LoadedPolicy,
  ) {
    const { policy, hash } = loaded
    this.#history = new SupernodeHistory({ id: policy.id, name: policy.name }, { inLedger: false })
    this.#history.policies.learn(hash, policy)
  }

  entry = (entry: LedgerEntry): void => this.#history.add(entry)

  load = (meter: ShownMeter): void => {
    const { rules, from, to, count } = meter
    const values = envelopeOf(count === 0 ? [] : meter.rows(), { from, to, count })
    const empty = "The load history has no values for this rule."
    const rule = ruleIn(this.loaded.policy, rules[0])
    this.#loads.push(
      loadOf({ policies: this.#history.policies, range: { from, to }, rules, rule, values, empty }),
    )
  }

  view(nth: number, simulation: Simulation, texts: Texts): View {
    const { from, to, holds } = simulation
    return {
      ...this.#history.view({ from, to: to > from ? to : from + TICK_MS }, texts),
      id: `policy-${nth}`,
      policyFile: this.path,
      facts: factsOf(simulation),
      loads: this.#loads,
      holds: { unit: "tick", reasons: Object.entries(holds).map(([reason, count]) => ({ reason, count })) },
    }
  }
}

export interface SimulatedReport {
  results: { recording: SimulationRecording; simulation: Simulation }[]
  now: number
  version: string
  /** Facts that a person should know before trusting the result. */
  notes: readonly string[]
}

/** The report of a simulation: one view per policy, in their order. */
export function reportOfSimulation({ results, now, version, notes }: SimulatedReport): Report {
  const texts = new Texts()
  const views = results.map(({ recording, simulation }, nth) => recording.view(nth, simulation, texts))
  const name = results[0]?.recording.loaded.policy.name ?? ""
  return {
    v: 1,
    kind: "simulation",
    title: `Simulation of ${name}`,
    generatedAt: now,
    version,
    ledgerId: null,
    views,
    texts: texts.all,
    notes: [
      `Nothing was bought: each policy ran against a load history, with a tick every ${sayDuration(TICK_MS)}.`,
      ...notes,
    ],
  }
}

function factsOf(simulation: Simulation): Fact[] {
  const { purchases, spend, serversAtEnd, minutesAbove, minutesUnknown, failedOrders, ticks } = simulation
  const first = purchases[0]?.from ?? serversAtEnd
  const failed = Object.values(failedOrders).reduce((sum, count) => sum + count, 0)
  return [
    { label: "servers", value: first === serversAtEnd ? String(first) : `${first} to ${serversAtEnd}` },
    { label: "purchases", value: String(purchases.length) },
    { label: "spend", value: spend ? moneyText(spend) : purchases.length === 0 ? "0" : "unknown: no price" },
    ...Object.entries(minutesAbove).map(([rule, minutes]) => ({
      label: `beyond ${rule}`,
      value: sayMinutes(minutes),
    })),
    ...(minutesUnknown > 0 ? [{ label: "demand unknown", value: sayMinutes(minutesUnknown) }] : []),
    ...(failed > 0 ? [{ label: "failed orders", value: String(failed) }] : []),
    { label: "ticks", value: ticks.toLocaleString("en-US") },
  ]
}

function sayMinutes(minutes: number): string {
  if (minutes < 600) return counted(minutes, "minute")
  return counted(Number((minutes / 60).toFixed(1)), "hour")
}
