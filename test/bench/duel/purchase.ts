import type { Ending } from "../../../lib/huawei/purchase/send-purchase.ts"
import { MINUTE } from "../../decision/builders.ts"
import type { TrueOrder } from "../../world/order.ts"
import type { Process } from "./process.ts"
import { ACCEPTED_BODY, ANSWER_MS, HOP_MS, PLAN, TAKEN_MS, type World } from "./world.ts"

/** Course of one purchase request. Missing fields mean that this part succeeds. */
export interface Call {
  /** `false` if the connection is refused, so that nothing is sent. */
  connects?: false
  /** Fate of the sender. A pause is between the connection and the first byte. */
  worker?: "dies-before-sending" | "dies-after-sending" | "dies-at-the-answer" | { pausesMs: number }
  /** Time from the request until the order is accepted, in milliseconds; `null` if it never is. */
  takenAfterMs?: number | null
  /** The response. `reset` and `silence` mean that there is none. */
  answer?: "reset" | "silence" | "unreadable" | 429 | 500 | 504
  answerAfterMs?: number
}

/**
 * Limit from the first byte to the last byte of the response, for every pattern: the default of
 * SUPERNODE_BUY_TIMEOUT.
 */
export const TIMEOUT_MS = MINUTE

export interface Sending {
  /** Id of the attempt, or of the event for references. */
  label: string
  timeoutMs: number
  /** Called immediately before the first byte. */
  maySend: () => boolean
}

/** Sends one purchase request of any pattern. It ends as it would on the wire. */
export async function post(process: Process, sending: Sending): Promise<Ending> {
  const { world } = process
  const call = world.nextCall()
  await process.wait(2 * HOP_MS)
  if (call.connects === false) return { kind: "not-sent", reason: "refused", says: "connection refused" }
  await suffer(process, call)
  if (!sending.maySend()) return { kind: "not-sent", reason: "too-late", says: "the last moment has passed" }
  const order = world.supernode.place({ attempt: sending.label, plan: PLAN })
  return new Promise((resolve) => {
    arrive(world, call, order)
    if (call.worker === "dies-after-sending") process.die()
    process.later(sending.timeoutMs, () => resolve(broken("timeout")))
    if (call.answer !== "silence")
      process.later(call.answerAfterMs ?? ANSWER_MS, () => {
        if (call.worker === "dies-at-the-answer") process.die()
        else resolve(endingOf(call))
      })
  })
}

async function suffer(process: Process, { worker }: Call): Promise<void> {
  if (worker === "dies-before-sending") {
    process.die()
    await new Promise<never>(() => {})
  }
  if (typeof worker === "object") {
    process.pause(worker.pausesMs)
    await process.wait(0)
  }
}

/** The request arrives, whatever happens to its sender. */
function arrive(world: World, { takenAfterMs = TAKEN_MS }: Call, order: TrueOrder): void {
  if (takenAfterMs !== null) world.scheduler.after(takenAfterMs, () => world.takeOrder(order))
}

function endingOf({ answer }: Call): Ending {
  switch (answer) {
    case undefined:
      return complete(200, ACCEPTED_BODY)
    case "reset":
    case "silence":
      return broken(answer)
    case "unreadable":
      return complete(200, "<html><body>Please wait</body></html>")
    case 429:
      return complete(429, errorBody("ModelArts.6101", "Too many requests"), { "retry-after": "30" })
    case 500:
    case 504:
      return complete(answer, errorBody("ModelArts.0010", "Internal error"))
    default:
      return answer satisfies never
  }
}

function complete(status: number, body: string, headers: Record<string, string> = {}): Ending {
  return { kind: "complete", answer: { status, headers, body: Buffer.from(body) } }
}

function broken(reason: string): Ending {
  return { kind: "broken", reason, says: `no answer: ${reason}`, answer: null }
}

function errorBody(code: string, message: string): string {
  return JSON.stringify({ error_code: code, error_msg: message })
}
