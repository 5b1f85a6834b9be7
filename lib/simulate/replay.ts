import type { LoadedPolicy } from "../decision/policy/loaded-policy.ts"
import { type Amount, amountOf, moneyOf } from "../decision/policy/money.ts"
import type { LedgerEntry } from "../ledger/entry.ts"
import { initLedger } from "../ledger/init.ts"
import { supernodeStream } from "../ledger/next-entry.ts"
import type { Clock, Ports } from "../ports.ts"
import { run } from "../run/run.ts"
import type { RunTask } from "../run/task.ts"
import { HistoryMeter, type ShownMeter } from "./history-meter.ts"
import type { LoadHistory } from "./load-file.ts"
import { type FailureWindow, ModelCloud, type SoldOutWindow } from "./model-cloud.ts"
import { OrderBook, type SimulatedPurchase } from "./order-book.ts"
import { RecentLedger } from "./recent-ledger.ts"

// Replays a load history tick by tick through the same `run` that makes real purchases. The clock follows the
// file, the ledger is in memory, and the supernode is a model.

/** Interval of ticks. One tick falls on each full 5 minutes. */
export const TICK_MS = 5 * 60_000
const DAY_MS = 24 * 3_600_000
/** Age of the servers at the start: older than any cooldown or window. */
const AGE_AT_START_MS = 400 * DAY_MS
const ORDER_TIMEOUT_MS = 60_000
const PROGRESS_EVERY_TICKS = 500

export interface SimulationOptions {
  loaded: LoadedPolicy
  history: LoadHistory
  /** Servers at the start. */
  servers: number
  /** Time from the order until the new servers run. */
  provisioningMs: number
  soldOut: readonly SoldOutWindow[]
  failures: readonly FailureWindow[]
  /** Maximum value of the meter (`ceiling`) if more servers share the load; `null` if they do not. */
  elastic: { ceiling: number } | null
  /** Called from time to time with the number of ticks done and the total number. */
  onProgress?(done: number, all: number): void
  /** Receives data that a report shows beyond the result. */
  record?: SimulationRecord
}

export interface SimulationRecord {
  /** Called with every entry of the supernode's chain, as it is appended. */
  entry(entry: LedgerEntry): void
  /** Called at the end for each meter, with the values that it showed. */
  load(meter: ShownMeter): void
}

/** Result of a replayed policy. Instants are epoch milliseconds. */
export interface Simulation {
  /** Times of the first and last row of the history. */
  from: number
  to: number
  ticks: number
  /** Number of holds and of opened attempts. */
  decisions: number
  /** Orders that may have cost money: accepted ones, and those whose outcome is unknown. */
  purchases: SimulatedPurchase[]
  /** Number of orders that were rejected or not sent, by rejection class or `not-sent`. */
  failedOrders: Record<string, number>
  /** Total cost of the purchases. `null` if one has no price, or if the policy names no currency. */
  spend: Amount | null
  minutesAbove: Record<string, number>
  minutesUnknown: number
  /** Number of ticks that held, by the first reason. */
  holds: Record<string, number>
  /** Number of servers that run at the end. */
  serversAtEnd: number
}

/** Replays the history. The same options give the same result, byte for byte. */
export async function simulate(options: SimulationOptions): Promise<Simulation> {
  const { loaded, history, onProgress } = options
  const stage = await stageOf(options)
  const first = Math.ceil(history.from / TICK_MS) * TICK_MS
  const ticks = Math.max(0, Math.floor((history.to - first) / TICK_MS) + 1)
  // An earlier tick records the policy, so that `arm_after` is over when the history begins.
  if (loaded.policy.armAfterMs > 0) await stage.tick(first - loaded.policy.armAfterMs - TICK_MS)
  const holds = new Map<string, number>()
  for (let nth = 0; nth < ticks; nth++) {
    const heldBy = await stage.tick(first + nth * TICK_MS)
    if (heldBy !== null) holds.set(heldBy, (holds.get(heldBy) ?? 0) + 1)
    if (onProgress && nth % PROGRESS_EVERY_TICKS === 0) onProgress(nth, ticks)
  }
  onProgress?.(ticks, ticks)
  for (const shown of options.record ? stage.meter.shown() : []) options.record?.load(shown)
  return summaryOf(options, { stage, ticks, holds })
}

