import { setTimeout as pause } from "node:timers/promises"
import type { Operation } from "../../lib/sandbox/api/route.ts"
import type { Failure } from "../../lib/sandbox/failures.ts"
import type { ReceivedRequest } from "../../lib/sandbox/received.ts"
import type { SandboxOptions } from "../../lib/sandbox/sandbox.ts"
import type { SandboxOrder } from "../../lib/sandbox/world/world.ts"
import { type Bundle, bundle } from "../processes/bundle.ts"
import { OwnProcess } from "../processes/process.ts"

export type ApartOptions = Omit<SandboxOptions, "now" | "sleep"> & {
  /** Delayed responses wait until `open`, however short the delay is. */
  gated?: boolean
}

export interface Offer {
  flavor: string
  servers: number
}

/** Command to the process of a sandbox. */
export type ApartCommand =
  | { verb: "start"; options: ApartOptions }
  | { verb: "seen" }
  | { verb: "waiting" }
  | { verb: "open" }
  | { verb: "failNext"; operation: Operation; failure: Failure; times: number }
  | { verb: "clearFailures" }
  | { verb: "advance"; ms: number }
  | { verb: "addOffer"; supernode: string; offer: Offer }

const POLL_MS = 10

/**
 * The sandbox on the system's clock in a process of its own, so that a busy or starved test delays no
 * response of the cloud. It keeps every purchase and every order that `look` fetched.
 */
export class SandboxApart {
  readonly scaleUps: ReceivedRequest[] = []
  readonly orders: SandboxOrder[] = []
  readonly #process: OwnProcess
  #url = ""
  #advancedMs = 0
  #last: Promise<unknown> = Promise.resolve()

  private constructor({ file }: Bundle) {
    this.#process = new OwnProcess(file, [], {})
  }

  static async start(options: ApartOptions): Promise<SandboxApart> {
    const sandbox = new SandboxApart(await bundle("sandbox"))
    try {
      sandbox.#url = (await sandbox.#ask({ verb: "start", options })) as string
      return sandbox
    } catch (error) {
      await sandbox.close()
      throw error
    }
  }

  get url(): string {
    return this.#url
  }

  now(): number {
    return Date.now() + this.#advancedMs
  }

  /** Advances the sandbox's clock, and `now` with it. */
  async advance(ms: number): Promise<void> {
    await this.#ask({ verb: "advance", ms })
    this.#advancedMs += ms
  }

  /**
   * Fetches the purchases and orders since the last call, and returns these purchases. They include all
   * purchases that were written to the sandbox's sockets before the call.
   */
  async look(): Promise<readonly ReceivedRequest[]> {
    const seen = (await this.#ask({ verb: "seen" })) as {
      scaleUps: ReceivedRequest[]
      orders: SandboxOrder[]
    }
    this.scaleUps.push(...seen.scaleUps)
    this.orders.push(...seen.orders)
    return seen.scaleUps
  }

  /** Calls `look` until `isSo` is true. Only the test's own time limit ends the wait otherwise. */
  async until(isSo: () => boolean): Promise<void> {
    for (;;) {
      await this.look()
      if (isSo()) return
      await pause(POLL_MS)
    }
  }

  /** Waits until a response waits at the gate. */
  async untilGated(): Promise<void> {
    while ((await this.#ask({ verb: "waiting" })) === 0) await pause(POLL_MS)
  }

  async open(): Promise<void> {
    await this.#ask({ verb: "open" })
  }

  async failNext(operation: Operation, failure: Failure, times = 1): Promise<void> {
    await this.#ask({ verb: "failNext", operation, failure, times })
  }

  async clearFailures(): Promise<void> {
    await this.#ask({ verb: "clearFailures" })
  }

  async addOffer(supernode: string, offer: Offer): Promise<void> {
    await this.#ask({ verb: "addOffer", supernode, offer })
  }

  async close(): Promise<void> {
    this.#process.signal("SIGKILL")
    await this.#process.ended
  }

  /** Sends one command at a time, since replies carry no number. */
  #ask(question: ApartCommand): Promise<unknown> {
    const asked = this.#last.then(async () => {
      this.#process.tell(JSON.stringify(question))
      const said = (await this.#process.next()) as { value?: unknown; error?: string }
      if (said.error !== undefined) throw new Error(said.error)
      return said.value
    })
    this.#last = asked.catch(() => undefined)
    return asked
  }
}
