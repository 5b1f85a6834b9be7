import type { AlarmSignal, TickSignal } from "../../../lib/decision/inputs/signal.ts"
import type { Process } from "./process.ts"
import { post, TIMEOUT_MS } from "./purchase.ts"
import { Records } from "./store.ts"
import { NEEDED_SERVERS, type World } from "./world.ts"

/** Signal that wakes a pattern. */
export type Wakeup = AlarmSignal | TickSignal

/** One way to guard a purchase. */
export interface Pattern {
  name: string
  open(world: World): Contender
}

export interface Contender {
  /** Handles one delivery. If it throws, the platform delivers again. */
  handle(wakeup: Wakeup, process: Process): Promise<void>
  /** Lets operators act on what waits for them. Returns true if anything did. */
  askPeople(): Promise<boolean>
}

/** Tools of a reference pattern in one invocation. */
export interface Tools {
  process: Process
  /** `get`, conditional `put`, `delete`. */
  records: Records
  /**
   * Every reference reads the cloud's list first, and buys nothing if the servers that the load needs are
   * there.
   */
  isNeeded(): Promise<boolean>
  /** Sends one request. Throws on everything but a 2xx response, as HTTP clients do. */
  buy(): Promise<void>
}

export type Reference = (wakeup: Wakeup, tools: Tools) => Promise<void>

export function referencePattern(name: string, reference: Reference): Pattern {
  return {
    name,
    open: () => {
      const records = new Records()
      return {
        handle: (wakeup, process) =>
          reference(wakeup, {
            process,
            records,
            isNeeded: async () => (await process.listedServers()) < NEEDED_SERVERS,
            buy: () => buy(process, wakeup.id),
          }),
        askPeople: async () => false,
      }
    },
  }
}

async function buy(process: Process, label: string): Promise<void> {
  const ending = await post(process, { label, timeoutMs: TIMEOUT_MS, maySend: () => true })
  if (ending.kind !== "complete") throw new Error(ending.says)
  const { status } = ending.answer
  if (status < 200 || status > 299) throw new Error(`HTTP ${status}`)
}