interface Stage {
  book: OrderBook
  cloud: ModelCloud
  meter: HistoryMeter
  /** Runs one tick at that time. Returns the first reason that held it; `null` if none did. */
  tick(at: number): Promise<string | null>
}

async function stageOf(options: SimulationOptions): Promise<Stage> {
  const { policy } = options.loaded
  const { history, servers, elastic } = options
  let now = history.from - AGE_AT_START_MS
  const clock: Clock = {
    now: () => now,
    monotonic: () => now,
    wait: async (ms) => {
      now += ms
    },
  }
  const cloud = new ModelCloud({ ...options, policy, since: now, now: clock.now })
  const elasticity = elastic && { ...elastic, firstServers: servers, runningAt: cloud.runningAt }
  const meter = new HistoryMeter({ policy, history, elasticity })
  const stream = supernodeStream(policy.id)
  const book = new OrderBook()
  const ledger = new RecentLedger((entry: LedgerEntry) => {
    if (entry.stream !== stream) return
    book.note(entry)
    options.record?.entry(entry)
  })
  let ids = 0
  const newId = (): string => `simulated-${++ids}`
  await initLedger(
    { ledger, clock, newId },
    { by: "simulate", why: "a simulation begins", nothingInFlight: true },
  )
  const ports: Ports = {
    ledger,
    cloud: cloud.portWith(meter),
    clock,
    notify: null,
    newId,
    timeLeftMs: () => Number.POSITIVE_INFINITY,
  }
  const { ledgerId: _anyLedger, ...loaded } = options.loaded
  const tick = async (at: number): Promise<string | null> => {
    now = at
    const signal = { kind: "tick" as const, id: `tick-${at}`, name: "every-5-minutes", at }
    const { decision, outcome } = await run(ports, taskOf({ loaded, stream, signal, run: newId() }))
    return outcome === undefined || decision.kind === "hold" ? decision.heldBy : null
  }
  return { book, cloud, meter, tick }
}

function taskOf({
  signal,
  loaded,
  run: runId,
  stream,
}: Pick<RunTask, "signal" | "loaded" | "run" | "stream">): RunTask {
  return {
    signal,
    exclusive: true,
    loaded,
    run: runId,
    mode: "live",
    stream,
    endpoint: "https://modelarts.simulated",
    buyTimeoutMs: ORDER_TIMEOUT_MS,
    sendWithinMs: ORDER_TIMEOUT_MS / 2,
    fleetStreams: [stream],
    hintsAreUnread: true,
  }
}

interface Played {
  stage: Stage
  ticks: number
  holds: ReadonlyMap<string, number>
}

function summaryOf(
  { history, loaded }: SimulationOptions,
  { stage: { book, cloud, meter }, ticks, holds }: Played,
): Simulation {
  const { purchases } = book
  const held = [...holds.values()].reduce((sum, count) => sum + count, 0)
  return {
    from: history.from,
    to: history.to,
    ticks,
    decisions: held + book.opened,
    purchases,
    failedOrders: book.failed,
    spend: spendOf(purchases, loaded),
    minutesAbove: meter.minutesAbove(),
    minutesUnknown: meter.minutesUnknown(),
    holds: Object.fromEntries([...holds].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))),
    serversAtEnd: cloud.runningAt(history.to),
  }
}

function spendOf(purchases: readonly SimulatedPurchase[], { policy }: LoadedPolicy): Amount | null {
  const currency = purchases.find(({ cost }) => cost !== null)?.cost?.currency ?? currencyOf(policy)
  if (currency === null || purchases.some(({ cost }) => cost === null)) return null
  const minor = purchases.reduce((sum, { cost }) => sum + (cost ? moneyOf(cost).minor : 0), 0)
  return amountOf({ minor, currency })
}

function currencyOf({ ladder, limits }: LoadedPolicy["policy"]): string | null {
  return ladder.find(({ price }) => price)?.price?.currency ?? limits.budget?.currency ?? null
}
