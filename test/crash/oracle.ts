import type { OrderEnding } from "../../lib/simulate/order-ending.ts"
import type { Decided, Event, Happening, Verdict } from "./happening.ts"

// Expected results of events that are handled one after the other, from the semantics alone. The oracle uses
// no part of the program, keeps minimal state, and knows no ledger.

const [MINUTE, LAG] = [60_000, 60_000]
const LADDER = [2, 4, 8, 16, 32]
const [COOLDOWN, PROVISIONING, PERIOD] = [20 * MINUTE, 5 * MINUTE, 5 * MINUTE]
const [ACTIONS, BUDGET_SERVERS] = [2, 14]

/**
 * `attempts` counts sent orders, `order` is in flight, `orders` may have cost money, `seen` are events that
 * led to one, `asked` is the first time of a request.
 */
export function newWorld(rules: { endings: OrderEnding[]; nextLarger: boolean; minInterval: number }) {
  return {
    ...rules,
    isHigh: true,
    isPaused: false,
    heldUntil: 0,
    isBroken: false,
    seen: new Set<string>(),
    asked: new Map<string, number>(),
    last: null as Decided | null,
    present: 2,
    attempts: 0,
    order: null as { to: number; at: number; isTaken: boolean; isUnknown: boolean } | null,
    orders: [] as { at: number; count: number }[],
    completedAt: Number.NEGATIVE_INFINITY,
    blocked: new Map<number, { until: number; times: number }>(),
  }
}

export type World = ReturnType<typeof newWorld>

/** `now` is milliseconds since the history began. */
export function foresee(world: World, happening: Happening, now: number): Verdict {
  const { kind } = happening
  if (kind === "alarm" || kind === "tick" || kind === "request") return handle(world, happening, now)
  if (kind === "pause" || kind === "resume") world.isPaused = kind === "pause"
  if (kind === "hold") world.heldUntil = now + happening.forMs
  if (kind === "load") world.isHigh = happening.isHigh
  if (kind === "reset") Object.assign(world, { isBroken: false, blocked: new Map() })
  // A person settles only an unknown outcome, and truthfully.
  if (kind === "settle" && world.order?.isUnknown) {
    const { isTaken, at } = world.order
    world.order = isTaken ? { ...world.order, isUnknown: false } : null
    if (!isTaken) world.orders = world.orders.filter((order) => order.at !== at)
  }
  return { bought: [], heldBy: null }
}

function handle(world: World, event: Event, now: number): Verdict {
  if (world.seen.has(event.id)) return { bought: [], heldBy: "duplicate" }
  const bought: number[] = []
  for (let tries = 1; ; tries++) {
    const decided = checkHistory(world, event, now)
    record(world, event, decided, now)
    if (decided.heldBy !== null || decided.to === null) return { bought, heldBy: decided.heldBy }
    bought.push(decided.to)
    const isRefused = send(world, decided.to, now) === "capacity"
    if (!isRefused || !world.nextLarger || event.kind === "request" || tries === 3)
      return { bought, heldBy: null }
  }
}

/**
 * An event that only held may come again. An OK is never recorded if the supernode has no rules on alarms'
 * points.
 */
function record(world: World, event: Event, decided: Decided, now: number): void {
  if (event.kind === "request" && !world.asked.has(event.id)) world.asked.set(event.id, now)
  if (decided.heldBy === null) world.seen.add(event.id)
  if (event.kind !== "alarm" || event.state !== "ok") world.last = decided
}

/**
 * A tick reads no more than it needs: the state, then the outcome of an order, then the rest. The same is
 * true of an OK, and of an alarm that holds for the same reason as last time.
 */
