import { counted, sayDuration } from "../../../lib/decision/policy/amounts.ts"
import type { LoadedPolicy } from "../../../lib/decision/policy/loaded-policy.ts"
import { sayMoney } from "../../../lib/decision/policy/money.ts"
import { isSpread, seriesOf } from "../../../lib/simulate/history-meter.ts"
import type { LoadHistory } from "../../../lib/simulate/load-file.ts"
import type { SimulatedPurchase } from "../../../lib/simulate/order-book.ts"
import { type Simulation, TICK_MS } from "../../../lib/simulate/replay.ts"
import type { Screen } from "../io.ts"
import { tableOf } from "./table.ts"
import { instantOf, inZone } from "./time.ts"

/** A policy, and the result of its simulation. */
export interface SimulatedPolicy {
  path: string
  loaded: LoadedPolicy
  simulation: Simulation
}

/** The document of `simulate --json`. */
export function simulationJson(results: readonly SimulatedPolicy[]): object {
  return {
    policies: results.map(({ path, loaded, simulation }) => ({
      policy: path,
      supernode: loaded.policy.name,
      from: simulation.from,
      to: simulation.to,
      ticks: simulation.ticks,
      decisions: simulation.decisions,
      purchases: simulation.purchases.map(({ at, from, to, flavor, cost, rules, completedAt }) => ({
        at,
        from,
        to,
        flavor,
        cost,
        rules,
        completedAt,
      })),
      spend: simulation.spend,
      minutesAbove: simulation.minutesAbove,
      minutesUnknown: simulation.minutesUnknown,
      holds: simulation.holds,
    })),
  }
}

interface WarningInputs {
  path: string
  loaded: LoadedPolicy
  history: LoadHistory
  options: { servers?: number; elastic?: boolean }
}

/** Warnings about the limits of the result. */
export function warningsOf({ path, loaded: { policy }, history, options }: WarningInputs): string[] {
  const { servers } = options
  const sizes = policy.ladder.map((rung) => rung.servers)
  const isOffLadder = servers !== undefined && !sizes.includes(servers)
  return [
    ...(isOffLadder
      ? [
          `${path}: no rung has ${counted(servers, "server")}, so every tick holds rung-unknown; rungs: ${sizes.join(", ")}`,
        ]
      : []),
    ...policy.rules.flatMap((rule) => {
      if (rule.metric.alarm)
        return [
          `${path}: rule ${rule.name} uses alarm points as evidence, but a load history has no alarms: it has no effect here`,
        ]
      if (!seriesOf(history, rule.name))
        return [`${path}: the load history has no rows for rule ${rule.name}: its data is missing throughout`]
      return options.elastic && !isSpread(rule)
        ? [
            `${path}: a low value of rule ${rule.name} means high load, so --elastic does not change its values`,
          ]
        : []
    }),
    ...(policy.approval
      ? [
          `${path}: purchases above ${sayMoney(policy.approval.above)} need approval. A simulation has no approvals, so it holds them (approval-needed)`,
        ]
      : []),
  ]
}

interface Print {
  paint: Screen["paint"]
  columns: number | undefined
}

/** Lines of `simulate` for people. Several policies are also compared. */
export function simulationLines(results: readonly SimulatedPolicy[], print: Print): string[] {
  const each = results.flatMap((result) => [...policyLines(result, print), ""])
  return results.length > 1 ? [...each, ...comparison(results, print)] : each.slice(0, -1)
}

function policyLines({ path, loaded, simulation }: SimulatedPolicy, { paint, columns }: Print): string[] {
  const { from, to, ticks, purchases, holds, failedOrders, minutesAbove, minutesUnknown } = simulation
  const failed = Object.entries(failedOrders).map(
    ([how, count]) => `${counted(count, "order")} ended as ${how}`,
  )
  const { timezone } = loaded.policy
  const rows = [
    [
      "  load",
      `${instantOf(from, timezone)} to ${instantOf(to, timezone)}, ${counted(ticks, "tick")}, one every ${sayDuration(TICK_MS)}`,
    ],
    ["  purchases", `${purchases.length}, ${sayServers(simulation)}`],
    ["  spend", saySpend(simulation)],
    ...(failed.length > 0 ? [["  failed orders", failed.join(", ")]] : []),
    ["  above threshold", sayEach(minutesAbove, (minutes) => `${minutes} min`)],
    ...(minutesUnknown > 0 ? [["  demand unknown", `${minutesUnknown} min at the meter's ceiling`]] : []),
    ["  held by", sayEach(holds, (count) => counted(count, "tick"))],
  ]
  const bought =
    purchases.length === 0
      ? ["  nothing would have been bought"]
      : tableOf(
          purchases.map((purchase) => purchaseRow(purchase, timezone)),
          {
            head: ["  at", "servers", "cost", "completed", "why"],
            columns,
          },
        )
  return [`${paint.bold(loaded.policy.name)} under ${path}`, ...tableOf(rows, { columns }), ...bought]
}

function purchaseRow(
  { at, from, to, cost, completedAt, rules, schedules, outcome, says }: SimulatedPurchase,
  zone: string,
): string[] {
  const proposers = [...rules, ...schedules.map((name) => `schedule ${name}`)].join(", ")
  return [
    `  ${instantOf(at, zone)}`,
    `${from} to ${to}`,
    cost ? `${cost.amount} ${cost.currency}` : "no price",
    completedAt !== null
      ? instantOf(completedAt, zone)
      : outcome === "unknown"
        ? "outcome unknown"
        : "not yet",
    says === "" ? proposers : inZone(says, zone),
  ]
}

function sayServers({ purchases, serversAtEnd }: Simulation): string {
  const first = purchases[0]?.from ?? serversAtEnd
  return `${counted(first, "server")} at the start, ${serversAtEnd} at the end`
}

function saySpend({ spend, purchases }: Simulation): string {
  if (spend) return `${spend.amount} ${spend.currency}`
  return purchases.length === 0 ? "0" : "unknown: the ladder has no price for it"
}

function sayEach(amounts: Record<string, number>, say: (amount: number) => string): string {
  const entries = Object.entries(amounts)
  return entries.length === 0 ? "none" : entries.map(([name, amount]) => `${name} ${say(amount)}`).join(", ")
}

function comparison(results: readonly SimulatedPolicy[], { paint, columns }: Print): string[] {
  const rows = results.map(({ path, simulation }) => [
    `  ${path}`,
    String(simulation.purchases.length),
    saySpend(simulation),
    String(simulation.serversAtEnd),
    sayEach(simulation.minutesAbove, (minutes) => `${minutes} min`),
  ])
  const head = ["  policy", "purchases", "spend", "servers at the end", "above threshold"]
  return [paint.bold("Side by side"), ...tableOf(rows, { head, columns })]
}
