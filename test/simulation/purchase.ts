import type { Outcome, RejectionClass } from "../../lib/decision/state/outcome.ts"
import type { BuyOrder } from "../../lib/ports.ts"
import type { TrueOrder } from "../world/order.ts"
import { noAnswer, rejected } from "../world/outcomes.ts"
import { isTooLate, TOO_LATE } from "../world/send-window.ts"
import type { Process } from "./machine.ts"
import type { SimulatedSupernode } from "./supernode.ts"
import type { World } from "./world.ts"

const MINUTE = 60_000
const HOUR = 60 * MINUTE

interface Purchase {
  world: World
  process: Process
  supernode: SimulatedSupernode
  order: BuyOrder
  run: string
}

/**
 * Implements the contract of `Cloud.buy`: at most one request, none after `sendBefore`, and a class for every
 * end.
 */
export async function buyOnce(purchase: Purchase): Promise<Outcome> {
  const { world, process, supernode, order, run } = purchase
  const { random, weather } = world
  const connectMs = random.spread(1, 5_000)
  const stands = await process.ask("connect", {
    thereMs: connectMs,
    backMs: random.spread(1, 2_000),
    effect: () => !random.chance(weather.connectFails),
  })
  if (!stands) return { kind: "not-sent", reason: "refused", says: "connection refused" }
  if (isTooLate(order, process.clock) && !world.broken?.clientForgetsSendBefore) {
    return TOO_LATE
  }
  world.watch.posted({ supernode, order, run, machine: process.machine, process })
  return Promise.race([exchange(purchase, supernode.place(order)), timedOut(purchase)])
}

function timedOut({ process, order }: Purchase): Promise<Outcome> {
  return new Promise((resolve) => process.later(order.timeoutMs, () => resolve(noAnswer("timeout"))))
}

type Ending = "accepted" | "refused" | "reset" | "error-page" | "error-yet-bought" | "never" | "later"

/**
 * Sends the request, which arrives even if the process dies then. Returns the class of the response, if any.
 */
function exchange({ world, process, supernode }: Purchase, order: TrueOrder): Promise<Outcome> {
  const { random, weather } = world
  const ending = random.weighted<Ending>([
    [1, "accepted"],
    [weather.purchaseIsRefused, "refused"],
    [weather.purchaseAnswerIsLost, "reset"],
    [weather.purchaseAnswerIsLost / 4, "error-yet-bought"],
    [weather.purchaseNeverArrives, "never"],
    [weather.purchaseNeverArrives / 2, "error-page"],
    [weather.purchaseHappensLater, "later"],
  ])
  const thereMs = random.spread(5, 10_000)
  // A slow response may take longer than the client's timeout.
  const backMs = random.chance(weather.cloudIsSlow)
    ? random.spread(1_000, 3 * MINUTE)
    : random.spread(5, 20_000)
  const isAnswered = ending !== "never" && !(ending === "later" && random.chance(0.5))
  const answer = process.ask(
    "POST",
    { thereMs, backMs, effect: () => happen({ world, supernode, order, ending }) },
    true,
  )
  return isAnswered ? answer : new Promise(() => undefined)
}

interface Arrival {
  world: World
  supernode: SimulatedSupernode
  order: TrueOrder
  ending: Ending
}

function happen({ world, supernode, order, ending }: Arrival): Outcome {
  const { random, scheduler } = world
  if (ending === "never" || ending === "error-page") {
    order.fate = "lost"
    return noAnswer("HTTP 502")
  }
  if (ending === "later") {
    scheduler.after(random.spread(MINUTE, 3 * HOUR), () => supernode.deliver(order))
    return noAnswer("HTTP 504")
  }
  const refusal = refusalOf({ world, supernode, order, ending })
  if (refusal && ending !== "reset" && ending !== "error-yet-bought") {
    order.fate = "refused"
    world.trace(`${supernode.policy.name} refuses ${order.attempt}: ${refusal}`)
    const retryAfterMs = random.chance(0.5) ? random.whole(5, 600) * 1_000 : null
    return Object.assign(rejected(refusal, refusal === "throttle" ? retryAfterMs : null), {
      message: refusal,
    })
  }
  supernode.deliver(order)
  if (ending === "reset") return noAnswer("reset")
  if (ending === "error-yet-bought") return noAnswer("HTTP 500")
  return {
    kind: "accepted",
    status: 200,
    orderId: `CS-${order.attempt}`,
    requestId: null,
    servers: [],
    raw: null,
  }
}

const REFUSALS: readonly (readonly [number, RejectionClass])[] = [
  [4, "capacity"],
  [3, "throttle"],
  [2, "state-conflict"],
  [1, "quota"],
  [1, "balance"],
  [1, "auth"],
  [1, "not-found"],
  [1, "invalid"],
]

function refusalOf({ world, supernode, order, ending }: Arrival): RejectionClass | null {
  if (ending === "refused") return world.random.weighted(REFUSALS)
  return supernode.isSoldOut(order.flavor) ? "capacity" : null
}