function checkHistory(world: World, event: Event, now: number): Decided {
  const first = stateIn(world, event, now) ?? pacing(world, event, now)
  const isRepeated = first !== null && first === (world.last?.heldBy ?? null)
  const readsLittle =
    event.kind === "tick" || (event.kind === "alarm" && (event.state === "ok" || isRepeated))
  if (readsLittle && !world.order && first) return { heldBy: first, to: null }
  complete(world, now)
  const inTheWay = stateIn(world, event, now)
  const known = readsLittle ? (inTheWay ?? pacing(world, event, now)) : null
  if (known) return { heldBy: known, to: null }
  const { wanted, reason } = aim(world, event, now)
  const offer = wanted === null ? null : offered(world, event, wanted, now)
  const sum = world.orders.reduce((total, { count }) => total + count, (offer?.to ?? 0) - world.present)
  const budget = offer && sum > BUDGET_SERVERS ? "over-budget" : null
  // A plan serves one attempt: any attempt after the dry run changes it.
  const isChanged = world.present !== 2 || world.attempts > 0
  const plan = event.kind === "request" && isChanged ? "plan-changed" : null
  const heldBy = inTheWay ?? reason ?? pacing(world, event, now) ?? offer?.reason ?? budget ?? plan
  return { heldBy, to: offer?.to ?? null }
}

function stateIn(world: World, event: Event, now: number): string | null {
  if (event.kind === "alarm" && event.state !== "alarm") return "not-alarm"
  if (world.isPaused) return "paused"
  const at = event.kind === "request" ? now : (event.at ?? now)
  if (now - at > 15 * MINUTE) return "stale"
  if (at - now > MINUTE) return "from-the-future"
  if (event.kind === "request" && now - (world.asked.get(event.id) ?? now) > 15 * MINUTE) return "stale"
  if (world.heldUntil > now && event.kind !== "request") return "held"
  if (world.order) return world.order.isUnknown ? "outcome-unknown" : "in-flight"
  return world.isBroken ? "breaker" : null
}

function aim(world: World, event: Event, now: number): { wanted: number | null; reason: string | null } {
  const here = Math.max(world.present, world.order?.to ?? 0)
  if (event.kind === "request" && event.servers <= here) return { wanted: null, reason: "already-there" }
  if (event.kind === "request") return { wanted: event.servers, reason: null }
  const newestPeriod = Math.floor((now - LAG) / PERIOD) * PERIOD - PERIOD
  const isBreaching = world.isHigh && newestPeriod >= world.completedAt
  if (!isBreaching) return { wanted: null, reason: "not-breaching" }
  return { wanted: LADDER.find((servers) => servers > here) ?? null, reason: null }
}

function pacing(world: World, event: Event, now: number): string | null {
  const ends = world.orders.map(({ at }) => at + world.minInterval)
  const until = Math.max(world.completedAt + COOLDOWN, ...ends)
  if (until > now && !(event.kind === "request" && event.bypass)) return "cooldown"
  return world.orders.length >= ACTIONS ? "action-rate" : null
}

function offered(world: World, event: Event, wanted: number, now: number) {
  const isFree = (servers: number) => (world.blocked.get(servers)?.until ?? 0) <= now
  const mayGoLarger = world.nextLarger && event.kind !== "request"
  const to = LADDER.find(
    (servers) => isFree(servers) && (servers === wanted || (mayGoLarger && servers > wanted)),
  )
  return to === undefined ? { to: wanted, reason: "flavor-blocked" } : { to, reason: null }
}

function send(world: World, to: number, now: number): OrderEnding {
  const ending = world.endings.shift() ?? "accepted"
  world.attempts += 1
  if (ending === "balance") world.isBroken = true
  if (ending === "capacity") {
    const times = (world.blocked.get(to)?.times ?? 0) + 1
    world.blocked.set(to, { times, until: now + Math.min(60, 5 * 2 ** (times - 1)) * MINUTE })
  }
  if (ending === "balance" || ending === "capacity") return ending
  world.order = { to, at: now, isTaken: ending !== "vanished", isUnknown: ending !== "accepted" }
  world.orders.push({ at: now, count: to - world.present })
  if (world.order.isTaken) world.present = to
  if (ending === "accepted") world.blocked.delete(to)
  return ending
}

function complete(world: World, now: number): void {
  const { order } = world
  if (!order || order.isUnknown || now < order.at + PROVISIONING) return
  Object.assign(world, { completedAt: order.at + PROVISIONING, order: null })
}
